//! `treehop new` against real git: what it makes, what it refuses, and what is left after it was stopped anywhere.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const REFUSED: i32 = 5;
/// For what another process has to do meanwhile.
const SOON: Duration = Duration::from_secs(20);

/// A home, and in it the repository `app` with one commit on `main`.
struct World {
    home: PathBuf,
    app: PathBuf,
    _scratch: tempfile::TempDir,
}

impl World {
    /// Only a home.
    fn empty() -> World {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch
            .path()
            .canonicalize()
            .unwrap()
            .join("it's \"my\" $(home)");
        fs::create_dir(&home).unwrap();
        let config = "[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n\
            [core]\nfsync = none\n[gc]\nauto = 0\n[maintenance]\nauto = false\n[protocol \"file\"]\nallow = always\n";
        fs::write(home.join(".gitconfig"), config).unwrap();
        World {
            app: home.join("app"),
            home,
            _scratch: scratch,
        }
    }

    fn new() -> World {
        let world = World::empty();
        git(&world, &world.home, &["init", "--quiet", "app"]);
        world.commit("file", "one\n");
        world
    }

    /// With a repository `name` beside it that is the remote of this name, its branches `branches` known here.
    fn remote(&self, name: &str, branches: &[&str]) -> PathBuf {
        let remote = self.home.join(format!("{name}.git"));
        let path = remote.to_str().unwrap();
        git(self, &self.app, &["clone", "--quiet", "--bare", ".", path]);
        for branch in branches {
            self.add_to(&remote, &format!("refs/heads/{branch}"));
        }
        git(self, &self.app, &["remote", "add", name, path]);
        git(self, &self.app, &["fetch", "--quiet", name]);
        remote
    }

    /// A commit more on a ref of a bare repository, which may be a new one.
    fn add_to(&self, remote: &Path, name: &str) -> String {
        let tree = git(self, remote, &["rev-parse", "HEAD^{tree}"]);
        let known = ["rev-parse", "--verify", "--quiet", name];
        let known = self.command("git", remote).args(known).output().unwrap();
        let parent = if known.status.success() { name } else { "HEAD" };
        let commit = git(
            self,
            remote,
            &["commit-tree", &tree, "-p", parent, "-m", name],
        );
        git(self, remote, &["update-ref", name, &commit]);
        commit
    }

    fn commit(&self, file: &str, content: &str) -> String {
        fs::write(self.app.join(file), content).unwrap();
        git(self, &self.app, &["add", "--all"]);
        git(self, &self.app, &["commit", "--quiet", "-m", file]);
        git(self, &self.app, &["rev-parse", "HEAD"])
    }

    /// A repository whose checkout takes its time: one file that a filter holds up until `go` is there.
    fn slow(&self) {
        fs::write(self.app.join(".gitattributes"), "slow filter=slow\n").unwrap();
        self.commit("slow", "slow\n");
        let wait = "touch \"$HOME/begun\"; while [ -d \"$HOME\" ] && [ ! -e \"$HOME/go\" ]; do sleep 0.02; done; cat";
        git(self, &self.app, &["config", "filter.slow.smudge", wait]);
    }

    fn treehop(&self, dir: &Path) -> Command {
        self.command(env!("CARGO_BIN_EXE_treehop"), dir)
    }

    fn command(&self, program: impl AsRef<OsStr>, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.home)
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(dir)
            .stdin(Stdio::null());
        command
    }

    /// Runs `treehop new` in `dir`; the caller judges.
    fn run(&self, dir: &Path, args: &[&str]) -> Output {
        self.treehop(dir).arg("new").args(args).output().unwrap()
    }

    /// Runs `treehop new`, which must succeed, and returns its JSON.
    fn make_in(&self, dir: &Path, args: &[&str]) -> Value {
        let out = self.run(dir, args);
        assert!(out.status.success(), "{args:?}: {}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }

    fn make(&self, args: &[&str]) -> Value {
        self.make_in(&self.app, args)
    }

    /// Runs `treehop new`, which must end with `status` and change nothing, and returns what it says.
    fn fails_in(&self, dir: &Path, args: &[&str], status: i32) -> String {
        let before = self.state();
        let out = self.run(dir, args);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(status), "{args:?}: {said}");
        assert_eq!(text(&out.stdout), "", "{args:?}");
        assert!(said.contains("treehop: "), "{args:?}: {said}");
        assert_eq!(self.state(), before, "{args:?}: {said}");
        said
    }

    fn fails(&self, args: &[&str], status: i32) -> String {
        self.fails_in(&self.app, args, status)
    }

    /// All that `new` could leave behind: branches, worktrees, settings, admin entries, plans, directories.
    fn state(&self) -> String {
        let common = git(self, &self.app, &["rev-parse", "--git-common-dir"]);
        let common = self.app.join(common);
        let names = |dir: PathBuf| {
            let mut names: Vec<_> = fs::read_dir(dir)
                .map(|dir| dir.flatten().map(|e| e.file_name()).collect())
                .unwrap_or_default();
            names.retain(|name| {
                !["state", "lock", "making", "begun", "count"].contains(&name.to_str().unwrap())
            });
            names.sort();
            format!("{names:?}")
        };
        [
            git(self, &self.app, &["for-each-ref"]),
            git(self, &self.app, &["worktree", "list", "--porcelain"]),
            git(self, &self.app, &["config", "--local", "--list"]),
            names(common.join("worktrees")),
            names(common.join("treehop")),
            names(common.join("treehop/making")),
            names(self.home.clone()),
        ]
        .join("\n")
    }

    /// What runs have written down that are not at their end.
    fn plans(&self) -> impl Iterator<Item = fs::File> {
        let plans = fs::read_dir(self.app.join(".git/treehop/making"));
        let plans = plans.into_iter().flatten().flatten();
        plans.filter_map(|plan| fs::File::open(plan.path()).ok())
    }

    /// Git finds nothing wrong, and nothing is left of a plan.
    fn sound(&self) {
        let checked = self
            .command("git", &self.app)
            .args(["fsck", "--strict"])
            .output()
            .unwrap();
        assert!(checked.status.success(), "{}", text(&checked.stderr));
        assert_eq!(self.plans().count(), 0);
    }

    fn status(&self, worktree: &Path) -> String {
        git(
            self,
            worktree,
            &["status", "--porcelain", "--untracked-files=all"],
        )
    }
}

