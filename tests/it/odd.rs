//! Every odd repository: the list against `git worktree list --porcelain -z`, and `here` against the list.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Value, json};

use crate::common::repo::git_has;
use crate::common::{Repo, Scratch, tools};

/// A worktree as git lists it.
#[derive(Debug, Default, PartialEq)]
struct Listed {
    path: String,
    /// None: unborn, or bare.
    head: Option<String>,
    branch: Option<String>,
    detached: bool,
    /// The reason, empty where none was given.
    locked: Option<String>,
    prunable: bool,
}

/// What git says in `dir`; the flag: the first one is a bare repository.
fn git_says(scratch: &Scratch, dir: &Path, env: &[(&str, &OsStr)]) -> (Vec<Listed>, bool) {
    let mut git = scratch.command(tools::program("git"), dir);
    git.args(["worktree", "list", "--porcelain", "-z"])
        .envs(env.iter().copied());
    let out = git.output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let (mut all, mut bare) = (Vec::<Listed>::new(), false);
    for line in out.stdout.split(|&byte| byte == 0) {
        let line = String::from_utf8_lossy(line);
        let (key, value) = line.split_once(' ').unwrap_or((&line, ""));
        if key == "worktree" {
            all.push(Listed {
                path: value.to_owned(),
                ..Listed::default()
            });
        }
        let Some(last) = all.last_mut() else { continue };
        match key {
            "HEAD" => last.head = (!value.trim_matches('0').is_empty()).then(|| value.to_owned()),
            "branch" => last.branch = value.strip_prefix("refs/heads/").map(str::to_owned),
            "detached" => last.detached = true,
            "bare" => bare = true,
            "locked" => last.locked = Some(value.to_owned()),
            "prunable" => last.prunable = true,
            _ => {}
        }
    }
    (all, bare)
}

fn treehop_says(list: &Value) -> Vec<Listed> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one = |tree: &Value| Listed {
        path: text(&tree["path"]).unwrap(),
        head: text(&tree["head"]),
        branch: text(&tree["branch"]),
        detached: tree["detached"] == true,
        locked: tree["locked"]
            .as_object()
            .map(|lock| text(&lock["reason"]).unwrap_or_default()),
        prunable: !tree["prunable"].is_null(),
    };
    list["worktrees"]
        .as_array()
        .unwrap()
        .iter()
        .map(one)
        .collect()
}

/// Compares both in `dir` and in every worktree, and `here` in each with the list there. Gives the list in `dir`.
#[track_caller]
fn agree(scratch: &Scratch, dir: &Path) -> Value {
    agree_but(scratch, dir, None)
}

/// The same where git names the main worktree by something else than its directory.
#[track_caller]
fn agree_but(scratch: &Scratch, dir: &Path, main: Option<&Path>) -> Value {
    let first = scratch.treehop(dir, ["list"]).json();
    let trees = first["worktrees"].as_array().unwrap();
    let mut places: Vec<PathBuf> = trees
        .iter()
        .map(|tree| tree["path"].as_str().unwrap().into())
        .collect();
    places.retain(|place| place.is_dir());
    places.push(dir.to_owned());
    for place in &places {
        let (mut git, bare) = git_says(scratch, place, &[]);
        let list = scratch.treehop(place, ["list"]).json();
        let mut ours = treehop_says(&list);
        if let Some(main) = main {
            main.to_str().unwrap().clone_into(&mut git[0].path);
        }
        assert_eq!(list["repo"]["bare"], bare, "bare, in {}", place.display());
        if bare {
            // Git tells nothing about a bare repository's HEAD.
            ours[0] = Listed {
                path: ours[0].path.clone(),
                ..Listed::default()
            };
        }
        assert_eq!(
            ours.first(),
            git.first(),
            "the main one, in {}",
            place.display()
        );
        let by_path = |a: &Listed, b: &Listed| a.path.cmp(&b.path);
        ours.sort_by(by_path);
        git.sort_by(by_path);
        assert_eq!(ours, git, "in {}", place.display());
        here_is_listed(scratch, place, &list);
    }
    first
}

