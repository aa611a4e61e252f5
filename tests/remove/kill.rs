//! `kill -9` at every step. A `git` that stands first on PATH counts its calls and kills who called it before or after
//! the Nth one; N goes up until the command comes to its end. What treehop does itself lies between two calls.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use super::{Project, State};

const GIT: &str = r#"#!/bin/sh
echo call >> "$CALLS"
number=$(wc -l < "$CALLS")
if [ "$number" = "$STOP" ] && [ "$WHEN" = before ]; then kill -9 $PPID; exit 1; fi
PATH=${PATH#*:} git "$@"
status=$?
if [ "$number" = "$STOP" ] && [ "$WHEN" = after ]; then kill -9 $PPID; fi
exit $status
"#;

/// A project with a worktree `w` that has something of everything.
fn prepared() -> (Project, State) {
    let project = Project::new();
    let path = project.worktree("w");
    project.git(&["merge", "--quiet", "w"]);
    project.git(&["config", "branch.w.treehopModel", "m"]);
    project.write("app-w/file", "changed\r\n");
    project.write("app-w/staged", "only in the index\n");
    project.git_in("app-w", &["add", "staged"]);
    fs::remove_file(path.join("staged")).unwrap();
    project.write("app-w/un/tracked", "1\n");
    project.write("app-w/.env", "secret\n");
    symlink("file", path.join("link")).unwrap();
    let state = project.state("app-w");
    (project, state)
}

/// Runs treehop and kills it at call `stop`. Returns whether it was killed, and how many calls there were.
fn stopped(project: &Project, stop: usize, when: &str, args: &[&str]) -> (bool, usize) {
    let git = project.tools.join("git");
    fs::write(&git, GIT).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let calls = project.home.join("calls");
    fs::write(&calls, "").unwrap();
    let mut treehop = project.command(env!("CARGO_BIN_EXE_treehop"), "app");
    treehop
        .args(args)
        .env("CALLS", &calls)
        .env("WHEN", when)
        .env("STOP", stop.to_string());
    let output = treehop.output().unwrap();
    // Git that it had started may outlive it.
    std::thread::sleep(Duration::from_millis(50));
    fs::remove_file(git).unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(
        killed || output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (killed, fs::read_to_string(calls).unwrap().lines().count())
}

/// After a kill: git has nothing to complain about, treehop goes on, and all is there or comes back.
fn nothing_is_lost(project: &Project, before: &State, told: &str) {
    let mut git = project.command("git", "app");
    let fsck = git.args(["fsck", "--no-progress"]).output().unwrap();
    let said = String::from_utf8_lossy(&fsck.stderr);
    assert!(fsck.status.success(), "{told}: {said}");
    project.git(&["worktree", "list"]);
    project.json(&["prune"]);
    project.settled();
    if project.at("app-w").exists() {
        assert!(
            project.snapshots().is_empty(),
            "{told}: a snapshot of what is there"
        );
    } else {
        project.sound(&[]);
        project.json(&["undo"]);
    }
    project.settled();
    project.sound(&["app-w"]);
    let after = project.state("app-w");
    assert_eq!(&after, before, "{told}");
    assert_eq!(
        project.git(&["config", "branch.w.treehopModel"]),
        "m\n",
        "{told}"
    );
}

#[test]
fn remove() {
    for when in ["before", "after"] {
        let (project, before) = prepared();
        let mut kills = 0;
        for stop in 1.. {
            let told = format!("{when} call {stop}");
            let (killed, calls) = stopped(&project, stop, when, &["remove", "-f", "w"]);
            kills += usize::from(killed);
            nothing_is_lost(&project, &before, &told);
            if stop >= calls && !killed {
                break;
            }
        }
        assert!(kills >= 5, "{kills} kills");
    }
}

#[test]
fn undo() {
    for when in ["before", "after"] {
        let (project, before) = prepared();
        let mut kills = 0;
        for stop in 1.. {
            let told = format!("{when} call {stop}");
            project.json(&["remove", "-f", "w"]);
            project.settled();
            let (killed, calls) = stopped(&project, stop, when, &["undo"]);
            kills += usize::from(killed);
            nothing_is_lost(&project, &before, &told);
            if stop >= calls && !killed {
                break;
            }
        }
        assert!(kills >= 8, "{kills} kills");
    }
}

#[test]
fn both_at_any_moment() {
    let (project, before) = prepared();
    for moment in 0..30 {
        for args in [&["remove", "-f", "w"][..], &["undo"]] {
            let mut treehop = project.command(env!("CARGO_BIN_EXE_treehop"), "app");
            treehop
                .args(args)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut child = treehop.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(moment * 5));
            child.kill().unwrap();
            child.wait().unwrap();
            std::thread::sleep(Duration::from_millis(100));
            let told = format!("{args:?} after {moment} times 5 ms");
            nothing_is_lost(&project, &before, &told);
            if args[0] == "remove" {
                project.json(&["remove", "-f", "w"]);
                project.settled();
            }
        }
    }
}

#[test]
fn each_command_ends_what_another_was_killed_in() {
    let (project, before) = prepared();
    let killed = |args: &[&str], dir: &str| {
        // The first two calls of a removal run at the same time, and may both be the second.
        for stop in if args[0] == "new" { 1.. } else { 3.. } {
            assert!(stopped(&project, stop, "before", args).0, "never so far");
            if project.at(dir).exists() == (args[0] == "new") {
                break;
            }
            project.json(&["prune"]);
        }
    };
    let ends = |args: &[&str], word: &str| {
        let output = project.treehop(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains(word), "{said}");
        project.settled();
    };
    killed(&["remove", "-f", "w"], "app-w");
    let new = ["new", "other", "--no-setup"];
    ends(&new, "'w' is removed: that had been interrupted");
    project.sound(&["app-other"]);
    killed(&["new", "half", "--no-setup"], "app-half");
    ends(&["undo"], "app-half', which was half-made");
    project.sound(&["app-other", "app-w"]);
    assert_eq!(project.state("app-w"), before);
    killed(&["remove", "-f", "w"], "app-w");
    ends(&["remove", "other"], "'w' is removed");
    project.sound(&[]);
    assert!(!project.has_branch("half"));
}

#[test]
fn two_at_once() {
    let (project, before) = prepared();
    let run = || {
        let mut treehop = project.command(env!("CARGO_BIN_EXE_treehop"), "app");
        treehop
            .args(["remove", "-f", "w"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        treehop.spawn().unwrap()
    };
    for _ in 0..5 {
        let mut both = [run(), run()];
        let statuses = both
            .each_mut()
            .map(|child| child.wait().unwrap().code().unwrap());
        assert!(statuses.contains(&0), "{statuses:?}");
        nothing_is_lost(&project, &before, "two at once");
    }
}
