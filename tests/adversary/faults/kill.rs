//! `kill -9` and Ctrl-C at every step of the commands that have no such test of their own: a `git` that stands first on
//! PATH counts its calls, and sends the signal to who called it after the Nth one. N goes up until the command comes to its
//! end.

use std::fs;
use std::time::Duration;

use super::place::{How, ORDERS, Order, Place};
use crate::common::tools;
use crate::counted;

const GIT: &str = r#"PATH=${PATH#*:} git "$@"
status=$?
echo call >> "$CALLS"
if [ "$(wc -l < "$CALLS")" = "$STOP" ]; then echo >> "$CALLS.sent"; kill -"$SIGNAL" $PPID; fi
exit $status"#;

fn at_each_step(name: &str, signal: &'static str, at_least: usize) {
    let order = ORDERS.iter().find(|order| order.name == name);
    let order = order.unwrap();
    let (mut place, mut stopped) = (Place::new(), 0);
    let mut before = place.state();
    for stop in 1.. {
        let told = format!("{signal} after call {stop} of {name}");
        let calls = place.repo.scratch.home.join("calls");
        fs::write(&calls, "").unwrap();
        let git = place.repo.scratch.script("git", GIT);
        let mut how = How::with("CALLS", Some(calls.clone().into()));
        how.env.push(("STOP", Some(stop.to_string().into())));
        how.env.push(("SIGNAL", Some(signal.into())));
        let run = place.run(order, &how);
        // Git that it had started may outlive it.
        std::thread::sleep(Duration::from_millis(50));
        fs::remove_file(git).unwrap();
        // What runs in a program of its own (the hook's `new`) is stopped alone.
        let sent = usize::from(fs::remove_file(calls.with_extension("sent")).is_ok());
        stopped += sent;
        counted("faults injected", sent);
        if run.status.code().is_some() {
            run.judge(order, &told);
        }
        place.nothing_lost(&before, &told);
        if fs::read_to_string(&calls).unwrap().lines().count() < stop {
            break;
        }
        again(&place, order, &told);
        place.nothing_lost(&before, &told);
        if order.name != "pr" {
            place = Place::new();
            before = place.state();
        }
    }
    assert!(stopped >= at_least, "{name} was stopped {stopped} times");
}

/// The same once more, with nobody in its way: it does it, or it was done.
#[track_caller]
fn again(place: &Place, order: &Order, told: &str) {
    let run = place.run(order, &How::default());
    let done = match order.name {
        "remove -f" => "no worktree matches",
        "undo" => "no removed worktree matches",
        _ => "",
    };
    let is_done = !done.is_empty() && run.stderr.contains(done);
    run.expect(is_done || run.status.success(), told, "not again");
}

#[test]
fn killed_while_it_prunes() {
    at_each_step("prune", "KILL", 2);
}

#[test]
fn killed_while_it_asks_for_a_merge() {
    at_each_step("pr", "KILL", 3);
}

#[test]
fn killed_while_claude_asks_for_a_worktree() {
    at_each_step("hook", "KILL", 2);
}

#[test]
fn ctrl_c_while_it_removes() {
    at_each_step("remove -f", "INT", 2);
}

#[test]
fn ctrl_c_while_it_brings_back() {
    at_each_step("undo", "INT", 2);
}

#[test]
fn ctrl_c_while_it_prunes() {
    at_each_step("prune", "INT", 2);
}

/// `wrm` and at once `wundo`: what was renamed away may still be being deleted when it is brought back. Here that goes on
/// in the middle of it, once git has made the worktree.
#[test]
fn what_is_deleted_behind_is_not_what_is_brought_back() {
    let place = Place::new();
    let before = place.state();
    let order = |name| ORDERS.iter().find(|order| order.name == name).unwrap();
    let noting = r#"case " $* " in *" worktree remove "*) cp -r .git/treehop/removing "$HOME/noted" 2>/dev/null || cp -r treehop/removing "$HOME/noted" ;; esac
PATH=${PATH#*:} exec git "$@""#;
    let git = place.repo.scratch.script("git", noting);
    let removed = place.run(order("remove -f"), &How::default());
    removed.expect(removed.status.success(), "remove -f", "it works");
    let left = || {
        fs::read_dir(place.git_dir().join("treehop/removing"))
            .unwrap()
            .count()
    };
    crate::common::tmux::until("the deletion behind", || left() == 0);
    let deleting = r#"PATH=${PATH#*:} git "$@" || exit
case " $* " in *" worktree add "*)
  for file in "$HOME"/noted/*; do printf 'forgotten\nover\n' >> "$file"; cp "$file" "$GITS/treehop/removing"; done
  treehop -C "$GITS" prune --behind && echo deleted >> "$HOME/deleted" ;;
esac"#;
    fs::write(&git, format!("#!/bin/sh\n{deleting}\n")).unwrap();
    let mut treehop = place
        .repo
        .scratch
        .command(tools::treehop(), &place.repo.main);
    let treehop = treehop.args(["undo", "422"]).env("GITS", place.git_dir());
    let out = treehop.output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    fs::remove_file(git).unwrap();
    let deleted = place.repo.scratch.home.join("deleted").exists();
    assert!(deleted && left() == 0, "nothing was deleted behind: {said}");
    assert!(out.status.success(), "{said}");
    place.nothing_lost(&before, "undo while the rest is deleted");
    counted("faults injected", 1);
}
