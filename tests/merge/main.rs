//! `merge` against the real git, in scratch repositories and a scratch home.

#[allow(dead_code, unused_imports)]
#[path = "../it/common/mod.rs"]
mod common;

mod hooks;
mod kill;
mod refuse;
mod upstream;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use common::Repo;
use common::treehop::Out;

/// `main` and a worktree `x` with two commits of its own, in a directory whose name has to be quoted everywhere.
struct Work {
    repo: Repo,
    x: PathBuf,
}

impl Work {
    fn new() -> Work {
        let repo = Repo::named(&common::Scratch::new(), r#"it's "$(touch y)" : 家/app"#);
        let x = repo.worktree("x");
        let work = Work { repo, x };
        work.commit_x("one", "1\n");
        work.commit_x("two", "2\n");
        work
    }

    /// The same with a commit on main that x does not have.
    fn diverged() -> Work {
        let work = Work::new();
        work.commit("other", "main goes on\n");
        work
    }

    fn commit(&self, file: &str, text: &str) {
        self.repo.commit(&self.repo.main, file, text);
    }

    fn commit_x(&self, file: &str, text: &str) {
        self.repo.commit(&self.x, file, text);
    }

    fn merge(&self, args: &[&str]) -> Out {
        self.repo.treehop(["merge"].iter().chain(args))
    }

    fn tip(&self, name: &str) -> String {
        self.repo.git(["rev-parse", "--verify", name])
    }

    fn has_branch(&self, name: &str) -> bool {
        let name = format!("refs/heads/{name}");
        let args = ["show-ref", "--verify", "--quiet", &name];
        self.repo.scratch.git_may_fail(&self.repo.main, args)
    }

    /// Merged with what was asked, clean, without a trace of anything half-done; x and its branch are gone.
    fn is_merged(&self) {
        assert_eq!(fs::read(self.repo.main.join("one")).unwrap(), b"1\n");
        assert_eq!(fs::read(self.repo.main.join("two")).unwrap(), b"2\n");
        assert!(!self.x.exists() && !self.has_branch("x"));
        self.is_sound();
    }

    /// Git has nothing to complain about, main is clean, nothing is under way.
    fn is_sound(&self) {
        self.repo.git(["fsck", "--no-progress", "--no-dangling"]);
        let status = self
            .repo
            .git(["status", "--porcelain", "--untracked-files=all"]);
        assert_eq!(status, "");
        let git = self.repo.main.join(".git");
        for file in ["MERGE_HEAD", "SQUASH_MSG", "MERGE_MSG", "index.lock"] {
            assert!(!git.join(file).exists(), "{file} was left");
        }
        let merging = fs::read_dir(git.join("treehop/merging"));
        assert_eq!(merging.map_or(0, Iterator::count), 0, "a journal was left");
        assert_eq!(self.repo.git(["stash", "list"]), "");
    }

    /// All that a refusal must leave as it is.
    fn state(&self) -> Vec<String> {
        let refs = self
            .repo
            .git(["for-each-ref", "--format=%(refname) %(objectname)"]);
        let mut state = vec![refs];
        for dir in [&self.repo.main, &self.x] {
            let status = ["status", "--porcelain=v2", "--branch", "--ignored", "-uall"];
            state.push(self.repo.git_in(dir, status));
            state.push(self.repo.git_in(dir, ["ls-files", "--stage", "-v"]));
            state.push(format!("{:?}", files(dir)));
        }
        state.push(self.repo.git(["stash", "list"]));
        state.push(self.repo.git(["count-objects"]));
        state
    }

    /// Refused with `status` and nothing changes, also with `--dry-run`. Returns what was said.
    #[track_caller]
    fn refused(&self, status: i32, args: &[&str]) -> String {
        let before = self.state();
        self.merge(&[args, &["--dry-run"]].concat()).fails(status);
        let said = self.merge(args).fails(status).to_owned();
        assert_eq!(self.state(), before, "{said}");
        assert_eq!(journals(&self.repo.main.join(".git")), 0);
        said
    }
}

/// What is under way, or was asked.
fn journals(git: &Path) -> usize {
    let names = |dir: &str| fs::read_dir(git.join(dir)).into_iter().flatten().flatten();
    let asked = names("treehop").map(|entry| entry.file_name().into_string().unwrap());
    let asked = asked.filter(|name| name.starts_with("objects-"));
    names("treehop/merging").count() + asked.count()
}

/// The files below `dir`, with their bytes and the time of their last change.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found = vec![];
    let mut directories = vec![dir.to_owned()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.ends_with(".git") {
            } else if path.is_dir() {
                directories.push(path);
            } else {
                let time = path.symlink_metadata().unwrap().modified().unwrap();
                found.push((path.clone(), fs::read(&path).unwrap_or_default(), time));
            }
        }
    }
    found.sort();
    found
}