/// `here` in `place` is what the list calls current, letter by letter.
#[track_caller]
fn here_is_listed(scratch: &Scratch, place: &Path, list: &Value) {
    let trees = list["worktrees"].as_array().unwrap();
    let current: Vec<_> = trees
        .iter()
        .filter(|tree| tree["current"] == true)
        .collect();
    if place.join(".git").exists() || place.join("HEAD").exists() {
        assert_eq!(
            current.len(),
            1,
            "one is current in {}: {list:#}",
            place.display()
        );
        let here = scratch.treehop(place, ["here"]).json();
        assert_eq!(
            &here["worktree"],
            current[0],
            "here, in {}",
            place.display()
        );
        assert_eq!(
            here["repo"],
            list["repo"],
            "its repository, in {}",
            place.display()
        );
    }
}

fn operation(repo: &Repo, dir: &Path) -> (Value, Value, Value) {
    let list = agree(&repo.scratch, dir);
    let tree = crate::common::treehop::worktree(&list, dir);
    (
        tree["operation"].clone(),
        tree["prompt"].clone(),
        tree["branch"].clone(),
    )
}

#[test]
fn the_guide() {
    let repo = Repo::guide();
    agree(&repo.scratch, &repo.main);
    agree(&repo.scratch, &repo.auth().join("src"));
}

#[test]
fn one_worktree_only() {
    let repo = Repo::new();
    agree(&repo.scratch, &repo.main);
}

#[test]
fn inside_the_git_directory() {
    let repo = Repo::guide();
    let list = repo.treehop_in(&repo.main.join(".git"), ["list"]).json();
    assert_eq!(treehop_says(&list), treehop_says(&repo.list()));
}

#[test]
fn bare_with_worktrees_beside_it() {
    let start = Repo::new();
    let bare = start.tree("hop.git");
    start.git(["clone", "-q", "--bare", ".", "../hop.git"]);
    start.git_in(&bare, ["worktree", "add", "-q", "../hop-main", "main"]);
    start.git_in(
        &bare,
        [
            "worktree",
            "add",
            "-q",
            "-b",
            "feature/auth",
            "../hop-feature-auth",
        ],
    );
    let list = agree(&start.scratch, &bare);
    assert_eq!(list["repo"]["name"], "hop");
    agree(&start.scratch, &start.tree("hop-feature-auth/src"));
    let auth = start.treehop_in(&bare, ["find", "auth"]).json();
    assert_eq!(auth["cd"], start.tree("hop-feature-auth").to_str().unwrap());
    assert_eq!(auth["worktree"]["name"], "feature-auth");
}

#[test]
fn bare_in_a_hidden_directory_with_worktrees_around_it() {
    let start = Repo::new();
    let (root, bare) = (start.tree("hop"), start.tree("hop/.bare"));
    start.git(["clone", "-q", "--bare", ".", "../hop/.bare"]);
    fs::write(root.join(".git"), "gitdir: ./.bare\n").unwrap();
    for (branch, dir) in [("main", "main"), ("feature/auth", "feature-auth")] {
        start.git_in(&root, ["worktree", "add", "-q", "-B", branch, dir]);
    }
    let list = agree(&start.scratch, &root);
    assert_eq!(list["repo"]["name"], "hop");
    assert_eq!(list["repo"]["root"], root.to_str().unwrap());
    assert_eq!(list["repo"]["git_dir"], bare.to_str().unwrap());
    let main = start
        .treehop_in(&root.join("feature-auth"), ["find"])
        .json();
    assert_eq!(
        main["cd"],
        root.to_str().unwrap(),
        "no QUERY: around the bare repository"
    );
    let auth = start
        .treehop_in(&root.join("main"), ["find", "auth"])
        .json();
    assert_eq!(auth["cd"], root.join("feature-auth").to_str().unwrap());
}

