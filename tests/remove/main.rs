//! `remove`, `undo` and `prune` against the real git, in scratch repositories and a scratch home.

mod crowd;
mod kill;
mod merged;
mod prune;
mod refuse;
mod undo;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A repository `app` on `main` with one commit, in a directory whose name has to be quoted everywhere.
struct Project {
    _scratch: tempfile::TempDir,
    /// Holds the repository and its worktrees.
    around: PathBuf,
    /// The main worktree.
    main: PathBuf,
    home: PathBuf,
    /// Goes before PATH.
    tools: PathBuf,
}

impl Project {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        let around = top.join(r#"it's "$(touch x)" : 家"#);
        let project = Project {
            main: around.join("app"),
            home: top.join("home"),
            tools: top.join("tools"),
            around,
            _scratch: scratch,
        };
        for dir in [&project.main, &project.home, &project.tools] {
            fs::create_dir_all(dir).unwrap();
        }
        let config = "[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n[protocol \"file\"]\nallow = always\n\
                      [advice]\ndetachedHead = false\n[gc]\nauto = 0\n[core]\nfsync = none\n";
        fs::write(project.home.join(".gitconfig"), config).unwrap();
        project.git(&["init", "--quiet"]);
        project.write("app/file", "one\n");
        project.write("app/.gitignore", "*.log\n.env\nnode_modules/\n/data/\n");
        project.commit("app", "one");
        project
    }

    fn at(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.around.join(OsStr::from_bytes(path.as_ref()))
    }