fn how(document: &Value) -> &str {
    document["merged"]["how"].as_str().unwrap()
}

#[test]
fn fast_forward_from_inside_and_the_shell_goes_to_the_main_worktree() {
    let work = Work::new();
    let (before, tip) = (work.tip("main"), work.tip("x"));
    fs::create_dir(work.x.join("below")).unwrap();
    let document = work
        .repo
        .treehop_in(&work.x.join("below"), ["merge"])
        .json();
    assert_eq!(document["cd"], work.repo.main.to_str().unwrap());
    let merged = &document["merged"];
    assert_eq!(
        (how(&document), &merged["from"], &merged["into"]),
        ("fast-forward", &"x".into(), &"main".into())
    );
    assert_eq!(
        (&merged["before"], &merged["after"]),
        (&before.into(), &tip.clone().into())
    );
    assert_eq!(
        (&merged["commits"], &merged["files"]),
        (&2.into(), &2.into())
    );
    let removed = &document["removed"][0];
    assert_eq!(
        (&removed["name"], &removed["branch_deleted"]),
        (&"x".into(), &true.into())
    );
    assert_eq!(work.tip("main"), tip);
    work.is_merged();
    work.repo.treehop(["undo"]).json();
    assert!(work.x.join("two").exists() && work.has_branch("x"));
}

#[test]
fn a_merge_commit_where_one_is_needed_or_asked_for() {
    for (work, args, message) in [
        (Work::diverged(), &["x"][..], "Merge branch 'x'"),
        (Work::new(), &["x", "--no-ff"], "Merge branch 'x'"),
        (Work::new(), &["x", "--no-ff", "-m", "mine"], "mine"),
    ] {
        let (before, tip) = (work.tip("main"), work.tip("x"));
        let document = work.merge(args).json();
        assert_eq!(how(&document), "merge");
        assert_eq!(document["cd"], Value::Null);
        assert_eq!(document["merged"]["after"], work.tip("main"));
        assert_eq!(
            work.repo.git(["log", "-1", "--format=%P %s", "main"]),
            format!("{before} {tip} {message}")
        );
        work.is_merged();
    }
}

#[test]
fn one_commit_with_gits_message_or_yours() {
    for (args, message) in [
        (&["--squash"][..], "Squashed commit of the following:"),
        (&["--squash", "-m", "-all of \"it\""], "-all of \"it\""),
    ] {
        for work in [Work::new(), Work::diverged()] {
            // Each of them would get in the way of a squash.
            work.repo.git(["config", "merge.ff", "false"]);
            let before = work.tip("main");
            let document = work.merge(&[args, &["x"]].concat()).json();
            assert_eq!(how(&document), "squash");
            assert_eq!(
                work.repo.git(["log", "-1", "--format=%P %s", "main"]),
                format!("{before} {message}")
            );
            work.is_merged();
        }
    }
}

#[test]
fn rebased_upon_the_target() {
    let work = Work::diverged();
    let before = work.tip("main");
    let document = work.merge(&["--rebase", "x"]).json();
    assert_eq!(how(&document), "rebase");
    assert_eq!(work.tip("main~2"), before);
    assert_eq!(document["merged"]["commits"], 2);
    work.is_merged();
    // There is nothing to rebase: no commit is made anew.
    let work = Work::new();
    let tip = work.tip("x");
    assert_eq!(how(&work.merge(&["--rebase", "x"]).json()), "fast-forward");
    assert_eq!(work.tip("main"), tip);
}

#[test]
fn kept_and_merged_again() {
    let work = Work::diverged();
    let document = work.merge(&["--keep", "x"]).json();
    assert_eq!(document["removed"], Value::Array(vec![]));
    assert!(work.x.exists() && work.has_branch("x"));
    work.is_sound();
    let at = work.tip("main");
    let again = work.merge(&["x"]);
    again.expect(
        again
            .stderr
            .contains("nothing to merge: main has all of 'x'"),
        "said",
    );
    let document = again.json();
    assert_eq!(
        (how(&document), &document["merged"]["commits"]),
        ("nothing", &0.into())
    );
    assert_eq!(work.tip("main"), at);
    work.is_merged();
}