#[test]
fn a_submodule_and_its_linked_worktree() {
    let library = Repo::new();
    let host = Repo::named(&library.scratch, "host");
    host.git([
        "submodule",
        "--quiet",
        "add",
        library.main.to_str().unwrap(),
        "lib",
    ]);
    host.git(["commit", "-q", "-m", "a submodule"]);
    let (lib, linked) = (host.main.join("lib"), host.tree("lib-feature"));
    host.git_in(
        &lib,
        [
            "worktree",
            "add",
            "-q",
            "-b",
            "feature/x",
            linked.to_str().unwrap(),
        ],
    );
    for dir in [&lib, &lib.join("src"), &linked] {
        let list = agree_but(&host.scratch, dir, Some(&lib));
        assert_eq!(list["repo"]["name"], "lib");
        assert_eq!(list["repo"]["root"], lib.to_str().unwrap());
    }
    assert_eq!(
        host.treehop_in(&linked, ["find"]).json()["cd"],
        lib.to_str().unwrap()
    );
    agree(&host.scratch, &host.main);
}

#[test]
fn an_unborn_branch() {
    let scratch = Scratch::new();
    let dir = scratch.home.join("git/new");
    scratch.git(&scratch.home, ["init", "-q", "git/new"]);
    let list = agree(&scratch, &dir);
    let tree = &list["worktrees"][0];
    assert_eq!(
        (&tree["head"], &tree["branch"], &tree["prompt"]),
        (&Value::Null, &json!("main"), &json!("main@new"))
    );
    scratch.treehop(&dir, ["list", "--full"]).json();
    let orphan = Repo::named(&scratch, "other");
    orphan.git([
        "worktree",
        "add",
        "-q",
        "--orphan",
        "-b",
        "pages",
        "../other-pages",
    ]);
    agree(&scratch, &orphan.main);
}

#[test]
fn a_detached_head() {
    let repo = Repo::guide();
    repo.git_in(&repo.auth(), ["switch", "-q", "--detach"]);
    let list = agree(&repo.scratch, &repo.auth());
    let auth = crate::common::treehop::worktree(&list, &repo.auth());
    assert_eq!(
        auth["prompt"],
        format!("{}@feature-auth", &auth["head"].as_str().unwrap()[..7])
    );
    repo.git(["switch", "-q", "--detach"]);
    agree(&repo.scratch, &repo.main);
}

#[test]
fn in_the_middle_of_a_rebase() {
    let repo = Repo::guide();
    repo.rebase_in(&repo.auth());
    let (operation, prompt, branch) = operation(&repo, &repo.auth());
    assert_eq!(
        (operation, prompt, branch),
        (json!("rebase"), json!("feature/auth|rebase"), Value::Null)
    );
    assert_eq!(
        repo.treehop(["find", "auth"]).json()["cd"],
        repo.auth().to_str().unwrap()
    );
}

#[test]
fn in_the_middle_of_a_rebase_by_patches() {
    let repo = Repo::guide();
    repo.conflict(&repo.auth());
    assert!(
        !repo
            .scratch
            .git_may_fail(&repo.auth(), ["rebase", "--apply", "main"])
    );
    let (operation, prompt, branch) = operation(&repo, &repo.auth());
    assert_eq!(
        (operation, prompt, branch),
        (json!("rebase"), json!("feature/auth|rebase"), Value::Null)
    );
}

#[test]
fn in_the_middle_of_a_merge() {
    let repo = Repo::guide();
    repo.conflict(&repo.auth());
    assert!(!repo.scratch.git_may_fail(&repo.auth(), ["merge", "main"]));
    let found = operation(&repo, &repo.auth());
    assert_eq!(
        found,
        (
            json!("merge"),
            json!("feature/auth|merge"),
            json!("feature/auth")
        )
    );
}

#[test]
fn in_the_middle_of_a_cherry_pick() {
    let repo = Repo::guide();
    repo.conflict(&repo.auth());
    assert!(
        !repo
            .scratch
            .git_may_fail(&repo.auth(), ["cherry-pick", "main"])
    );
    let found = operation(&repo, &repo.auth());
    assert_eq!(
        found,
        (
            json!("cherry-pick"),
            json!("feature/auth|cherry-pick"),
            json!("feature/auth")
        )
    );
}

