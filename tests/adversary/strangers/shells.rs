//! The four shells in a repository that holds all traps at once.

use super::Canaries;
use super::traps::TRAPS;
use crate::common::{Repo, Shell};
use crate::counted;

fn walk(shell: Shell) {
    let repo = Repo::new();
    let auth = repo.worktree("feature/auth");
    let canaries = Canaries::new(&repo);
    // Git can do little there once objects are gone.
    let last = |name: &str| usize::from(["lazy-fetch", "filters"].contains(&name));
    let mut traps: Vec<_> = TRAPS.iter().collect();
    traps.sort_by_key(|trap| last(trap.name));
    for trap in traps {
        (trap.lay)(&repo, &canaries);
    }
    let pipe = super::places::with_a_pipe_for_head(&repo.scratch);
    let start = repo.shell(shell).dir(&repo.scratch.home);
    let start = match shell {
        Shell::Zsh => start.before("autoload -Uz compinit && compinit -u -D"),
        _ => start,
    };
    let mut s = start.start();
    canaries.ran();
    for dir in [
        &repo.main,
        &repo.main.join("src"),
        &repo.main.join("evil"),
        &repo.main.join("evil-worktree/wt"),
        &auth,
        &repo.main,
    ] {
        s.cd(dir);
        // What stands in PATH by now would be run.
        s.line("ls");
        s.probe().at(dir).no_venv();
        assert_eq!(canaries.ran(), [""; 0], "cd {}", dir.display());
    }
    s.cd(&pipe);
    s.probe().at(&pipe);
    s.cd(&repo.main);
    s.text("wcd au").keys(&["Tab"]);
    s.tmux.settle("the branch", |screen| {
        screen.cursor_line().contains("wcd feature/auth")
    });
    s.keys(&["Enter"]).ready();
    s.probe().at(&auth).no_venv();
    s.line("wcd");
    s.probe().at(&repo.main).worktree("bitsandbytes").no_venv();
    assert_eq!(canaries.ran(), [""; 0], "Tab and wcd");
    s.line("wls");
    let ran = canaries.ran();
    // As `git status` does it, with the filters that the configuration names.
    assert!(ran.iter().all(|name| name == "filters"), "wls ran {ran:?}");
    counted("traps walked over", TRAPS.len());
}

#[test]
fn bash() {
    walk(Shell::Bash);
}

#[test]
fn zsh() {
    walk(Shell::Zsh);
}

#[test]
fn fish() {
    walk(Shell::Fish);
}

#[test]
fn nu() {
    walk(Shell::Nu);
}