fn git(world: &World, dir: &Path, args: &[&str]) -> String {
    let out = world.command("git", dir).args(args).output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", text(&out.stderr));
    text(&out.stdout).trim_end().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn cd(made: &Value) -> PathBuf {
    made["cd"].as_str().unwrap().into()
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn script(path: &Path, lines: &str) {
    write(path, &format!("#!/bin/sh\n{lines}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < SOON, "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

// What is made.

#[test]
fn a_new_branch_begins_at_the_head_of_where_one_stands() {
    let world = World::new();
    let one = git(&world, &world.app, &["rev-parse", "HEAD"]);
    let made = world.make(&["feature/auth"]);
    assert_eq!(cd(&made), world.home.join("app-feature-auth"));
    assert_eq!(made["schema"], 1);
    assert_eq!(made["repo"]["name"], "app");
    assert_eq!(made["worktree"]["branch"], "feature/auth");
    assert_eq!(made["worktree"]["name"], "feature-auth");
    assert_eq!(made["worktree"]["head"], one.as_str());
    assert_eq!(made["worktree"]["locked"], Value::Null);
    assert_eq!(
        made["created"],
        serde_json::json!({"branch": true, "from": "HEAD", "pr": null})
    );
    assert_eq!(world.status(&cd(&made)), "");
    // From a linked worktree the new one is beside the main one still, and begins at the linked one's HEAD.
    write(&cd(&made).join("sub/more"), "more");
    git(&world, &cd(&made), &["add", "."]);
    git(&world, &cd(&made), &["commit", "--quiet", "-m", "more"]);
    let next = world.make_in(&cd(&made).join("sub"), &["next"]);
    assert_eq!(cd(&next), world.home.join("app-next"));
    assert!(cd(&next).join("sub/more").is_file());
    world.sound();
}

#[test]
fn a_base_is_where_a_new_branch_begins() {
    let world = World::new();
    world.remote("origin", &["theirs"]);
    let one = git(&world, &world.app, &["rev-parse", "HEAD"]);
    world.commit("file", "two\n");
    let made = world.make(&["a", "--base", "HEAD~1", "--full"]);
    assert_eq!(made["worktree"]["head"], one.as_str());
    assert_eq!(made["created"]["from"], "HEAD~1");
    // Work of its own does not follow the branch that it begins at.
    git(
        &world,
        &world.app,
        &["config", "treehop.base", "origin/main"],
    );
    let made = world.make(&["b", "--full"]);
    assert_eq!(made["worktree"]["head"], one.as_str());
    assert_eq!(made["worktree"]["upstream"], Value::Null);
    assert_eq!(made["created"]["from"], "origin/main");
    // Except for those who told git so.
    git(
        &world,
        &world.app,
        &["config", "branch.autoSetupMerge", "true"],
    );
    let made = world.make(&["c", "--full"]);
    assert_eq!(made["worktree"]["upstream"]["name"], "origin/main");
    // --base makes it a new branch where a remote has one of that name.
    let made = world.make(&["theirs", "--base", "main"]);
    assert_eq!(made["created"]["from"], "main");
    world.fails(&["d", "--base", "nothing"], 3);
    world.fails(&["d", "--base", "-"], 3);
    world.fails(&["main", "--base", "HEAD"], REFUSED);
}

#[test]
fn a_local_branch_is_checked_out_once() {
    let world = World::new();
    git(&world, &world.app, &["branch", "old"]);
    let made = world.make(&["old"]);
    assert_eq!(
        made["created"],
        serde_json::json!({"branch": false, "from": null, "pr": null})
    );
    assert_eq!(made["worktree"]["branch"], "old");
    let said = world.fails(&["old"], REFUSED);
    assert!(
        said.contains(cd(&made).to_str().unwrap()) && said.contains("hint: wcd old"),
        "{said}"
    );
    assert!(world.fails(&["main"], REFUSED).contains("hint: wcd main"));
    // A branch in a rebase counts as well, although HEAD is detached.
    let env = [("GIT_SEQUENCE_EDITOR", "sed -i 1ibreak")];
    let rebase = ["rebase", "--quiet", "-i", "--root"];
    let status = world
        .command("git", &cd(&made))
        .envs(env)
        .args(rebase)
        .output()
        .unwrap();
    assert!(status.status.success());
    world.fails(&["old"], REFUSED);
    // Where the directory is gone, another word helps.
    fs::remove_dir_all(cd(&made)).unwrap();
    assert!(world.fails(&["old"], REFUSED).contains("wprune"));
}

#[test]
fn a_remote_branch_is_followed() {
    let world = World::new();
    let origin = world.remote("origin", &["theirs"]);
    let made = world.make(&["theirs", "--full"]);
    assert_eq!(made["worktree"]["upstream"]["name"], "origin/theirs");
    assert_eq!(
        made["created"],
        serde_json::json!({"branch": true, "from": "origin/theirs", "pr": null})
    );
    // One that is not known here yet: only when the remote is asked.
    world.add_to(&origin, "refs/heads/late");
    assert!(
        world
            .fails(&["origin/late"], 3)
            .contains("hint: wnew origin/late --fetch")
    );
    let made = world.make(&["late", "--fetch", "--full"]);
    assert_eq!(made["worktree"]["upstream"]["name"], "origin/late");
    assert_eq!(made["worktree"]["upstream"]["behind"], 0);
    // Asked for one that it has not, it is a new one; and one that it has no more is not taken from memory.
    assert_eq!(world.make(&["fresh", "--fetch"])["created"]["from"], "HEAD");
    world.add_to(&origin, "refs/heads/dropped");
    git(&world, &world.app, &["fetch", "--quiet"]);
    git(&world, &origin, &["branch", "-D", "dropped"]);
    assert_eq!(
        world.make(&["dropped", "--fetch"])["created"]["from"],
        "HEAD"
    );
    // The base is fetched as well.
    let moved = world.add_to(&origin, "refs/heads/main");
    let made = world.make(&["based", "--base", "origin/main", "--fetch"]);
    assert_eq!(made["worktree"]["head"], moved.as_str());
    fs::rename(&origin, world.home.join("away")).unwrap();
    let said = world.fails(&["offline", "--fetch"], 1);
    assert!(said.contains("could not ask 'origin'"), "{said}");
}

#[test]
fn of_several_remotes_one_is_named() {
    let world = World::new();
    world.remote("origin", &["shared"]);
    world.remote("alice", &["shared", "hers"]);
    let said = world.fails(&["shared"], 4);
    assert!(
        said.contains("\n  alice/shared\n  origin/shared\n"),
        "{said}"
    );
    assert!(said.contains("hint: wnew alice/shared"), "{said}");
    let made = world.make(&["alice/shared", "--full"]);
    assert_eq!(made["worktree"]["branch"], "shared");
    assert_eq!(made["worktree"]["upstream"]["name"], "alice/shared");
    world.fails(&["origin/shared"], REFUSED);
    assert_eq!(world.make(&["hers"])["created"]["from"], "alice/hers");
    // Unless git knows already whose is meant.
    let world = World::new();
    world.remote("origin", &["shared"]);
    world.remote("alice", &["shared"]);
    git(
        &world,
        &world.app,
        &["config", "checkout.defaultRemote", "origin"],
    );
    assert_eq!(world.make(&["shared"])["created"]["from"], "origin/shared");
}

#[test]
fn a_pull_request_is_marked_as_a_strangers() {
    for (name, number) in [
        ("refs/pull/12/head", "12"),
        ("refs/merge-requests/7/head", "7"),
    ] {
        let world = World::new();
        let origin = world.remote("origin", &[]);
        world.remote("fork", &[]);
        let theirs = world.add_to(&origin, name);
        let made = world.make(&[&format!("pr:{number}")]);
        let branch = format!("pr-{number}");
        assert_eq!(made["worktree"]["branch"], branch.as_str());
        assert_eq!(made["worktree"]["head"], theirs.as_str());
        assert_eq!(made["created"]["pr"].to_string(), number);
        assert_eq!(made["created"]["from"], name);
        let get = |key: &str| {
            git(
                &world,
                &world.app,
                &["config", &format!("branch.{branch}.{key}")],
            )
        };
        assert_eq!(get("treehopPr"), number);
        let next = world.add_to(&origin, name);
        git(&world, &cd(&made), &["pull", "--quiet", "--ff-only"]);
        assert_eq!(git(&world, &cd(&made), &["rev-parse", "HEAD"]), next);
        world.fails(&["--pr", number], REFUSED);
        // Its mark stays with the branch, whatever word is used for it.
        git(
            &world,
            &world.app,
            &["worktree", "remove", cd(&made).to_str().unwrap()],
        );
        let made = world.make(&[&branch]);
        assert_eq!(made["created"]["pr"].to_string(), number);
        assert_eq!(made["created"]["branch"], false);
        world.sound();
    }
}

#[test]
fn a_pull_request_that_is_nowhere_or_twice_is_not_made() {
    let world = World::new();
    let origin = world.remote("origin", &[]);
    let fork = world.remote("fork", &[]);
    let said = world.fails(&["--pr", "3"], 3);
    assert!(
        said.contains("no remote has a pull or merge request 3"),
        "{said}"
    );
    world.add_to(&origin, "refs/pull/3/head");
    let forks = world.add_to(&fork, "refs/pull/3/head");
    let said = world.fails(&["pr:3"], 4);
    assert!(
        said.contains("pr:fork/3") && said.contains("pr:origin/3"),
        "{said}"
    );
    assert_eq!(
        world.make(&["pr:fork/3"])["worktree"]["head"],
        forks.as_str()
    );
    for word in ["pr:", "pr:x", "pr:-1", "pr:fork/"] {
        world.fails(&[word], 2);
    }
}

#[test]
fn a_pull_request_runs_no_hook_of_its_own() {
    let world = World::new();
    let origin = world.remote("origin", &[]);
    git(&world, &world.app, &["checkout", "--quiet", "-b", "evil"]);
    script(
        &world.app.join(".husky/post-checkout"),
        "touch \"$HOME/ran\"",
    );
    world.commit("evil", "evil");
    git(
        &world,
        &world.app,
        &["push", "--quiet", "origin", "evil:refs/pull/1/head"],
    );
    git(&world, &world.app, &["checkout", "--quiet", "main"]);
    git(&world, &world.app, &["config", "core.hooksPath", ".husky"]);
    let _ = origin;
    let made = world.make(&["pr:1"]);
    assert!(cd(&made).join(".husky/post-checkout").is_file());
    assert!(!world.home.join("ran").exists());
    // Of a branch of one's own it does run.
    world.make(&["evil"]);
    assert!(world.home.join("ran").exists());
}

#[test]
fn a_commit_is_checked_out_without_a_branch() {
    let world = World::new();
    git(&world, &world.app, &["tag", "v1.0"]);
    world.commit("file", "two\n");
    let made = world.make(&["--detach", "v1.0"]);
    assert_eq!(cd(&made), world.home.join("app-v1.0"));
    assert_eq!(made["worktree"]["detached"], true);
    assert_eq!(
        made["created"],
        serde_json::json!({"branch": false, "from": "v1.0", "pr": null})
    );
    assert_eq!(
        cd(&world.make(&["--detach", "HEAD~1"])),
        world.home.join("app-HEAD-1")
    );
    world.fails(&["--detach", "nothing"], 3);
    world.fails(&["--detach", "HEAD", "--model", "opus"], 2);
}

#[test]
fn names_that_git_does_not_take_are_refused_in_words() {
    let world = World::new();
    for name in [
        "", "a..b", "a b", "-x", "--", "@", "HEAD", "a.lock", "/a", "a/", "a~1", "@{-1}", "a:b",
        "a\nb",
    ] {
        let out = world
            .treehop(&world.app)
            .arg("new")
            .arg("--")
            .arg(name)
            .output()
            .unwrap();
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{name}: {said}");
        assert!(
            said.contains("is no valid name for a branch"),
            "{name}: {said}"
        );
    }
    assert_eq!(world.run(&world.app, &[]).status.code(), Some(2));
}

#[test]
fn odd_names_are_only_names() {
    let world = World::new();
    for (branch, directory) in [
        (&b"$(touch${IFS}ran)"[..], "app-touch-IFS-ran"),
        (b"it's/`id`", "app-it-s-id"),
        (b"%F{red}", "app-F-red"),
        (b"{repo}", "app-repo"),
        (b"caf\xe9", "app-caf"),
        ("日本".as_bytes(), "app-branch"),
    ] {
        let out = world
            .treehop(&world.app)
            .arg("new")
            .arg(OsStr::from_bytes(branch))
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
        assert_eq!(
            cd(&serde_json::from_slice(&out.stdout).unwrap()),
            world.home.join(directory)
        );
        let head = fs::read(
            world
                .app
                .join(".git/worktrees")
                .join(directory)
                .join("HEAD"),
        )
        .unwrap();
        assert_eq!(head, [b"ref: refs/heads/", branch, b"\n"].concat());
    }
    assert!(!world.app.join("ran").exists());
    world.sound();
}

// Where it goes.

#[test]
fn settings_and_options_choose_the_place() {
    let world = World::new();
    let is = |args: &[&str], place: &Path| assert_eq!(cd(&world.make(args)), place, "{args:?}");
    is(
        &["a/1", "--name", "fix-422"],
        &world.home.join("app-fix-422"),
    );
    is(
        &["a/2", "--path", "../deep/er/place"],
        &world.home.join("deep/er/place"),
    );
    git(
        &world,
        &world.app,
        &["config", "treehop.path", "~/trees/{repo}/{branch}"],
    );
    is(&["a/3"], &world.home.join("trees/app/a/3"));
    git(
        &world,
        &world.app,
        &["config", "treehop.path", ".trees/{slug}"],
    );
    is(&["a/4"], &world.app.join(".trees/a-4"));
    is(&["a/5", "--name", "five"], &world.app.join(".trees/five"));
    // Through a link, the place is what git calls it.
    symlink(&world.home, world.home.join("link")).unwrap();
    is(&["a/6", "--path", "../link/six"], &world.home.join("six"));
    git(&world, &world.app, &["config", "treehop.path", "{oops}"]);
    assert!(world.fails(&["a/7"], 2).contains("{slug}"));
    for name in ["", ".", "..", "x/y"] {
        world.fails(&["a/7", "--name", name], 2);
    }
    world.fails(&["a/7", "--path", ""], 2);
    world.fails(&["a/7", "--path", "a\nb"], 2);
}

#[test]
fn what_is_there_stays_untouched() {
    let world = World::new();
    write(&world.home.join("app-full/precious"), "precious");
    let said = world.fails(&["full"], REFUSED);
    assert!(
        said.contains("exists already") && said.contains("--name"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(world.home.join("app-full/precious")).unwrap(),
        "precious"
    );
    write(&world.home.join("app-file"), "file");
    world.fails(&["file"], REFUSED);
    symlink("nowhere", world.home.join("app-link")).unwrap();
    world.fails(&["link"], REFUSED);
    world.fails(&["itself", "--path", "."], REFUSED);
    // Two branches with the same slug.
    world.make(&["x/y"]);
    world.fails(&["x-y"], REFUSED);
    // An empty directory is as good as none, and stays when nothing comes of it.
    let empty = world.home.join("app-empty");
    fs::create_dir(&empty).unwrap();
    git(&world, &world.app, &["branch", "blocked"]);
    world.fails(&["blocked/by-that", "--path", "../app-empty"], 1);
    assert!(fs::read_dir(&empty).unwrap().next().is_none());
    assert_eq!(cd(&world.make(&["empty"])), empty);
    // A worktree whose directory is gone, but which git still knows.
    fs::remove_dir_all(&empty).unwrap();
    assert!(
        world
            .fails(&["other", "--name", "empty"], REFUSED)
            .contains("wprune")
    );
}

#[test]
fn a_place_that_cannot_be_written_leaves_nothing() {
    let world = World::new();
    // No one can make a directory there, root neither.
    let said = world.fails(&["a", "--path", "/proc/treehop/a"], 1);
    assert!(
        said.contains("could not create '/proc/treehop/a'"),
        "{said}"
    );
    world.fails(&["a", "--path", "file/below"], 1);
    let closed = world.home.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::create_dir(closed.join("probe")).is_err() {
        world.fails(&["a", "--path", "../closed/deep/a"], 1);
    }
}

#[test]
fn a_bare_layout_has_its_worktrees_beside_its_root() {
    let world = World::new();
    world.commit("file", "two\n");
    let project = world.home.join("project");
    fs::create_dir(&project).unwrap();
    git(
        &world,
        &world.home,
        &["clone", "--quiet", "--bare", "app", "project/.bare"],
    );
    fs::write(project.join(".git"), "gitdir: ./.bare\n").unwrap();
    git(&world, &world.app, &["branch", "theirs"]);
    for (dir, branch) in [("project", "a"), ("project/.bare", "b"), ("project-a", "c")] {
        let made = world.make_in(&world.home.join(dir), &[branch]);
        assert_eq!(cd(&made), world.home.join(format!("project-{branch}")));
        assert_eq!(made["repo"]["bare"], true);
        assert_eq!(world.status(&cd(&made)), "");
    }
    // The branch of the bare repository itself is checked out nowhere.
    world.make_in(&project, &["main"]);
    // A bare clone keeps no branches of its remote: it follows them all the same.
    let made = world.make_in(&project, &["theirs", "--fetch"]);
    assert_eq!(
        git(&world, &cd(&made), &["config", "branch.theirs.merge"]),
        "refs/heads/theirs"
    );
    git(&world, &cd(&made), &["pull", "--quiet"]);
    let out = world.run(&project, &["d", "--carry"]);
    assert_eq!(out.status.code(), Some(REFUSED));
}

#[test]
fn a_repository_without_a_commit_gets_one_more_unborn_branch() {
    let world = World::empty();
    git(&world, &world.home, &["init", "--quiet", "app"]);
    write(&world.app.join("draft"), "draft");
    git(&world, &world.app, &["add", "."]);
    let made = world.make(&["first", "--carry"]);
    assert_eq!(made["worktree"]["branch"], "first");
    assert_eq!(made["worktree"]["head"], Value::Null);
    assert_eq!(
        made["created"],
        serde_json::json!({"branch": true, "from": null, "pr": null})
    );
    assert_eq!(world.status(&cd(&made)), "A  draft");
    // With commits elsewhere, an unborn HEAD is no place to begin.
    let world = World::new();
    git(
        &world,
        &world.app,
        &["checkout", "--quiet", "--orphan", "blank"],
    );
    assert!(
        world
            .fails(&["x"], REFUSED)
            .contains("hint: wnew x --base main")
    );
}

#[test]
fn formats_that_only_git_reads_work_too() {
    for format in ["--ref-format=reftable", "--object-format=sha256"] {
        let world = World::empty();
        git(&world, &world.home, &["init", "--quiet", format, "app"]);
        world.commit("file", "one\n");
        git(&world, &world.app, &["branch", "old"]);
        assert_eq!(world.make(&["old"])["created"]["branch"], false);
        let made = world.make(&["new"]);
        assert_eq!(made["created"]["branch"], true);
        assert_eq!(made["worktree"]["branch"], "new");
        world.fails(&["old"], REFUSED);
        fs::write(world.app.join(".gitattributes"), "file filter=broken\n").unwrap();
        world.commit("other", "two\n");
        git(
            &world,
            &world.app,
            &["config", "filter.broken.smudge", "false"],
        );
        git(
            &world,
            &world.app,
            &["config", "filter.broken.required", "true"],
        );
        world.fails(&["failing"], 1);
    }
}

// What comes along.

#[test]
fn carried_changes_are_the_same_there_and_here() {
    let world = World::new();
    for name in [
        "staged", "both", "modified", "removed", "deleted", "cached", "dir/was", "mode",
    ] {
        write(&world.app.join(name), "old\n");
    }
    symlink("file", world.app.join("link")).unwrap();
    fs::write(world.app.join(".gitignore"), "ignored\n").unwrap();
    world.commit("file", "two\n");
    let at = |name: &str| world.app.join(name);
    write(&at("staged"), "new\n");
    write(&at("both"), "staged\n");
    write(&at("added one"), "added\n");
    git(&world, &world.app, &["add", "."]);
    git(&world, &world.app, &["rm", "--quiet", "removed"]);
    git(&world, &world.app, &["rm", "--quiet", "--cached", "cached"]);
    write(&at("both"), "modified\r\n");
    write(&at("modified"), "new\n");
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(at("deleted")).unwrap();
    fs::remove_dir_all(at("dir")).unwrap();
    fs::remove_file(at("link")).unwrap();
    // A directory where a link was, a file where a directory was, and names that are hard to quote.
    write(&at("link/inside"), "untracked");
    write(&at("dir"), "a file now");
    write(&at("it's/\"odd\"\n $(x)"), "odd");
    fs::write(
        at("un")
            .join("")
            .parent()
            .unwrap()
            .join(OsStr::from_bytes(b"\xff\xfe")),
        "bytes",
    )
    .unwrap();
    symlink("dangling", at("untracked link")).unwrap();
    write(&at("ignored"), "secret");
    let (before, index) = (
        world.status(&world.app),
        fs::read(at(".git/index")).unwrap(),
    );
    let made = world.make(&["there", "--carry"]);
    assert_eq!(world.status(&cd(&made)), before);
    assert_eq!(world.status(&world.app), before);
    assert!(!cd(&made).join("ignored").exists());
    assert_eq!(
        fs::read_link(cd(&made).join("untracked link")).unwrap(),
        Path::new("dangling")
    );
    for args in [
        &["diff", "--binary"][..],
        &["diff", "--binary", "--cached"],
        &["ls-files", "--others"],
    ] {
        let without = |text: String| text.replace("ignored\n", "");
        let (here, there) = (git(&world, &world.app, args), git(&world, &cd(&made), args));
        assert_eq!(without(here), without(there), "{args:?}");
    }
    let _ = index;
    world.sound();
}

#[test]
fn carrying_writes_nothing_where_the_changes_come_from() {
    let world = World::new();
    write(&world.app.join("file"), "changed\n");
    write(&world.app.join("new"), "new\n");
    git(&world, &world.app, &["add", "new"]);
    // Git would refresh the index of a file that was only touched.
    let index = world.app.join(".git/index");
    let before = (
        fs::read(&index).unwrap(),
        fs::metadata(&index).unwrap().modified().unwrap(),
    );
    world.make(&["there", "--carry"]);
    assert_eq!(
        before,
        (
            fs::read(&index).unwrap(),
            fs::metadata(&index).unwrap().modified().unwrap()
        )
    );
}

#[test]
fn changes_that_do_not_fit_are_not_carried() {
    let world = World::new();
    git(&world, &world.app, &["branch", "other"]);
    world.commit("file", "two\n");
    write(&world.app.join("apart"), "apart\n");
    assert!(
        cd(&world.make(&["other", "--carry"]))
            .join("apart")
            .is_file()
    );
    write(&world.app.join("file"), "three\n");
    let said = world.fails(&["third", "--base", "HEAD~1", "--carry"], REFUSED);
    assert!(said.contains("\n  file\n"), "{said}");
    // Nor through a link that only the other commit has.
    git(
        &world,
        &world.app,
        &["checkout", "--quiet", "--force", "-b", "linked"],
    );
    symlink(&world.home, world.app.join("way")).unwrap();
    world.commit("file", "linked\n");
    git(&world, &world.app, &["checkout", "--quiet", "main"]);
    write(&world.app.join("way/out"), "out\n");
    world.fails(&["linked", "--carry"], REFUSED);
    assert!(!world.home.join("out").exists());
    // Nor out of a conflict.
    fs::remove_dir_all(world.app.join("way")).unwrap();
    git(
        &world,
        &world.app,
        &["checkout", "--quiet", "-b", "side", "HEAD~1"],
    );
    world.commit("file", "side\n");
    let merge = world
        .command("git", &world.app)
        .args(["merge", "main"])
        .output()
        .unwrap();
    assert!(!merge.status.success());
    world.fails(&["x", "--carry"], REFUSED);
}

#[test]
fn the_model_is_remembered_with_the_branch() {
    let world = World::new();
    let made = world.make(&["a.b/c", "--model", "opus"]);
    assert_eq!(made["worktree"]["model"], "opus");
    assert_eq!(
        git(&world, &world.app, &["config", "branch.a.b/c.treehopModel"]),
        "opus"
    );
    git(
        &world,
        &world.app,
        &["worktree", "remove", cd(&made).to_str().unwrap()],
    );
    git(&world, &world.app, &["branch", "--quiet", "-D", "a.b/c"]);
    assert!(!git(&world, &world.app, &["config", "--list"]).contains("opus"));
    world.fails(&["x", "--model", ""], 2);
}

#[test]
fn fields_are_what_a_shell_reads() {
    let world = World::new();
    let out = world.run(&world.app, &["a/b", "--fields", "cd,branch,venv,name"]);
    let expected = format!("{}\na/b\n\nb\n", world.home.join("app-a-b").display());
    assert_eq!(
        text(&out.stdout).replace("a-b\na/b\n\na-b\n", "a-b\na/b\n\nb\n"),
        expected
    );
    let said = "'a/b' is a new branch from HEAD: ";
    assert!(text(&out.stderr).starts_with(said), "{out:?}");
}

// What goes wrong.

#[test]
fn twenty_at_once_all_succeed() {
    let world = World::new();
    let remote = world.home.join("origin.git");
    let branches: Vec<String> = (0..10).map(|n| format!("theirs/{n}")).collect();
    world.remote(
        "origin",
        &branches.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert!(remote.is_dir());
    // Half of them write into the configuration.
    let all: Vec<String> = (0..10)
        .map(|n| format!("mine{n}"))
        .chain(branches)
        .collect();
    let children: Vec<Child> = all
        .iter()
        .map(|branch| {
            let mut command = world.treehop(&world.app);
            command
                .args(["new", branch, "--model", branch])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for (branch, child) in all.iter().zip(children) {
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{branch}: {}", text(&out.stderr));
        let made: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(made["worktree"]["branch"], branch.as_str());
        assert_eq!(world.status(&cd(&made)), "");
        let config = |key: &str| {
            git(
                &world,
                &world.app,
                &["config", &format!("branch.{branch}.{key}")],
            )
        };
        assert_eq!(config("treehopModel"), *branch);
        if branch.starts_with("theirs") {
            assert_eq!(config("merge"), format!("refs/heads/{branch}"));
        }
    }
    world.sound();
}

#[test]
fn of_two_that_want_the_same_one_gets_it() {
    let world = World::new();
    for n in 0..5 {
        // The same branch in two places, then the same place for two branches.
        for pair in [[["b", "p1"], ["b", "p2"]], [["c1", "q"], ["c2", "q"]]] {
            let children = pair.map(|[branch, place]| {
                let (branch, place) = (format!("{branch}-{n}"), format!("../{place}-{n}"));
                let mut command = world.treehop(&world.app);
                command
                    .args(["new", &branch, "--path", &place])
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped());
                command.spawn().unwrap()
            });
            let outs = children.map(|child| child.wait_with_output().unwrap());
            let mut statuses = outs.map(|out| out.status.code().unwrap());
            statuses.sort_unstable();
            assert_eq!(statuses, [0, REFUSED]);
        }
    }
    assert_eq!(
        git(&world, &world.app, &["worktree", "list"])
            .lines()
            .count(),
        11
    );
    assert_eq!(
        git(&world, &world.app, &["branch", "--list"])
            .lines()
            .count(),
        11
    );
    world.sound();
}

#[test]
fn a_hook_that_fails_leaves_the_worktree_as_it_is() {
    let world = World::new();
    script(
        &world.app.join(".git/hooks/post-checkout"),
        "echo from the hook; exit 3",
    );
    let out = world.run(&world.app, &["a"]);
    let said = text(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert!(
        said.contains("from the hook") && said.contains("the hook post-checkout failed"),
        "{said}"
    );
    let made: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(world.status(&cd(&made)), "");
    assert_eq!(made["worktree"]["locked"], Value::Null);
    world.sound();
}

#[test]
fn a_checkout_that_fails_leaves_nothing() {
    let world = World::new();
    let origin = world.remote("origin", &["theirs"]);
    world.slow();
    git(
        &world,
        &world.app,
        &["config", "filter.slow.smudge", "false"],
    );
    git(
        &world,
        &world.app,
        &["config", "filter.slow.required", "true"],
    );
    git(
        &world,
        &world.app,
        &[
            "push",
            "--quiet",
            "--force",
            "origin",
            "main:theirs",
            "main:refs/pull/5/head",
        ],
    );
    git(&world, &world.app, &["branch", "old"]);
    assert!(origin.is_dir());
    let args: [&[&str]; 6] = [
        &["new"],
        &["old"],
        &["theirs"],
        &["pr:5"],
        &["--detach", "HEAD"],
        &["n", "--path", "../x/y/z"],
    ];
    for args in args {
        let said = world.fails(args, 1);
        assert!(said.contains("git could not make the worktree"), "{said}");
        // Settings that were there stay.
        git(
            &world,
            &world.app,
            &["config", "branch.theirs.description", "mine"],
        );
    }
    world.fails(&["theirs"], 1);
    world.sound();
}

#[test]
fn a_full_disk_leaves_nothing() {
    let world = World::new();
    world.commit("big", &"0123456789abcdef".repeat(256 * 1024));
    let before = world.state();
    // No file may grow beyond 1 MiB: the checkout of the big one ends there.
    let limited = "ulimit -f 1024; \"$0\" new a";
    let out = world
        .command("bash", &world.app)
        .args(["-c", limited, env!("CARGO_BIN_EXE_treehop")])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert_eq!(world.state(), before);
    // A change that does not fit when it is carried takes the worktree back as well.
    git(&world, &world.app, &["rm", "--quiet", "big"]);
    git(&world, &world.app, &["commit", "--quiet", "-m", "small"]);
    write(&world.app.join("file"), &"x".repeat(4 << 20));
    let before = world.state();
    let limited = "trap '' XFSZ; ulimit -f 1024; \"$0\" new a --carry";
    let out = world
        .command("bash", &world.app)
        .args(["-c", limited, env!("CARGO_BIN_EXE_treehop")])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(
        text(&out.stderr).contains("could not copy 'file'"),
        "{}",
        text(&out.stderr)
    );
    assert_eq!(world.state(), before);
    world.make(&["a"]);
    world.sound();
}

/// Starts `treehop new` in a process group of its own, as a shell does, and waits until its checkout is under way.
fn begin(world: &World, args: &[&str]) -> Child {
    let mut command = world.treehop(&world.app);
    // Not a pipe, which a program that git leaves behind would hold open.
    fs::create_dir_all(world.home.join("state")).unwrap();
    let said = fs::File::create(world.home.join("state/said")).unwrap();
    command
        .arg("new")
        .args(args)
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(said);
    let child = command.spawn().unwrap();
    wait_for(|| world.home.join("begun").exists());
    child
}

/// Waits for what [`begin`] started; returns the signal that ended it, and what it said.
fn end(world: &World, mut child: Child) -> (Option<i32>, String) {
    let status = child.wait().unwrap();
    (
        status.signal(),
        fs::read_to_string(world.home.join("state/said")).unwrap(),
    )
}

fn kill(signal: &str, target: &str) {
    assert!(
        Command::new("kill")
            .args([signal, "--", target])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_signal_before_the_end_leaves_nothing() {
    // Ctrl-C and a closed terminal reach git too, `kill` does not.
    for (signal, number, group) in [
        ("-INT", 2, true),
        ("-HUP", 1, true),
        ("-TERM", 15, false),
        ("-INT", 2, false),
    ] {
        let world = World::new();
        world.remote("origin", &[]);
        world.slow();
        git(
            &world,
            &world.app,
            &[
                "push",
                "--quiet",
                "origin",
                "main:theirs",
                "main:refs/pull/5/head",
            ],
        );
        let args: [&[&str]; 4] = [
            &["mine"],
            &["theirs"],
            &["pr:5"],
            &["mine", "--path", "../x/y"],
        ];
        for args in args {
            let before = world.state();
            let child = begin(&world, args);
            kill(
                signal,
                &format!("{}{}", if group { "-" } else { "" }, child.id()),
            );
            let (ended_by, said) = end(&world, child);
            assert_eq!(ended_by, Some(number), "{said}");
            assert!(said.contains("treehop: interrupted"), "{said}");
            fs::remove_file(world.home.join("begun")).unwrap();
            assert_eq!(world.state(), before, "{signal} {args:?}");
        }
        fs::write(world.home.join("go"), "").unwrap();
        world.make(&["mine"]);
        world.sound();
    }
}

#[test]
fn a_signal_in_the_hook_keeps_the_worktree() {
    let world = World::new();
    script(
        &world.app.join(".git/hooks/post-checkout"),
        "touch \"$HOME/begun\"; sleep 20",
    );
    let child = begin(&world, &["a"]);
    kill("-INT", &format!("-{}", child.id()));
    let (ended_by, said) = end(&world, child);
    assert_eq!(ended_by, Some(2), "{said}");
    assert!(said.contains("is complete"), "{said}");
    assert_eq!(world.status(&world.home.join("app-a")), "");
    world.sound();
}

#[test]
fn what_a_kill_left_half_made_is_taken_away_by_the_next_run() {
    let world = World::new();
    world.slow();
    let before = world.state();
    for args in [&["a"][..], &["a", "--path", "../x/y"]] {
        let mut child = begin(&world, args);
        kill("-9", &format!("-{}", child.id()));
        child.wait().unwrap();
        fs::remove_file(world.home.join("begun")).unwrap();
        assert_ne!(world.state(), before);
        // The next run that comes to it fails for a reason of its own, and tidies up all the same.
        let out = world.run(&world.app, &["main"]);
        assert_eq!(out.status.code(), Some(REFUSED));
        assert!(
            text(&out.stderr).contains("took away"),
            "{}",
            text(&out.stderr)
        );
        assert_eq!(world.state(), before);
    }
    fs::write(world.home.join("go"), "").unwrap();
    world.make(&["a"]);
    world.sound();
}

#[test]
fn git_may_outlive_treehop() {
    let world = World::new();
    world.slow();
    let mut child = begin(&world, &["a"]);
    kill("-9", &child.id().to_string());
    child.wait().unwrap();
    // Git is still at it: the next run leaves it alone.
    let during = world.state();
    assert_eq!(
        world.run(&world.app, &["main"]).status.code(),
        Some(REFUSED)
    );
    assert_eq!(world.state(), during);
    assert_eq!(
        world
            .run(&world.app, &["other", "--path", "../app-a"])
            .status
            .code(),
        Some(REFUSED)
    );
    fs::write(world.home.join("go"), "").unwrap();
    let admin = world.app.join(".git/worktrees/app-a");
    wait_for(|| admin.join("index").exists() && !admin.join("locked").exists());
    wait_for(|| {
        world.run(&world.app, &["main"]);
        world.plans().count() == 0
    });
    assert_eq!(world.status(&world.home.join("app-a")), "");
    world.sound();
}

#[test]
fn work_in_a_half_made_worktree_is_not_taken_away() {
    let world = World::new();
    world.slow();
    let mut child = begin(&world, &["a"]);
    kill("-9", &format!("-{}", child.id()));
    child.wait().unwrap();
    let mine = world.home.join("app-a/mine");
    fs::write(&mine, "hours of work").unwrap();
    // The git that was killed with it may still be dying, and hold the lock.
    let begun = Instant::now();
    loop {
        let said = text(&world.run(&world.app, &["main"]).stderr);
        if said.contains("it holds files that are not git's") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{said}");
    }
    assert_eq!(fs::read_to_string(&mine).unwrap(), "hours of work");
    // Somebody made it whole, so it is a worktree like any other; only git's own lock of it goes.
    let world = World::new();
    world.slow();
    let mut child = begin(&world, &["a"]);
    kill("-9", &format!("-{}", child.id()));
    child.wait().unwrap();
    fs::write(world.home.join("go"), "").unwrap();
    let _ = fs::remove_file(world.app.join(".git/worktrees/app-a/index.lock"));
    git(
        &world,
        &world.home.join("app-a"),
        &["reset", "--quiet", "--hard"],
    );
    world.run(&world.app, &["main"]);
    assert_eq!(world.status(&world.home.join("app-a")), "");
    assert!(!git(&world, &world.app, &["worktree", "list", "--porcelain"]).contains("locked"));
    world.sound();
}

/// A git that kills whoever called it, before or after its call number `stop`.
fn deadly_git(world: &World) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let real = std::env::split_paths(&path)
        .map(|dir| dir.join("git"))
        .find(|git| git.is_file())
        .unwrap();
    let folder = world.home.join("deadly");
    let lines = format!(
        "n=$(($(cat \"$HOME/count\") + 1)); echo $n >\"$HOME/count\"\n\
         [ \"$n$WHEN\" = \"${{STOP}}before\" ] && {{ kill -9 $PPID; exit 1; }}\n\
         '{}' \"$@\"; status=$?\n\
         [ \"$n$WHEN\" = \"${{STOP}}after\" ] && kill -9 $PPID\n\
         exit $status",
        real.display()
    );
    script(&folder.join("git"), &lines);
    folder
}

#[test]
fn stopped_before_or_after_any_git_the_next_run_succeeds() {
    let args: [&[&str]; 7] = [
        &["mine"],
        &["mine", "--base", "main~1", "--carry", "--model", "m"],
        &["old"],
        &["theirs", "--fetch"],
        &["pr:5"],
        &["--detach", "HEAD~1"],
        &["mine", "--path", "../x/y"],
    ];
    for args in args {
        for when in ["before", "after"] {
            let mut stop = 1;
            loop {
                let world = World::new();
                world.remote("origin", &[]);
                world.commit("file", "two\n");
                git(
                    &world,
                    &world.app,
                    &[
                        "push",
                        "--quiet",
                        "origin",
                        "main:theirs",
                        "main:refs/pull/5/head",
                    ],
                );
                git(&world, &world.app, &["branch", "old"]);
                write(&world.app.join("untracked"), "untracked");
                let folder = deadly_git(&world);
                fs::write(world.home.join("count"), "0").unwrap();
                let path = std::env::var("PATH").unwrap();
                let mut command = world.treehop(&world.app);
                command.env("PATH", format!("{}:{path}", folder.display()));
                command
                    .env("STOP", stop.to_string())
                    .env("WHEN", when)
                    .arg("new")
                    .args(args);
                let out = command.output().unwrap();
                let what = format!("{args:?}, {when} call {stop}: {}", text(&out.stderr));
                let killed = out.status.signal() == Some(9);
                assert!(killed || out.status.success(), "{what}");
                git(&world, &world.app, &["fsck", "--strict"]);
                git(&world, &world.app, &["worktree", "list"]);
                if !killed {
                    assert!(stop > 1 || when == "after", "never stopped: {what}");
                    break;
                }
                // Either there is nothing now, or it was complete.
                let again = world.run(&world.app, args);
                let said = text(&again.stderr);
                let complete = again.status.code() == Some(REFUSED) && said.contains("already");
                assert!(again.status.success() || complete, "{what}\n{said}");
                let list = git(&world, &world.app, &["worktree", "list", "--porcelain"]);
                assert_eq!(list.matches("worktree ").count(), 2, "{what}\n{list}");
                assert!(
                    !list.contains("locked") && !list.contains("prunable"),
                    "{what}\n{list}"
                );
                let made = list
                    .lines()
                    .filter_map(|line| line.strip_prefix("worktree "))
                    .nth(1)
                    .unwrap();
                let changes = world.status(Path::new(made));
                assert!(
                    changes.is_empty() || args.contains(&"--carry"),
                    "{what}\n{changes}"
                );
                world.sound();
                stop += 1;
            }
        }
    }
}

#[test]
fn killed_with_git_at_any_time_the_next_run_succeeds() {
    let world = World::new();
    for n in 0..300 {
        write(&world.app.join(format!("many/{n}")), "content");
    }
    world.commit("file", "two\n");
    let mut kept = 0;
    let free = rustix::fs::FlockOperation::NonBlockingLockShared;
    for round in 0..40_u64 {
        let branch = format!("b{round}");
        let mut command = world.treehop(&world.app);
        command
            .args(["new", &branch])
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round));
        let group = format!("-{}", child.id());
        let mut command = Command::new("kill");
        let _ = command
            .args(["-9", "--", &group])
            .stderr(Stdio::null())
            .status();
        child.wait().unwrap();
        // Its git dies a moment later.
        wait_for(|| {
            world
                .plans()
                .all(|plan| rustix::fs::flock(&plan, free).is_ok())
        });
        // Git itself may be unable to list them now: it does not read an entry that it has only half written.
        let again = world.run(&world.app, &[&branch]);
        let said = text(&again.stderr);
        match again.status.code() {
            Some(0) => {}
            Some(REFUSED) if said.contains("checked out already") => kept += 1,
            other => panic!("{round}: {other:?} {said}"),
        }
        git(&world, &world.app, &["worktree", "list"]);
        assert_eq!(
            world.status(&world.home.join(format!("app-{branch}"))),
            "",
            "{round}"
        );
    }
    assert!(kept < 40, "nothing was ever stopped");
    let list = git(&world, &world.app, &["worktree", "list", "--porcelain"]);
    assert_eq!(list.matches("worktree ").count(), 41);
    assert!(!list.contains("locked"), "{list}");
    assert_eq!(
        fs::read_dir(world.app.join(".git/worktrees"))
            .unwrap()
            .count(),
        40
    );
    world.sound();
}

#[test]
fn submodules_and_lfs_pointers_do_not_break() {
    let world = World::new();
    let library = world.home.join("library");
    fs::create_dir(&library).unwrap();
    git(&world, &library, &["init", "--quiet"]);
    write(&library.join("code"), "code");
    git(&world, &library, &["add", "."]);
    git(&world, &library, &["commit", "--quiet", "-m", "library"]);
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
    ];
    let add = [&add[..], &[library.to_str().unwrap(), "sub"]].concat();
    git(&world, &world.app, &add);
    write(
        &world.app.join(".gitattributes"),
        "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    );
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n";
    write(&world.app.join("a.bin"), pointer);
    git(&world, &world.app, &["add", "."]);
    git(&world, &world.app, &["commit", "--quiet", "-m", "all"]);
    world.make(&["a"]);
    let made = world.home.join("app-a");
    assert_eq!(fs::read_to_string(made.join("a.bin")).unwrap(), pointer);
    assert!(made.join("sub").is_dir());
    // A filter that has to run, and is not there, leaves nothing half-made.
    git(
        &world,
        &world.app,
        &["config", "filter.lfs.smudge", "no-such-git-lfs"],
    );
    git(
        &world,
        &world.app,
        &["config", "filter.lfs.required", "true"],
    );
    let before = world.state();
    world.fails_in(&world.app, &["b"], 1);
    assert_eq!(world.state(), before);
}