#[test]
fn a_cherry_pick_that_pauses_between_two_commits() {
    let repo = Repo::guide();
    repo.conflict(&repo.auth());
    repo.commit(&repo.main, "more", "1\n");
    assert!(
        !repo
            .scratch
            .git_may_fail(&repo.auth(), ["cherry-pick", "main~1", "main"])
    );
    // Resolved by hand: CHERRY_PICK_HEAD goes, the list of what is left stays.
    fs::write(repo.auth().join("README"), "both\n").unwrap();
    repo.git_in(&repo.auth(), ["commit", "-q", "-a", "-m", "resolved"]);
    assert!(
        !PathBuf::from(repo.git_in(
            &repo.auth(),
            ["rev-parse", "--git-path", "CHERRY_PICK_HEAD"]
        ))
        .exists()
    );
    assert_eq!(operation(&repo, &repo.auth()).0, "cherry-pick");
}

#[test]
fn in_the_middle_of_a_revert() {
    let repo = Repo::guide();
    repo.commit(&repo.auth(), "README", "1\n");
    repo.commit(&repo.auth(), "README", "2\n");
    assert!(
        !repo
            .scratch
            .git_may_fail(&repo.auth(), ["revert", "HEAD~1"])
    );
    let found = operation(&repo, &repo.auth());
    assert_eq!(
        found,
        (
            json!("revert"),
            json!("feature/auth|revert"),
            json!("feature/auth")
        )
    );
}

#[test]
fn in_the_middle_of_a_bisection() {
    let repo = Repo::guide();
    for number in 0..4 {
        repo.commit(&repo.auth(), "file", &format!("{number}\n"));
    }
    repo.git_in(&repo.auth(), ["bisect", "start", "HEAD", "HEAD~4"]);
    let (operation, prompt, branch) = operation(&repo, &repo.auth());
    assert_eq!((operation, branch), (json!("bisect"), Value::Null));
    assert!(prompt.as_str().unwrap().ends_with("|bisect"), "{prompt}");
}

#[test]
fn locked_with_and_without_a_reason() {
    let repo = Repo::guide();
    repo.git([
        "worktree",
        "lock",
        "--reason",
        "on a USB stick: it's \"away\"",
        repo.auth().to_str().unwrap(),
    ]);
    repo.git(["worktree", "lock", repo.fix().to_str().unwrap()]);
    repo.git([
        "worktree",
        "lock",
        "--reason",
        "two\nlines",
        repo.experiment().to_str().unwrap(),
    ]);
    agree(&repo.scratch, &repo.main);
    let reason = repo.listed(&repo.auth())["locked"]["reason"].clone();
    assert_eq!(reason, "on a USB stick: it's \"away\"");
}

#[test]
fn a_directory_that_is_gone() {
    let repo = Repo::guide();
    repo.git(["worktree", "lock", repo.fix().to_str().unwrap()]);
    fs::remove_dir_all(repo.auth()).unwrap();
    fs::remove_dir_all(repo.fix()).unwrap();
    let list = agree(&repo.scratch, &repo.main);
    let auth = crate::common::treehop::worktree(&list, &repo.auth());
    assert!(auth["prunable"]["reason"].is_string(), "{auth:#}");
    assert_eq!(auth["branch"], "feature/auth");
    repo.treehop(["list", "--full"]).json();
    let error = repo.treehop(["find", "auth"]).fails(3).to_owned();
    assert!(
        error.contains("gone") && error.contains("hint: "),
        "{error}"
    );
}

#[test]
fn a_file_where_the_directory_was() {
    let repo = Repo::guide();
    fs::remove_dir_all(repo.auth()).unwrap();
    fs::write(repo.auth(), "a file now").unwrap();
    agree(&repo.scratch, &repo.main);
}