#[test]
fn what_was_squashed_before_is_not_merged_again() {
    let work = Work::diverged();
    work.merge(&["--keep", "--squash", "x"]).json();
    let at = work.tip("main");
    for args in [&["--dry-run", "--squash", "x"][..], &["x"]] {
        let document = work.merge(args).json();
        assert_eq!(how(&document), "nothing");
        assert_eq!(document["removed"][0]["branch_deleted"], true);
    }
    assert_eq!(work.tip("main"), at);
    work.is_merged();
}

#[test]
fn commits_that_undo_each_other_are_not_squashed_and_not_lost() {
    let work = Work::new();
    work.repo
        .git_in(&work.x, ["revert", "--no-edit", "HEAD", "HEAD~1"]);
    let before = work.state();
    let document = work.merge(&["--squash", "x"]).json();
    assert_eq!(
        (how(&document), &document["removed"]),
        ("nothing", &Value::Array(vec![]))
    );
    assert_eq!(work.state(), before);
}

#[test]
fn a_dry_run_says_it_all_and_does_nothing() {
    for (args, how_then) in [
        (&["x"][..], "merge"),
        (&["--squash", "x"], "squash"),
        (&["--rebase", "x"], "rebase"),
    ] {
        let work = Work::diverged();
        let before = work.state();
        let args = [&["-n"], args].concat();
        let out = work.repo.treehop_in(&work.x, ["merge"].iter().chain(&args));
        let document = out.json();
        assert_eq!((how(&document), &document["cd"]), (how_then, &Value::Null));
        assert_eq!(
            (&document["merged"]["files"], &document["merged"]["after"]),
            (&2.into(), &Value::Null)
        );
        assert_eq!(
            (
                &document["removed"][0]["branch_deleted"],
                &document["removed"][0]["snapshot"]
            ),
            (&true.into(), &Value::Null)
        );
        out.expect(
            out.stderr.contains("would merge 'x' into main: ")
                && out.stderr.contains("2 commits, 2 files changed"),
            "the plan",
        );
        out.expect(
            out.stderr
                .contains("would remove 'x'\n  branch x would be deleted"),
            "the removal",
        );
        assert_eq!(work.state(), before);
    }
}

#[test]
fn into_a_branch_of_a_third_worktree_which_is_not_the_default_one() {
    let work = Work::diverged();
    let release = work.repo.worktree("release/1.0");
    let main = work.tip("main");
    let out = work.merge(&["x", "--into", "release/1.0"]);
    let document = out.json();
    assert_eq!(
        (how(&document), &document["merged"]["into"]),
        ("merge", &"release/1.0".into())
    );
    assert!(release.join("two").exists() && !work.x.exists());
    assert_eq!(work.tip("main"), main);
    // A branch goes only once it is in the default branch.
    assert!(work.has_branch("x"));
    out.expect(
        out.stderr
            .contains("branch x kept: it is not merged into main"),
        "said",
    );
    work.is_sound();
}

#[test]
fn into_a_branch_without_a_worktree_only_forward() {
    let work = Work::new();
    work.repo.git(["branch", "release"]);
    let document = work.merge(&["x", "--into", "release", "--keep"]).json();
    assert_eq!(how(&document), "fast-forward");
    assert_eq!(work.tip("release"), work.tip("x"));
    let said = work
        .repo
        .git(["log", "-g", "--format=%gs", "-1", "release"]);
    assert_eq!(said, "merge refs/heads/x: Fast-forward");

    let work = Work::diverged();
    work.repo.git(["branch", "release"]);
    for args in [&["x"][..], &["--no-ff", "x"], &["--squash", "x"]] {
        let said = work.refused(5, &[args, &["--into", "release"]].concat());
        assert!(
            said.contains("no worktree has 'release' checked out"),
            "{said}"
        );
        assert!(said.contains("hint: wnew release"), "{said}");
    }
    let document = work
        .merge(&["x", "--into", "release", "--rebase", "--keep"])
        .json();
    assert_eq!(how(&document), "rebase");
    assert_eq!(work.tip("release~2"), work.tip("main"));
    work.is_sound();
}

