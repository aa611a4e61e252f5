//! Terminals that are small, and such as can do little: the four shells go on.

use crate::common::{Repo, Shell};
use crate::counted;

fn cramped(shell: Shell) {
    let repo = Repo::guide();
    let mut s = repo.shell(shell).size(20, 30).start();
    for terminal in ["", "dumb"] {
        if !terminal.is_empty() {
            s.export("TERM", terminal);
        }
        s.line("wcd auth");
        s.probe().status(0).at(&repo.auth()).branch("feature/auth");
        let table = s.line("wls").output();
        // Nu draws its own.
        let rows = table.lines().count();
        assert!(
            rows == 5 || shell == Shell::Nu,
            "a line for each worktree:\n{table}"
        );
        assert!(
            table.lines().all(|line| line.chars().count() <= 20),
            "{table}"
        );
        s.probe().status(0);
        s.line("wcd no-such-worktree");
        let status = s.probe();
        assert_eq!(status.text_status(), "3", "{terminal}");
        s.line("wcd");
        s.probe().status(0).at(&repo.main).branch("main");
        counted("faults injected", 1);
    }
}

#[test]
fn bash() {
    cramped(Shell::Bash);
}

#[test]
fn zsh() {
    cramped(Shell::Zsh);
}

#[test]
fn fish() {
    cramped(Shell::Fish);
}

#[test]
fn nu() {
    cramped(Shell::Nu);
}