#[test]
fn reftable() {
    if !git_has(45) {
        return;
    }
    let repo = Repo::init(&Scratch::new(), "tables", &["--ref-format=reftable"]);
    repo.worktree("feature/auth");
    repo.worktree("fix/issue-422");
    repo.git_in(
        &repo.tree("tables-fix-issue-422"),
        ["switch", "-q", "--detach"],
    );
    agree(&repo.scratch, &repo.main);
    let dir = repo.tree("tables-feature-auth");
    fs::write(dir.join("src/server.py"), "changed\n").unwrap();
    repo.git_in(&dir, ["stash", "push", "-q"]);
    let full = repo.treehop(["list", "--full"]).json();
    let auth = crate::common::treehop::worktree(&full, &repo.tree("tables-feature-auth"));
    assert_eq!(
        auth["default"],
        json!({"ahead": 0, "behind": 0, "merged": true})
    );
    assert_eq!(auth["commit"]["subject"], "start");
    assert_eq!(auth["stashes"], 1);
    let found = repo.treehop(["find", "auth"]).json();
    assert_eq!(
        found["cd"],
        repo.tree("tables-feature-auth").to_str().unwrap()
    );
}

#[test]
fn sha256() {
    let repo = Repo::init(&Scratch::new(), "modern", &["--object-format=sha256"]);
    repo.worktree("feature/auth");
    let list = agree(&repo.scratch, &repo.main);
    assert_eq!(list["worktrees"][0]["head"].as_str().unwrap().len(), 64);
    let full = repo.treehop(["list", "--full"]).json();
    assert_eq!(full["worktrees"][1]["commit"]["subject"], "start");
}

#[test]
fn git_dir_in_the_environment() {
    let repo = Repo::guide();
    let git_dir = repo.main.join(".git");
    let work_tree = repo.main.clone();
    for env in [
        vec![("GIT_DIR", git_dir.as_os_str())],
        vec![
            ("GIT_DIR", git_dir.as_os_str()),
            ("GIT_WORK_TREE", work_tree.as_os_str()),
        ],
    ] {
        for dir in [Path::new("/"), &repo.main, &repo.main.join("src")] {
            let (git, _) = git_says(&repo.scratch, dir, &env);
            let list = repo.scratch.treehop_env(dir, ["list"], &env).json();
            let mut ours = treehop_says(&list);
            ours.sort_by(|a, b| a.path.cmp(&b.path));
            let mut git = git;
            git.sort_by(|a, b| a.path.cmp(&b.path));
            assert_eq!(ours, git, "in {} with {env:?}", dir.display());
        }
    }
    let linked = repo.git_in(&repo.auth(), ["rev-parse", "--absolute-git-dir"]);
    let env = [("GIT_DIR", OsStr::new(&linked))];
    let here = repo
        .scratch
        .treehop_env(&repo.auth(), ["here"], &env)
        .json();
    assert_eq!(here["worktree"]["branch"], "feature/auth");
    let broken = [("GIT_DIR", OsStr::new("/nowhere"))];
    repo.scratch
        .treehop_env(&repo.main, ["list"], &broken)
        .fails(3);
}

#[test]
fn a_configuration_for_each_worktree() {
    let repo = Repo::guide();
    repo.git(["config", "extensions.worktreeConfig", "true"]);
    repo.git(["config", "--worktree", "core.bare", "false"]);
    repo.git_in(
        &repo.auth(),
        ["config", "--worktree", "user.name", "Somebody Else"],
    );
    repo.git_in(&repo.auth(), ["sparse-checkout", "set", "src"]);
    agree(&repo.scratch, &repo.main);
    repo.treehop(["list", "--full"]).json();
}

#[test]
fn relative_worktrees() {
    let repo = Repo::new();
    let tree = repo.tree("bitsandbytes-feature-auth");
    if git_has(48) {
        repo.git(["config", "worktree.useRelativePaths", "true"]);
        repo.worktree("feature/auth");
        let file = fs::read_to_string(tree.join(".git")).unwrap();
        assert!(file.starts_with("gitdir: ../"), "{file}");
    } else {
        // An older git reads the half of it that it knows.
        repo.worktree("feature/auth");
        let target = "gitdir: ../bitsandbytes/.git/worktrees/bitsandbytes-feature-auth\n";
        fs::write(tree.join(".git"), target).unwrap();
    }
    agree(&repo.scratch, &repo.main);
}

