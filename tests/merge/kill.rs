//! `kill -9` at every step: a `git` that stands first on PATH counts its calls and kills who called it before or after
//! the Nth one, from the first on that something can be half-done. The next `merge` of the same goes on.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::{Work, how};

const GIT: &str = r#"[ -e "$JOURNALS" ] || PATH=${PATH#*:} exec git "$@"
echo call >> "$CALLS"
number=$(wc -l < "$CALLS")
if [ "$number" = "$STOP" ] && [ "$WHEN" = before ]; then kill -9 $PPID; exit 1; fi
PATH=${PATH#*:} git "$@"
status=$?
if [ "$number" = "$STOP" ] && [ "$WHEN" = after ]; then kill -9 $PPID; fi
exit $status"#;

/// Runs `merge` and kills it at call `stop`. Returns whether it was killed, and how many calls there were.
fn stopped(work: &Work, stop: usize, when: &str, args: &[&str]) -> (bool, usize) {
    let scratch = &work.repo.scratch;
    let git = scratch.script("git", GIT);
    let calls = scratch.home.join("calls");
    fs::write(&calls, "").unwrap();
    let mut treehop = scratch.command(crate::common::tools::treehop(), &work.repo.main);
    let treehop = treehop.arg("merge").args(args);
    let treehop = treehop
        .env("JOURNALS", work.repo.main.join(".git/treehop/merging"))
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

fn at_each_step(args: &[&str], commits: usize, at_least: usize) {
    let mut kills = 0;
    let mut merged = 0;
    // Before a call is after the one before it, but for the first.
    for (when, stop) in [("before", 1)]
        .into_iter()
        .chain((1..).map(|stop| ("after", stop)))
    {
        let told = format!("{args:?} {when} call {stop}");
        let work = Work::diverged();
        let tip = work.tip("x");
        let (killed, calls) = stopped(&work, stop, when, args);
        kills += usize::from(killed);
        work.repo.git(["fsck", "--no-progress", "--no-dangling"]);
        assert!(work.has_branch("x") || !work.x.exists(), "{told}");
        merged += usize::from(work.repo.git(["rev-list", "--count", "main"]) != "2");
        if work.x.exists() {
            work.merge(args).json();
        } else {
            work.repo.treehop(["prune"]).json();
        }
        work.is_merged();
        let count = work.repo.git(["rev-list", "--count", "main"]);
        assert_eq!(count, (2 + commits).to_string(), "{told}");
        // Where it stood is never lost: the snapshot of the removal holds it, unless it was rebased.
        let kept = work.repo.git(["for-each-ref", "--contains", &tip]);
        assert!(args[0] == "--rebase" || !kept.is_empty(), "{told}");
        // The removal that follows has such tests of its own.
        if merged > 3 || stop >= calls && !killed {
            break;
        }
    }
    assert!(kills >= at_least, "{kills} kills");
}

#[test]
fn merging() {
    at_each_step(&["x"], 3, 5);
}

#[test]
fn squashing() {
    at_each_step(&["--squash", "x"], 1, 5);
}

#[test]
fn rebasing() {
    at_each_step(&["--rebase", "x"], 2, 5);
}

/// Git itself dies while it writes files.
#[test]
fn in_the_middle_of_a_checkout() {
    let script = r#"case " $* " in
*" merge --commit "*)
  git=$(PATH=${PATH#*:} git rev-parse --absolute-git-dir)
  : > "$git/index.lock"
  printf '1' > one
  echo changed > src/server.py
  kill -9 $PPID $$ ;;
esac
PATH=${PATH#*:} exec git "$@""#;
    let work = Work::diverged();
    work.commit_x("src/server.py", "changed\n");
    let git = work.repo.scratch.script("git", script);
    let mut treehop = work
        .repo
        .scratch
        .command(crate::common::tools::treehop(), &work.repo.main);
    let output = treehop.args(["merge", "x"]).output().unwrap();
    assert_eq!(output.status.signal(), Some(9));
    fs::remove_file(git).unwrap();
    assert!(work.repo.main.join(".git/index.lock").exists());
    let out = work.merge(&["x"]);
    out.expect(
        out.stderr
            .contains("took back a merge that was interrupted in"),
        "said",
    );
    out.json();
    // Somebody could have written it: it is kept.
    assert_eq!(
        work.repo.git(["show", "stash@{0}:src/server.py"]),
        "changed"
    );
    work.repo.git(["stash", "drop", "-q"]);
    work.is_merged();
}

/// Killed between the staging of a squash and its commit.
fn killed_before_the_commit() -> Work {
    let work = Work::diverged();
    for stop in 1.. {
        assert!(
            stopped(&work, stop, "after", &["--squash", "--keep", "x"]).0,
            "never so far"
        );
        if work.repo.main.join(".git/SQUASH_MSG").exists() {
            break;
        }
        work.repo.treehop(["prune"]).json();
    }
    work
}

#[test]
fn other_commands_take_it_back_too_and_touch_nothing_of_yours() {
    let work = killed_before_the_commit();
    let x = work.repo.treehop(["prune"]);
    x.expect(
        x.stderr.contains("took back a merge that was interrupted"),
        "said",
    );
    work.is_sound();

    // Somebody has seen to it before, and works on.
    let work = killed_before_the_commit();
    work.repo.git(["reset", "-q", "--hard"]);
    let file = work.repo.main.join("other");
    fs::write(&file, "mine\n").unwrap();
    work.repo.git(["add", "other"]);
    work.repo.treehop(["prune"]).json();
    assert_eq!(fs::read(&file).unwrap(), b"mine\n");
    assert_eq!(work.repo.git(["status", "--porcelain"]), "M  other");
}

#[test]
fn two_at_once() {
    let work = Work::diverged();
    let start = || {
        let mut treehop = work
            .repo
            .scratch
            .command(crate::common::tools::treehop(), &work.repo.main);
        treehop.args(["merge", "x"]).spawn().unwrap()
    };
    let mut both = [start(), start()];
    let statuses = both
        .each_mut()
        .map(|child| child.wait().unwrap().code().unwrap());
    assert!(statuses.contains(&0), "{statuses:?}");
    if work.x.exists() {
        assert_eq!(how(&work.merge(&["x"]).json()), "nothing");
    }
    work.is_merged();
    assert_eq!(work.repo.git(["rev-list", "--count", "main"]), "5");
}
