//! Git's hooks, and what stops git on the way: nothing is left half there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;
use std::time::Duration;

use crate::common::tools;
use crate::{Work, how};

fn hook(work: &Work, name: &str, text: &str) {
    let file = work.repo.main.join(".git/hooks").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What must be as before a merge that failed: all but times.
fn rough(work: &Work) -> Vec<String> {
    let mut state = work.state();
    // Objects that nobody needs, and times.
    state.pop();
    state.retain(|part| !part.starts_with("[("));
    state
}

#[test]
fn a_hook_that_refuses() {
    for (name, args) in [
        ("pre-merge-commit", &["x"][..]),
        ("prepare-commit-msg", &["x"]),
        ("commit-msg", &["x"]),
        ("pre-commit", &["--squash", "x"]),
        ("commit-msg", &["--squash", "-m", "bad", "x"]),
        ("pre-rebase", &["--rebase", "x"]),
        ("reference-transaction", &["x"]),
        ("reference-transaction", &["--squash", "x"]),
    ] {
        let work = Work::diverged();
        let before = rough(&work);
        let only = if name == "reference-transaction" {
            "grep -q refs/heads/main || exit 0; "
        } else {
            ""
        };
        hook(&work, name, &format!("{only}echo 'not today' >&2; exit 1"));
        let said = work.merge(args).fails(1).to_owned();
        assert!(said.contains("not today"), "{name}: {said}");
        assert!(
            said.contains("treehop: git did not merge 'x' into main; all is as it was"),
            "{name}: {said}"
        );
        fs::remove_file(work.repo.main.join(".git/hooks").join(name)).unwrap();
        assert_eq!(rough(&work), before, "{name}");
        work.is_sound();
        work.merge(args).json();
        work.is_merged();
    }
}

#[test]
fn a_fast_forward_that_is_refused_after_a_rebase_leaves_the_branch_as_it_was() {
    let work = Work::diverged();
    let before = rough(&work);
    hook(
        &work,
        "reference-transaction",
        "grep -q refs/heads/main || exit 0; exit 1",
    );
    let said = work.merge(&["--rebase", "x"]).fails(1).to_owned();
    assert!(said.contains("all is as it was"), "{said}");
    assert_eq!(rough(&work), before);
    work.is_sound();
}

#[test]
fn a_hook_that_changes_files_and_refuses() {
    for args in [&["x"][..], &["--squash", "x"]] {
        let work = Work::diverged();
        let before = work.tip("main");
        for name in ["pre-merge-commit", "pre-commit"] {
            hook(&work, name, "echo formatted >> one; exit 1");
        }
        let said = work.merge(args).fails(1).to_owned();
        assert!(said.contains("meanwhile is in the stash"), "{said}");
        assert_eq!(work.tip("main"), before);
        assert_eq!(work.repo.git(["show", "stash@{0}:one"]), "1\nformatted");
        work.repo.git(["stash", "drop", "-q"]);
        work.is_sound();
    }
}

#[test]
fn hooks_and_the_editor_run_as_with_git_and_print_nothing_on_standard_output() {
    let work = Work::diverged();
    for name in [
        "pre-merge-commit",
        "commit-msg",
        "post-merge",
        "post-checkout",
    ] {
        hook(
            &work,
            name,
            &format!("echo ran {name}; pwd >> \"$HOME/where\""),
        );
    }
    let out = work.merge(&["x"]);
    assert_eq!(how(&out.json()), "merge");
    for name in ["pre-merge-commit", "commit-msg", "post-merge"] {
        out.expect(out.stderr.contains(&format!("ran {name}")), name);
    }
    let places = fs::read_to_string(work.repo.scratch.home.join("where")).unwrap();
    assert_eq!(places.lines().next(), work.repo.main.to_str());
    work.is_merged();
}

#[test]
fn a_conflict_that_only_the_real_merge_has() {
    for args in [&["x"][..], &["--rebase", "x"]] {
        let work = Work::diverged();
        let before = rough(&work);
        // A driver that fails where there is a worktree to merge in, as one that needs other files may.
        work.repo.git([
            "config",
            "merge.odd.driver",
            "test -e \"$HOME/asked\" && exit 1; cp %B %A",
        ]);
        fs::write(
            work.repo.main.join(".git/info/attributes"),
            "both merge=odd\n",
        )
        .unwrap();
        work.commit_x("both", "theirs\n");
        work.commit("both", "ours\n");
        let (main, x) = (work.tip("main"), work.tip("x"));
        let script = "case \" $* \" in *' merge '*|*' rebase '*) : > \"$HOME/asked\" ;; esac\nPATH=${PATH#*:} exec git \"$@\"";
        let git = work.repo.scratch.script("git", script);
        let said = work.merge(args).fails(6).to_owned();
        fs::remove_file(git).unwrap();
        assert!(
            said.contains("conflicts; all is as it was\n  both\n"),
            "{said}"
        );
        assert_eq!((work.tip("main"), work.tip("x")), (main, x));
        assert_eq!(rough(&work).len(), before.len());
        assert_eq!(work.repo.git_in(&work.x, ["status", "--porcelain"]), "");
        work.is_sound();
    }
}

#[test]
fn ctrl_c_takes_it_back() {
    let work = Work::diverged();
    let before = rough(&work);
    hook(&work, "pre-merge-commit", ": > \"$HOME/begun\"; sleep 60");
    let mut treehop = work.repo.scratch.command(tools::treehop(), &work.repo.main);
    let treehop = treehop
        .args(["merge", "x"])
        .process_group(0)
        .stderr(Stdio::piped());
    let child = treehop.spawn().unwrap();
    while !work.repo.scratch.home.join("begun").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let group = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(2), "{said}");
    assert!(said.contains("treehop: interrupted"), "{said}");
    assert_eq!(rough(&work), before);
    work.is_sound();
}