/// What git 2.48 writes with `worktree.useRelativePaths`, read by treehop whatever git is installed.
#[test]
fn relative_worktrees_as_a_newer_git_writes_them() {
    let repo = Repo::new();
    let tree = repo.worktree("feature/auth");
    repo.git(["config", "core.repositoryFormatVersion", "1"]);
    repo.git(["config", "extensions.relativeWorktrees", "true"]);
    fs::write(
        tree.join(".git"),
        "gitdir: ../bitsandbytes/.git/worktrees/bitsandbytes-feature-auth\n",
    )
    .unwrap();
    let admin = repo.main.join(".git/worktrees/bitsandbytes-feature-auth");
    fs::write(
        admin.join("gitdir"),
        "../../../../bitsandbytes-feature-auth/.git\n",
    )
    .unwrap();
    for dir in [&repo.main, &tree] {
        let list = repo.treehop_in(dir, ["list"]).json();
        let listed = crate::common::treehop::worktree(&list, &tree);
        assert_eq!(
            (&listed["branch"], &listed["prunable"]),
            (&json!("feature/auth"), &Value::Null)
        );
    }
    assert_eq!(
        repo.treehop(["find", "auth"]).json()["cd"],
        tree.to_str().unwrap()
    );
}

#[test]
fn a_separate_git_directory() {
    let scratch = Scratch::new();
    let git_dir = scratch.home.join("git/data.git");
    let repo = Repo::init(
        &scratch,
        "hop",
        &["--separate-git-dir", git_dir.to_str().unwrap()],
    );
    let tree = repo.worktree("feature/auth");
    // Git itself names the main worktree by its git directory when asked from a linked one.
    let list = repo.list();
    let (git, _) = git_says(&scratch, &repo.main, &[]);
    assert_eq!(treehop_says(&list)[1..], git[1..]);
    assert_eq!(list["worktrees"][0]["path"], repo.main.to_str().unwrap());
    assert_eq!(list["repo"]["name"], "hop");
    assert_eq!(repo.here(&tree)["branch"], "feature/auth");
}

