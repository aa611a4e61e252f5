//! What treehop starts, and where it is started.

use std::fs;
use std::path::Path;

use super::place::{How, ORDERS, Place};
use super::{ASKING, Fault, matrix};
use crate::common::tools;
use crate::counted;

#[test]
fn without_git() {
    let asking = [&ASKING[..], &["new", "hook"]].concat();
    matrix("no git", &[(1, &asking)], |place| {
        let dir = place.repo.scratch.root.join("no-git");
        let _ = fs::create_dir(&dir);
        for program in ["sh", "bash", "env"] {
            tools::link(&tools::program(program), &dir.join(program));
        }
        tools::link(tools::treehop(), &dir.join("treehop"));
        tools::link(&place.repo.scratch.bin.join("claude"), &dir.join("claude"));
        let hint = "treehop: git is not on PATH\nhint: install git 2.38 or newer";
        Fault::of(How::with("PATH", Some(dir.into()))).saying(hint)
    });
}

/// As git of that time answers what it does not know: the real one does the rest.
const OLD: &str = r#"case " $* " in
" --version " | " version ") echo 'git version 2.10.0'; exit ;;
*" --no-optional-locks "*) echo 'Unknown option: --no-optional-locks' >&2; echo 'usage: git [--version]' >&2; exit 129 ;;
*" worktree list "*" -z "*) echo 'error: unknown switch `z'\''' >&2; exit 129 ;;
*" --write-tree "*) echo 'usage: git merge-tree <base-tree> <branch1> <branch2>' >&2; exit 129 ;;
*" --path-format=absolute "*) echo --path-format=absolute ;;
esac
PATH=${PATH#*:} exec git "$@""#;

#[test]
fn an_old_git() {
    let asking = ["undo --list", "remove -f", "undo", "merge", "prune"];
    matrix("git 2.10", &[(1, &asking)], |place| {
        let git = place.repo.scratch.script("git", OLD);
        let hint = "git 2.10.0 is too old: this needs 2.38 or newer\nhint: treehop doctor";
        Fault::in_files(move |_| fs::remove_file(&git).unwrap()).saying(hint)
    });
    let place = Place::new();
    place.repo.scratch.script("git", OLD);
    let checks = place.repo.treehop(["doctor"]).json();
    let said = checks["checks"][0]["message"].as_str().unwrap();
    assert!(said.starts_with("2.10.0 is older than 2.38"), "{said}");
    // Where git is asked what lies around.
    let bare = place.repo.scratch.root.join("origin.git");
    let said = place.repo.treehop_in(&bare, ["here"]);
    assert!(
        said.fails(1).contains("git 2.10.0 is too old"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_git_that_crashes() {
    let asking = [&ASKING[..], &["new", "hook"]].concat();
    matrix("a git that crashes", &[(1, &asking)], |place| {
        let git = place.repo.scratch.script("git", "kill -SEGV $$");
        Fault::in_files(move |_| fs::remove_file(&git).unwrap())
    });
}

/// Ends every `flock` with ENOLCK, as a network file system without locks does.
const NO_LOCKS: &str = r"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **words) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (count < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 126;
  execvp(words[1], words + 1);
  return 127;
}
";

/// The launcher, and a proof that it does what it says.
fn without_locks(place: &Place) -> How {
    let root = &place.repo.scratch.root;
    let (source, launcher) = (root.join("no-locks.c"), root.join("no-locks"));
    if !launcher.exists() {
        fs::write(&source, NO_LOCKS).unwrap();
        let mut cc = place.repo.scratch.command(tools::program("cc"), root);
        assert!(
            cc.arg("-o")
                .args([&launcher, &source])
                .status()
                .unwrap()
                .success()
        );
        let mut flock = place.repo.scratch.command(&launcher, Path::new("/"));
        let tried = flock
            .arg("flock")
            .arg(&source)
            .arg("true")
            .output()
            .unwrap();
        assert!(!tried.status.success(), "flock works");
    }
    How::behind([launcher])
}

#[test]
fn a_file_system_without_locks() {
    matrix("no locks", &[], |place| Fault::of(without_locks(place)));
}

#[test]
fn without_a_home() {
    let install = ["install --dry-run"];
    matrix("HOME is not set", &[(1, &install)], |_| {
        Fault::of(How::with("HOME", None))
    });
    matrix("HOME is nowhere", &[], |_| {
        Fault::of(How {
            env: [
                "HOME",
                "XDG_CONFIG_HOME",
                "XDG_STATE_HOME",
                "XDG_DATA_HOME",
                "XDG_CACHE_HOME",
            ]
            .map(|name| (name, Some("/proc/nowhere".into())))
            .into(),
            ..How::default()
        })
    });
}

#[test]
fn odd_terminals_and_pipes() {
    matrix("TERM=dumb", &[], |_| {
        Fault::of(How::with("TERM", Some("dumb".into())))
    });
    let closed = |what: &str| {
        [
            "sh".to_owned(),
            "-c".into(),
            format!("exec \"$0\" \"$@\" {what}"),
        ]
    };
    matrix("no standard input", &[(1, &["hook"])], |_| {
        Fault::of(How::behind(closed("<&-")))
    });
    matrix("no standard error", &[], |_| {
        Fault::of(How::behind(closed("2>&-")))
    });
}

/// Standard output goes to a full disk.
#[test]
fn what_cannot_be_printed_is_a_failure() {
    let place = Place::new();
    let full = How::behind(["sh", "-c", "exec \"$0\" \"$@\" >/dev/full"]);
    for order in ORDERS
        .iter()
        .filter(|order| !order.changes && !["claude", "install --dry-run"].contains(&order.name))
    {
        let run = place.run(order, &full);
        run.judge(order, order.name);
        let says = run
            .stderr
            .contains("treehop: could not write to standard output");
        run.expect(says && run.status.code() == Some(1), order.name, "it fails");
        counted("faults injected", 1);
    }
}