    fn write(&self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, program: impl AsRef<OsStr>, dir: impl AsRef<Path>) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(
            std::iter::once(self.tools.clone()).chain(std::env::split_paths(&path)),
        );
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", &self.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .current_dir(self.around.join(dir))
            .stdin(Stdio::null());
        command
    }

    /// Runs git in the main worktree and returns what it printed.
    fn git(&self, args: &[&str]) -> String {
        self.git_in("app", args)
    }

    fn git_in(&self, dir: impl AsRef<Path>, args: &[&str]) -> String {
        let output = self.command("git", dir).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn commit(&self, dir: &str, message: &str) {
        self.git_in(dir, &["add", "--all"]);
        self.git_in(dir, &["commit", "--quiet", "--message", message]);
    }

    /// A worktree `app-NAME` on a new branch `NAME` from `main`, with one commit of its own in the file `NAME`.
    fn worktree(&self, name: &str) -> PathBuf {
        let dir = format!("app-{name}");
        self.fresh(name);
        self.write(format!("{dir}/{name}"), format!("{name}\n"));
        self.commit(&dir, name);
        self.at(dir)
    }

    /// The same without a commit.
    fn fresh(&self, name: &str) -> PathBuf {
        let dir = format!("../app-{name}");
        self.git(&["worktree", "add", "--quiet", "-b", name, &dir, "main"]);
        self.at(format!("app-{name}"))
    }

    fn treehop(&self, args: &[&str]) -> Output {
        self.treehop_in("app", args)
    }

    fn treehop_in(&self, dir: impl AsRef<Path>, args: &[&str]) -> Output {
        let treehop = env!("CARGO_BIN_EXE_treehop");
        self.command(treehop, dir).args(args).output().unwrap()
    }

    /// Runs treehop, which must succeed, and returns its JSON.
    fn json(&self, args: &[&str]) -> Value {
        self.json_in("app", args)
    }

    fn json_in(&self, dir: impl AsRef<Path>, args: &[&str]) -> Value {
        let output = self.treehop_in(dir, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "treehop {args:?}: {said}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["schema"], 1);
        document
    }

    /// Runs treehop, which must fail with `status` and print nothing; returns what it said.
    fn fails(&self, status: i32, args: &[&str]) -> String {
        let output = self.treehop(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(status),
            "treehop {args:?}: {said}"
        );
        assert!(
            output.stdout.is_empty(),
            "treehop {args:?} printed something"
        );
        said
    }

    fn has_branch(&self, name: &str) -> bool {
        let name = format!("refs/heads/{name}");
        let mut git = self.command("git", "app");
        git.args(["rev-parse", "--verify", "--quiet", &name]);
        git.output().unwrap().status.success()
    }

    fn snapshots(&self) -> Vec<String> {
        let refs = self.git(&["for-each-ref", "--format=%(refname)", "refs/treehop/"]);
        refs.lines().map(str::to_owned).collect()
    }

    /// Waits until what was removed is deleted, and nothing of treehop's is left but what `undo` needs.
    fn settled(&self) {
        let since = Instant::now();
        let left = || {
            let mut left = vec![];
            for dir in ["making", "removing", "undoing", "trash"] {
                let dir = self.main.join(".git/treehop").join(dir);
                left.extend(
                    fs::read_dir(dir)
                        .into_iter()
                        .flatten()
                        .flatten()
                        .map(|e| e.path()),
                );
            }
            let hidden = fs::read_dir(&self.around)
                .unwrap()
                .flatten()
                .map(|e| e.path());
            left.extend(hidden.filter(|p| p.to_string_lossy().contains("/.treehop")));
            left
        };
        while !left().is_empty() {
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "left: {:?}",
                left()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Git calls the repository sound, and lists exactly these worktrees beside the main one.
    fn sound(&self, worktrees: &[&str]) {
        let mut git = self.command("git", "app");
        let fsck = git
            .args(["fsck", "--no-progress", "--no-dangling"])
            .output()
            .unwrap();
        let said = [fsck.stdout, fsck.stderr].concat();
        assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&said));
        let list = self.git(&["worktree", "list", "--porcelain"]);
        let listed: Vec<_> = list
            .lines()
            .filter_map(|line| line.strip_prefix("worktree "))
            .map(|path| Path::new(path).file_name().unwrap().to_str().unwrap())
            .skip(1)
            .collect();
        assert_eq!(listed, worktrees);
    }

    /// Everything that `undo` has to bring back: files with modes and bytes, the index, the status, HEAD.
    fn state(&self, dir: &str) -> State {
        let git_dir = self.git_in(dir, &["rev-parse", "--absolute-git-dir"]);
        let index = fs::read(Path::new(git_dir.trim_end()).join("index")).unwrap_or_default();
        let status = [
            "--no-optional-locks",
            "status",
            "--porcelain=v2",
            "--branch",
            "-uall",
        ];
        State {
            files: tree(&self.at(dir)),
            index,
            entries: self.git_in(dir, &["ls-files", "-v", "--stage"]),
            status: self.git_in(dir, &status),
        }
    }
}

#[derive(Debug, PartialEq)]
struct State {
    files: BTreeMap<Vec<u8>, (u32, Vec<u8>)>,
    index: Vec<u8>,
    entries: String,
    status: String,
}

/// All files and links below `root` but `.git`, with their permissions (of links: 0) and bytes.
fn tree(root: &Path) -> BTreeMap<Vec<u8>, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if path == root.join(".git") {
            } else if meta.is_dir() {
                directories.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec();
                let content = if meta.is_symlink() {
                    (
                        0,
                        fs::read_link(&path)
                            .unwrap()
                            .as_os_str()
                            .as_bytes()
                            .to_vec(),
                    )
                } else {
                    (meta.permissions().mode() & 0o777, fs::read(&path).unwrap())
                };
                found.insert(name, content);
            }
        }
    }
    found
}

#[test]
fn a_worktree_goes_with_its_merged_branch_and_the_shell_goes_to_the_main_one() {
    let project = Project::new();
    let path = project.worktree("done");
    project.git(&["merge", "--quiet", "--no-ff", "done"]);
    fs::create_dir(path.join("below")).unwrap();
    let document = project.json_in("app-done/below", &["remove"]);
    let main = project.main.to_str().unwrap();
    assert_eq!(document["cd"], main);
    assert_eq!(document["repo"]["root"], main);
    let removed = &document["removed"][0];
    assert_eq!(removed["name"], "done");
    assert_eq!(removed["path"], path.to_str().unwrap());
    assert_eq!(removed["branch"], "done");
    assert_eq!(removed["branch_deleted"], true);
    assert_eq!(project.snapshots(), [removed["snapshot"].as_str().unwrap()]);
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&document), ["cd", "removed", "repo", "schema"]);
    assert_eq!(
        keys(removed),
        ["branch", "branch_deleted", "name", "path", "snapshot"]
    );
    assert!(!path.exists() && !project.has_branch("done"));
    project.settled();
    project.sound(&[]);
}