#[test]
fn somebody_elses_repository() {
    if fs::metadata("/proc/self").map(|meta| meta.uid()).ok() != Some(0) {
        return; // Only root can give a file away.
    }
    let repo = Repo::guide();
    let chown = repo
        .scratch
        .command("chown", &repo.main)
        .args(["-R", "12345", "."])
        .status();
    assert!(chown.unwrap().success());
    for command in ["list", "here", "find"] {
        let out = repo.treehop([command]);
        let error = out.fails(5);
        assert!(
            error.contains("hint: git config --global --add safe.directory"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 2, "{error}");
    }
    repo.git([
        "config",
        "--global",
        "--add",
        "safe.directory",
        repo.main.to_str().unwrap(),
    ]);
    assert_eq!(repo.list()["worktrees"].as_array().unwrap().len(), 4);
}

#[test]
fn a_way_through_a_symbolic_link() {
    let repo = Repo::guide();
    let (link, inner) = (repo.tree("link"), repo.scratch.home.join("auth"));
    symlink(repo.tree(""), &link).unwrap();
    symlink(repo.auth(), &inner).unwrap();
    for dir in [
        link.join("bitsandbytes"),
        link.join("bitsandbytes-feature-auth/src"),
        inner,
    ] {
        let mut command = repo.scratch.command(tools::treehop(), &dir);
        let out = command.env("PWD", &dir).arg("list").output().unwrap();
        let list: Value = serde_json::from_slice(&out.stdout).unwrap();
        let (mut git, _) = git_says(&repo.scratch, &dir, &[]);
        let mut ours = treehop_says(&list);
        git.sort_by(|a, b| a.path.cmp(&b.path));
        ours.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(ours, git, "in {}", dir.display());
    }
}

#[test]
fn a_worktree_that_was_added_through_a_symbolic_link() {
    let repo = Repo::new();
    symlink(repo.tree(""), repo.scratch.home.join("link")).unwrap();
    let tree = repo.scratch.home.join("link/bitsandbytes-feature-auth");
    repo.git([
        "worktree",
        "add",
        "-q",
        "-b",
        "feature/auth",
        tree.to_str().unwrap(),
    ]);
    let list = repo.treehop(["list"]).json();
    let listed = crate::common::treehop::worktree(&list, &repo.auth());
    assert_eq!(listed["branch"], "feature/auth");
    let here = repo.here(&repo.auth());
    assert_eq!(
        (&here["path"], &here["current"]),
        (&json!(repo.auth().to_str().unwrap()), &json!(true))
    );
}

#[test]
fn a_path_that_is_not_utf_8() {
    let repo = Repo::new();
    let name = OsString::from_vec(b"bitsandbytes-caf\xe9".to_vec());
    let tree = repo.worktree_at("feature/auth", &name);
    let list = repo.list();
    assert_eq!(
        list["worktrees"][1]["name"], "caf\u{fffd}",
        "JSON can hold no more"
    );
    for args in [
        ["find", "auth", "--fields", "path"],
        ["find", "auth", "--fields", "cd"],
    ] {
        let out = repo.treehop(args);
        out.ok();
        assert_eq!(
            out.stdout,
            [tree.as_os_str().as_bytes(), b"\n"].concat(),
            "--fields prints the bytes"
        );
    }
    assert_eq!(repo.here(&tree)["branch"], "feature/auth");
    let query: [&OsStr; 2] = ["find".as_ref(), OsStr::from_bytes(b"caf\xe9")];
    assert_eq!(
        repo.treehop(query).json()["worktree"]["branch"],
        "feature/auth",
        "and can be asked for"
    );
}

#[test]
fn a_branch_that_is_not_utf_8() {
    let repo = Repo::new();
    let branch = OsStr::from_bytes(b"feature/caf\xe9");
    repo.git(
        ["worktree", "add", "-q", "../bitsandbytes-cafe", "-b"]
            .map(OsStr::new)
            .iter()
            .chain(&[branch]),
    );
    repo.list();
    let out = repo.treehop(["find", "cafe", "--fields", "branch"]);
    out.ok();
    assert_eq!(out.stdout, b"feature/caf\xe9\n");
}

#[test]
fn a_path_with_a_newline_is_refused_where_lines_are_asked_for() {
    let repo = Repo::new();
    let tree = repo.worktree_at("feature/auth", "bitsandbytes-two\nlines");
    let list = repo.list();
    assert_eq!(
        list["worktrees"][1]["path"],
        tree.to_str().unwrap(),
        "JSON holds it"
    );
    let error = repo
        .treehop(["find", "auth", "--fields", "cd"])
        .fails(1)
        .to_owned();
    assert!(
        error.contains("newline") || error.contains("line break"),
        "{error}"
    );
    assert_eq!(
        repo.treehop(["find", "auth", "--fields", "branch"]).line(),
        "feature/auth"
    );
}

#[test]
fn outside_any_repository() {
    let scratch = Scratch::new();
    for command in ["list", "here", "find"] {
        let out = scratch.treehop(&scratch.home, [command]);
        assert!(
            out.fails(3)
                .lines()
                .filter(|line| line.starts_with("treehop: "))
                .count()
                == 1
        );
    }
}

#[test]
fn a_damaged_git_file() {
    let repo = Repo::guide();
    fs::write(repo.auth().join(".git"), "gitdir: /nowhere/at/all\n").unwrap();
    let error = repo.treehop_in(&repo.auth(), ["here"]).fails(3).to_owned();
    assert!(!error.contains("panicked"), "{error}");
    repo.list();
}

#[test]
fn a_damaged_head() {
    for text in ["", "garbage", "ref: refs/heads/no-such-branch\n", "ref: "] {
        let repo = Repo::guide();
        let head = repo.git_in(&repo.auth(), ["rev-parse", "--git-path", "HEAD"]);
        fs::write(head, text).unwrap();
        let list = repo.list();
        let auth = crate::common::treehop::worktree(&list, &repo.auth());
        assert_eq!(auth["head"], Value::Null, "{text:?}");
        assert_eq!(
            list["worktrees"].as_array().unwrap().len(),
            4,
            "the others are still there"
        );
    }
}

#[test]
fn packed_refs_and_loose_ones_over_them() {
    let repo = Repo::guide();
    repo.git(["pack-refs", "--all"]);
    agree(&repo.scratch, &repo.main);
    repo.commit(&repo.auth(), "new", "1\n");
    agree(&repo.scratch, &repo.main);
}

#[test]
fn a_head_that_names_another_symbolic_ref() {
    let repo = Repo::guide();
    repo.git([
        "symbolic-ref",
        "refs/heads/alias",
        "refs/heads/feature/auth",
    ]);
    let list = repo.list();
    let auth = crate::common::treehop::worktree(&list, &repo.auth());
    assert_eq!(auth["branch"], "feature/auth");
    let tree = repo.tree("bitsandbytes-alias");
    repo.git([
        "worktree",
        "add",
        "-q",
        "--force",
        tree.to_str().unwrap(),
        "alias",
    ]);
    let head = repo.git_in(&tree, ["rev-parse", "HEAD"]);
    assert_eq!(repo.listed(&tree)["head"], head);
}

#[test]
fn many_worktrees() {
    let repo = Repo::new();
    for number in 0..60 {
        repo.git([
            "worktree",
            "add",
            "-q",
            "--no-checkout",
            "-b",
            &format!("b/{number}"),
            &format!("../w{number}"),
        ]);
    }
    let (mut git, _) = git_says(&repo.scratch, &repo.main, &[]);
    let mut ours = treehop_says(&repo.list());
    git.sort_by(|a, b| a.path.cmp(&b.path));
    ours.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(ours, git);
}

#[test]
fn hostile_branch_names_are_data() {
    let repo = Repo::new();
    let names = [
        "$(touch${IFS}pwned)",
        "`id`",
        "%F{red}",
        "a;b",
        "it's",
        "say\"hi\"",
        "🦀",
        "a&b|c",
        "-c",
    ];
    for (number, branch) in names.iter().enumerate() {
        if branch.starts_with('-') {
            continue; // Git refuses to make it; nothing else can.
        }
        repo.worktree_at(branch, format!("w{number}"));
    }
    let list = agree(&repo.scratch, &repo.main);
    assert_eq!(list["worktrees"].as_array().unwrap().len(), names.len());
    for branch in &names[..names.len() - 1] {
        assert_eq!(
            repo.treehop(["find", branch, "--fields", "branch"]).line(),
            *branch
        );
    }
}

/// Nothing that a repository contains is executed because someone walks into it.
#[test]
fn nothing_in_a_repository_runs() {
    let repo = Repo::guide();
    let mark = repo.scratch.root.join("pwned");
    let script = repo
        .scratch
        .write("evil", format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "diff.external",
        "core.sshCommand",
    ] {
        repo.git_in(&repo.auth(), ["config", key, script]);
    }
    for hook in [
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
    ] {
        fs::create_dir_all(repo.main.join(".git/hooks")).unwrap();
        fs::copy(script, repo.main.join(".git/hooks").join(hook)).unwrap();
    }
    let _ = fs::remove_file(&mark);
    for args in [
        vec!["here"],
        vec!["list"],
        vec!["find", "auth"],
        vec!["find", "--all"],
    ] {
        repo.treehop(args).json();
    }
    assert!(!mark.exists());
}

/// What `Rc` is for: two repositories of one home.
#[test]
fn two_repositories_know_nothing_of_each_other() {
    let one = Repo::guide();
    let two = Repo::named(&Rc::clone(&one.scratch), "transformers");
    two.worktree("feature/auth");
    assert_eq!(
        agree(&one.scratch, &two.main)["worktrees"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        agree(&one.scratch, &one.main)["worktrees"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}
