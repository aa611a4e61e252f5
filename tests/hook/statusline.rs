//! `treehop statusline`

use std::path::Path;

use serde_json::json;

use super::common::{Repo, Scratch};
use super::{end, feed, start, treehop};

/// The line for a session in `dir`, without colours.
fn line(scratch: &Scratch, dir: &Path) -> String {
    let asked = json!({"workspace": {"current_dir": dir}, "model": {"display_name": "Opus"}});
    shown(scratch, asked.to_string())
}

fn shown(scratch: &Scratch, input: impl AsRef<[u8]>) -> String {
    let mut command = treehop(scratch, &["statusline"]);
    let run = end(start(command.env("NO_COLOR", "1"), input));
    assert_eq!(run.stderr, "");
    run.line().to_owned()
}

#[test]
fn worktree_branch_changes_and_model() {
    let repo = Repo::guide();
    let scratch = &repo.scratch;
    assert_eq!(line(scratch, &repo.main), "main@bitsandbytes  Opus");
    assert_eq!(
        line(scratch, &repo.auth().join("src")),
        "feature/auth  Opus"
    );
    scratch.write(repo.fix().join("src/server.py"), "changed\n");
    scratch.write(repo.fix().join("new"), "");
    scratch.write(repo.fix().join("staged"), "");
    repo.git_in(&repo.fix(), ["add", "staged"]);
    let right = "fix/issue-422@fix-422  +1 ~1 ?1  Opus";
    assert_eq!(line(scratch, &repo.fix()), right);
    repo.rebase_in(&repo.auth());
    assert_eq!(line(scratch, &repo.auth()), "feature/auth|rebase  !1  Opus");
}

#[test]
fn colours_are_claudes_to_show() {
    let repo = Repo::guide();
    repo.scratch.write(repo.main.join("new"), "");
    let asked = json!({"cwd": repo.main, "model": {"id": "claude-x"}});
    let run = feed(&repo.scratch, &["statusline"], asked.to_string());
    let right = "\x1b[36mmain@bitsandbytes\x1b[0m  \x1b[33m?1\x1b[0m  \x1b[2mclaude-x\x1b[0m";
    assert_eq!(run.line(), right);
}

#[test]
fn whatever_comes_is_a_line() {
    let repo = Repo::guide();
    let scratch = &repo.scratch;
    let here = scratch.root.file_name().unwrap().to_str().unwrap();
    for input in [
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"x\"",
        "{\"cwd\": 7, \"model\": []}",
        "{\"cwd\": \"relative\"}",
    ] {
        assert_eq!(shown(scratch, input), here, "{input}");
    }
    assert_eq!(shown(scratch, "[".repeat(100_000)), here);
    assert_eq!(shown(scratch, b"\xff\xfe"), here);
    assert_eq!(shown(scratch, "{\"cwd\": \"/\"}"), "/");
    assert_eq!(
        shown(scratch, "{\"cwd\": \"/gone/for/good\", \"model\": \"m\"}"),
        "good  m"
    );
    let hostile = "$(touch x)%F{red}`id`";
    repo.git([
        "switch",
        "-q",
        "-c",
        hostile.replace([' ', '~', '^', ':'], "").as_str(),
    ]);
    let shown_there = line(scratch, &repo.main);
    assert!(
        shown_there.starts_with("$(touchx)%F{red}`id`@"),
        "{shown_there}"
    );
    let bell = json!({"cwd": "/", "model": {"display_name": "a\u{7}\u{1b}[2Jb\nc"}});
    assert_eq!(shown(scratch, bell.to_string()), "/  a??[2Jb?c");
}

#[test]
fn a_damaged_repository_is_a_directory() {
    let repo = Repo::guide();
    let git = repo.main.join(".git");
    std::fs::write(git.join("config"), "[broken").unwrap();
    assert_eq!(line(&repo.scratch, &repo.main), "bitsandbytes  Opus");
}