#[test]
fn a_bare_repository_with_worktrees() {
    let work = Work::new();
    let bare = work.repo.tree("bare.git");
    let clone = ["clone", "-q", "--bare", ".", bare.to_str().unwrap()];
    work.repo.git(clone);
    let git = |args: &[&str]| work.repo.git_in(&bare, args);
    git(&["worktree", "add", "-q", "../bare-x", "x"]);
    let merge = |args: &[&str]| {
        work.repo
            .treehop_in(&bare, ["merge", "x"].iter().chain(args))
            .json()
    };
    assert_eq!(how(&merge(&["--keep"])), "fast-forward");
    assert_eq!(git(&["rev-parse", "main"]), work.tip("x"));
    git(&["worktree", "add", "-q", "../bare-main", "main"]);
    let x = work.repo.tree("bare-x");
    work.repo.commit(&x, "three", "3\n");
    merge(&["--no-ff"]);
    assert!(work.repo.tree("bare-main/three").exists() && !x.exists());
    git(&["fsck", "--no-progress"]);
}

#[test]
fn renames_on_both_sides() {
    let work = Work::new();
    let long = "line\n".repeat(25) + "line 7\n" + &"line\n".repeat(25);
    work.commit("long", &long);
    work.repo.git_in(&work.x, ["merge", "-q", "main"]);
    work.repo.git_in(&work.x, ["mv", "long", "new name"]);
    work.repo.git_in(&work.x, ["commit", "-q", "-m", "rename"]);
    work.commit("long", &long.replace("line 7\n", "line seven\n"));
    let document = work.merge(&["x"]).json();
    assert_eq!(how(&document), "merge");
    let text = fs::read_to_string(work.repo.main.join("new name")).unwrap();
    assert!(text.contains("line seven\n") && !work.repo.main.join("long").exists());
    work.is_merged();
}

#[test]
fn attributes_and_settings_of_git_have_their_say() {
    // Both add lines at the same place: a conflict, but for the attribute.
    let work = Work::new();
    work.commit(".gitattributes", "NEWS merge=union\n");
    work.commit_x("NEWS", "theirs\n");
    work.commit("NEWS", "ours\n");
    work.merge(&["x"]).json();
    assert_eq!(
        fs::read(work.repo.main.join("NEWS")).unwrap(),
        b"ours\ntheirs\n"
    );
    work.is_merged();
    let work = Work::new();
    work.repo
        .git(["config", "branch.main.mergeOptions", "--no-ff --no-commit"]);
    assert_eq!(how(&work.merge(&["x"]).json()), "merge");
    work.is_merged();
    let work = Work::diverged();
    work.repo.git(["config", "merge.ff", "only"]);
    let before = work.state();
    let said = work.merge(&["x"]).fails(1).to_owned();
    assert!(
        said.contains("Not possible to fast-forward") || said.contains("Diverging"),
        "{said}"
    );
    assert_eq!(work.state()[1..6], before[1..6]);
}

#[test]
fn names_of_any_bytes() {
    let work = Work::diverged();
    for branch in ["-x/`id`$(id)", "b/%F{red}'\"", "x;y&z", "HEAD"] {
        let path = work.repo.tree(format!("other{}", branch.len()));
        let path = path.to_str().unwrap();
        work.repo
            .git(["worktree", "add", "-q", "--detach", path, "x"]);
        let name = format!("refs/heads/{branch}");
        work.repo.git(["update-ref", &name, "x"]);
        work.repo
            .git_in(Path::new(path), ["symbolic-ref", "HEAD", &name]);
        let file = format!("-name $(id) {}", branch.len());
        work.repo.commit(Path::new(path), &file, branch);
        let base = work.tip("main");
        let how = if branch.starts_with('x') {
            "--squash"
        } else {
            "--no-ff"
        };
        work.merge(&["--into", "main", how, path]).json();
        assert_ne!(work.tip("main"), base);
        assert!(!work.has_branch(branch));
    }
    work.is_sound();
}

#[test]
fn fields_for_the_shells() {
    let work = Work::new();
    let out = work
        .repo
        .treehop_in(&work.x, ["merge", "--fields", "cd,repo.name"]);
    assert_eq!(out.lines(), [work.repo.main.to_str().unwrap(), "app"]);
    work.is_merged();
}
