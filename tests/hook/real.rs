//! The real Claude Code, offline, with treehop in its settings.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::branch;
use super::common::Repo;
use super::common::claude::offline;
use super::common::tmux::{Tmux, until};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// A terminal in which claude runs in `dir`.
fn claude(repo: &Repo, offline: &[(&str, String)], dir: &Path, args: &[&str]) -> Tmux {
    let mut env = repo.scratch.env();
    env.extend(
        offline
            .iter()
            .map(|(name, value)| (name.into(), value.into())),
    );
    let program = repo.scratch.bin.join("claude").into_os_string();
    let args = args.iter().map(OsString::from);
    let program: Vec<_> = std::iter::once(program).chain(args).collect();
    Tmux::start(&repo.scratch, &env, dir, (120, 40), &program)
}

#[test]
fn claude_makes_and_removes_its_worktrees_by_treehop() {
    let repo = super::with_setup();
    let scratch = &repo.scratch;
    // Once: claude itself writes into what this writes.
    let offline = offline(&repo, NOBODY);
    scratch.treehop(&scratch.home, ["install", "claude"]).ok();

    let path = repo.tree("bitsandbytes-fix-it");
    let live = || {
        // Git makes the directory before it is on the list.
        let list = repo.list();
        let trees = list["worktrees"].as_array().unwrap().iter();
        let tree = trees
            .clone()
            .find(|tree| tree["path"] == path.to_str().unwrap());
        let live = tree.and_then(|tree| tree["claude"]["live"].as_array().cloned());
        live.unwrap_or_default()
    };
    let begin = || {
        let terminal = claude(&repo, &offline, &repo.auth(), &["--worktree", "fix/it"]);
        until("a session", || {
            terminal.wait("a living claude", |screen| !screen.dead);
            live().first().is_some_and(|one| one["status"] == "idle")
        });
        terminal
    };
    let terminal = begin();
    assert_eq!(branch(&repo, &path), "fix/it");
    assert_eq!(super::set_up(&path), "once\n");
    assert!(path.join(".env").exists());
    terminal.wait_for("fix/it  ");

    // A second one is told who has it.
    let mut second = scratch.command(scratch.bin.join("claude"), &repo.main);
    let second = second.args(["--worktree", "fix/it", "-p", "go on"]);
    let out = second
        .envs(offline.iter().map(|(name, value)| (*name, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success(), "{said}");
    assert!(said.contains("a session is live in 'fix-it'"), "{said}");
    assert_eq!(live().len(), 1);

    // Claude asks before it would lose a change, and treehop keeps it whatever the answer is.
    fs::write(path.join("new"), "work\n").unwrap();
    terminal.line("/exit");
    terminal.wait_for("Remove worktree");
    terminal.keys(&["Down"]);
    terminal.keys(&["Enter"]);
    terminal.ended();
    assert!(path.join("new").exists());

    // The same again; without changes it goes.
    fs::remove_file(path.join("new")).unwrap();
    let terminal = begin();
    assert_eq!(super::set_up(&path), "once\n", "only at first");
    terminal.line("/exit");
    terminal.ended();
    assert!(!path.exists());
    assert!(!repo.git(["branch"]).contains("fix/it"));
    repo.treehop(["undo"]).ok();
    assert_eq!(branch(&repo, &path), "fix/it");
}