#[test]
fn several_go_at_once_or_none() {
    let project = Project::new();
    for name in ["a", "b", "c"] {
        project.fresh(name);
    }
    project.write("app-b/new", "");
    let said = project.fails(5, &["remove", "a", "b", "c"]);
    assert!(
        said.contains("nothing was removed") && said.contains("'b' has changes: 1 untracked"),
        "{said}"
    );
    project.sound(&["app-a", "app-b", "app-c"]);
    assert!(project.snapshots().is_empty());
    let document = project.json(&["remove", "a", "c", "a"]);
    assert_eq!(document["removed"].as_array().unwrap().len(), 2);
    assert_eq!(document["cd"], Value::Null);
    project.sound(&["app-b"]);
}

#[test]
fn which_worktree_is_meant() {
    let project = Project::new();
    project.fresh("one-x");
    project.fresh("one-y");
    assert!(project.fails(4, &["remove", "one"]).contains("one-x"));
    project.fails(3, &["remove", "nothing"]);
    project.fails(2, &["remove", "--fields", "venv", "one-x"]);
    let output = project.treehop_in("app-one-x", &["remove", "--fields", "cd,repo.name"]);
    let expected = format!("{}\napp\n", project.main.display());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(
        project.treehop(&["remove", "y", "--fields", "cd"]).stdout,
        b"\n"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let project = Project::new();
    project.worktree("kept");
    project.write("app-kept/new", "");
    project.worktree("squashed");
    project.git(&["merge", "--quiet", "--squash", "squashed"]);
    project.commit("app", "squashed");
    let all = || (tree(&project.main.join(".git")), tree(&project.around));
    let before = all();
    project.fails(5, &["remove", "--dry-run", "kept"]);
    let document = project.json(&["remove", "--dry-run", "-f", "kept", "squashed"]);
    assert_eq!(document["removed"][0]["branch_deleted"], false);
    assert_eq!(document["removed"][1]["branch_deleted"], true);
    assert_eq!(document["removed"][1]["snapshot"], Value::Null);
    project.json(&["prune", "--dry-run", "--merged"]);
    assert!(before == all(), "something was written");
}

#[test]
fn no_name_is_a_command_an_option_or_a_pattern() {
    let project = Project::new();
    let names: [&[u8]; 6] = [
        b"-f",
        b"$(touch gone)",
        b"it's \"q\"",
        b"a\nb",
        b"caf\xe9",
        b"*",
    ];
    for (number, name) in names.iter().enumerate() {
        let branch = format!("b{number}/`id`$(id)%F{{red}}");
        let path = project.at([b"app-", *name].concat());
        let mut git = project.command("git", "app");
        git.args(["worktree", "add", "--quiet", "-b", &branch])
            .arg(&path);
        assert!(git.status().unwrap().success());
        fs::write(path.join(OsStr::from_bytes(name)), b"untracked").unwrap();
        let before = tree(&path);
        let output = project.treehop(&["remove", "-f", &format!("b{number}/")]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!path.exists() && !project.has_branch(&branch));
        project.settled();
        project.sound(&[]);
        project.json(&["undo"]);
        assert_eq!(tree(&path), before);
        assert!(project.has_branch(&branch));
        project.json(&["remove", "-f", &format!("b{number}/")]);
    }
    assert!(!project.at("app/gone").exists());
}

#[test]
fn ten_thousand_files_and_write_protected_directories() {
    let project = Project::new();
    for number in 0..10_000 {
        let content = format!("{number}\n").repeat(20);
        project.write(format!("app/d{}/f{number}", number / 100), content);
    }
    project.commit("app", "many");
    project.fresh("many");
    project.write("app-many/d5/f500", "changed\n");
    project.write("app-many/node_modules/.cache/x", "");
    let cache = project.at("app-many/node_modules/.cache");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o555)).unwrap();
    let before = project.state("app-many");
    project.json(&["remove", "-f", "many"]);
    assert!(!project.at("app-many").exists());
    project.settled();
    project.json(&["undo"]);
    let mut after = project.state("app-many");
    // What a tool makes again is not kept.
    after
        .files
        .insert(b"node_modules/.cache/x".into(), (0o644, vec![]));
    assert!(before == after, "it came back otherwise");
}

