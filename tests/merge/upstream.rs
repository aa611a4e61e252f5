//! What the target follows.

use std::path::PathBuf;

use crate::common::tools;
use crate::{Work, how};

/// A bare remote on disk that main follows, and somebody else's clone, which has pushed a commit.
fn ahead(work: &Work) -> PathBuf {
    let (remote, theirs) = (work.repo.tree("remote.git"), work.repo.tree("theirs"));
    let git = |args: &[&str]| work.repo.git(args);
    git(&["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
    git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    git(&["fetch", "-q", "origin"]);
    git(&["branch", "-q", "-u", "origin/main", "main"]);
    git(&[
        "clone",
        "-q",
        remote.to_str().unwrap(),
        theirs.to_str().unwrap(),
    ]);
    work.repo.commit(&theirs, "theirs", "pushed\n");
    work.repo.git_in(&theirs, ["push", "-q"]);
    theirs
}

#[test]
fn ahead_and_not_pulled_is_said() {
    let work = Work::new();
    ahead(&work);
    work.repo.git(["fetch", "-q"]);
    let out = work.merge(&["x"]);
    out.expect(
        out.stderr
            .contains("origin/main is 1 commit ahead of main; wmerge --pull"),
        "said",
    );
    assert_eq!(how(&out.json()), "fast-forward");
    work.is_merged();
}

#[test]
fn pulled_first() {
    for (args, then) in [
        (&["x"][..], "merge"),
        (&["--rebase", "x"], "rebase"),
        (&["--squash", "x"], "squash"),
    ] {
        let work = Work::new();
        ahead(&work);
        let before = work.tip("main");
        // A dry run does not ask the remote.
        assert_eq!(
            work.merge(&["--pull", "-n", "x"]).json()["merged"]["how"],
            "fast-forward"
        );
        assert_eq!(work.tip("origin/main"), before);
        let document = work.merge(&[args, &["--pull"]].concat()).json();
        assert_eq!(
            (how(&document), &document["merged"]["before"]),
            (then, &before.into())
        );
        assert!(work.repo.main.join("theirs").exists());
        assert_eq!(document["merged"]["commits"], 2);
        work.is_merged();
    }
}

#[test]
fn pulled_and_nothing_else_to_do() {
    let work = Work::new();
    let theirs = ahead(&work);
    // Somebody has merged it on the remote.
    work.repo
        .git_in(&theirs, ["merge", "-q", "--no-edit", "origin/x"]);
    work.repo.git_in(&theirs, ["push", "-q"]);
    let document = work.merge(&["--pull", "x"]).json();
    assert_eq!(how(&document), "nothing");
    assert_eq!(work.tip("main"), work.tip("origin/main"));
    work.is_merged();
}

#[test]
fn a_conflict_with_what_is_pulled_changes_nothing() {
    let work = Work::new();
    let theirs = ahead(&work);
    work.repo.commit(&theirs, "one", "conflict\n");
    work.repo.git_in(&theirs, ["push", "-q"]);
    work.repo.git(["fetch", "-q"]);
    let said = work.refused(6, &["--pull", "x"]);
    assert!(
        said.contains("\n  one\n") && said.contains("merge origin/main, resolve"),
        "{said}"
    );
}

#[test]
fn both_moved_on_or_no_upstream_at_all() {
    let work = Work::diverged();
    let theirs = ahead(&work);
    work.repo.commit(&theirs, "more", "pushed\n");
    work.repo.git_in(&theirs, ["push", "-q"]);
    work.commit("mine", "not pushed\n");
    work.repo.git(["fetch", "-q"]);
    let said = work.refused(5, &["--pull", "x"]);
    assert!(
        said.contains("main and origin/main have both moved on"),
        "{said}"
    );
    assert!(said.contains("rebase origin/main"), "{said}");
    work.repo.git(["branch", "--unset-upstream", "main"]);
    let said = work.merge(&["--pull", "x"]).fails(1).to_owned();
    assert!(
        said.contains("hint: git branch --set-upstream-to=origin/main main"),
        "{said}"
    );
    work.merge(&["x"]).json();
    work.is_merged();
}

#[test]
fn a_target_without_a_worktree_is_pulled_too() {
    let work = Work::new();
    ahead(&work);
    work.repo.git(["switch", "-q", "--detach"]);
    let document = work
        .merge(&["--pull", "--rebase", "--into", "main", "x"])
        .json();
    assert_eq!(how(&document), "rebase");
    assert_eq!(work.tip("main~2"), work.tip("origin/main"));
}

#[test]
fn a_remote_that_does_not_answer() {
    let work = Work::new();
    ahead(&work);
    work.repo.git(["remote", "set-url", "origin", "/nowhere"]);
    let before = work.state();
    let said = work.merge(&["--pull", "x"]).stderr;
    assert!(said.contains("could not fetch from 'origin'"), "{said}");
    assert_eq!(work.state(), before);
    // Without --pull nobody asks.
    let git = tools::program("git");
    work.repo.scratch.script(
        "git",
        &format!(
            "[ \"$1\" != fetch ] || exit 9\nexec {} \"$@\"",
            git.display()
        ),
    );
    work.merge(&["x"]).json();
}