#[test]
fn ignored_files_are_kept_out_of_the_object_database() {
    let project = Project::new();
    let path = project.fresh("secrets");
    project.write("app-secrets/.env", "TOKEN=s3cret\n");
    fs::set_permissions(path.join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    project.write("app-secrets/data/notes.log", "mine\n");
    symlink("notes.log", path.join("data/link")).unwrap();
    project.write("app-secrets/node_modules/x/index.js", "theirs\n");
    let output = project.treehop(&["remove", "secrets"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("ignored files kept for wundo: .env, data/link, data/notes.log"),
        "{said}"
    );
    project.write("probe", "TOKEN=s3cret\n");
    let id = project.git(&["hash-object", "../probe"]);
    let mut git = project.command("git", "app");
    assert!(
        !git.args(["cat-file", "-e", id.trim()])
            .status()
            .unwrap()
            .success(),
        "the secret is in git"
    );
    project.settled();
    project.json(&["undo"]);
    let files = tree(&path);
    assert_eq!(files[&b".env"[..]], (0o600, b"TOKEN=s3cret\n".to_vec()));
    assert_eq!(files[&b"data/notes.log"[..]].1, b"mine\n");
    assert_eq!(files[&b"data/link"[..]], (0, b"notes.log".to_vec()));
    assert!(!files.contains_key(&b"node_modules/x/index.js"[..]));
    let kept = fs::read_dir(project.main.join(".git/treehop/kept")).unwrap();
    assert_eq!(kept.count(), 0);
}

#[test]
fn ignored_files_that_are_too_big_are_refused_and_with_force_named() {
    let project = Project::new();
    let path = project.fresh("big");
    project.write("app-big/data/big.bin", vec![1; 11_000_000]);
    project.write("app-big/.env", "small\n");
    let said = project.fails(5, &["remove", "big"]);
    assert!(said.contains("data/big.bin (11 MB)"), "{said}");
    let output = project.treehop(&["remove", "-f", "big"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("NOT kept: data/big.bin"),
        "{said}"
    );
    project.json(&["undo"]);
    assert!(path.join(".env").exists() && !path.join("data/big.bin").exists());
}

#[test]
fn what_is_written_in_the_last_moment_is_not_lost() {
    let project = Project::new();
    let path = project.fresh("busy");
    // Between the look at the files and the renaming, a program writes.
    let script = "#!/bin/sh\ncase $* in commit-tree*) echo late > \"$LATE\" ;; esac\nPATH=${PATH#*:} exec git \"$@\"\n";
    let git = project.tools.join("git");
    fs::write(&git, script).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let mut treehop = project.command(env!("CARGO_BIN_EXE_treehop"), "app");
    let output = treehop
        .args(["remove", "busy"])
        .env("LATE", path.join("late"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("'late' was written to while 'busy' was being removed"),
        "{said}"
    );
    assert_eq!(fs::read(path.join("late")).unwrap(), b"late\n");
    assert!(project.snapshots().is_empty() && project.has_branch("busy"));
    project.settled();
    project.sound(&["app-busy"]);
}

#[test]
fn where_nothing_can_be_renamed_nothing_changes() {
    let project = Project::new();
    let path = project.fresh("stuck");
    project.write("app-stuck/new", "work\n");
    let treehop = project.tools.join("treehop");
    fs::copy(env!("CARGO_BIN_EXE_treehop"), &treehop).unwrap();
    let set_mode =
        |mode| fs::set_permissions(&project.around, fs::Permissions::from_mode(mode)).unwrap();
    let before = project.state("app-stuck");
    // Permissions mean nothing to root.
    let root = rustix::process::geteuid().is_root();
    let owner = |who: &str| {
        let top = project.around.parent().unwrap();
        assert!(
            Command::new("chown")
                .args(["-R", who])
                .arg(top)
                .status()
                .unwrap()
                .success()
        );
    };
    let mut command = if root {
        owner("65534:65534");
        let mut command = project.command("setpriv", "app");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&treehop);
        command
    } else {
        project.command(&treehop, "app")
    };
    set_mode(0o555);
    let output = command.args(["remove", "-f", "stuck"]).output().unwrap();
    set_mode(0o755);
    if root {
        owner("0:0");
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not rename"), "{said}");
    assert!(path.exists() && project.state("app-stuck") == before);
    assert!(project.snapshots().is_empty());
    project.settled();
    project.sound(&["app-stuck"]);
}
