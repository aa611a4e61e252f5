//! `treehop here`: what the shells ask at each change of directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};

use crate::common::{Repo, tools};

#[test]
fn anywhere_in_a_worktree() {
    let repo = Repo::guide();
    let deep = repo.auth().join("src/a/b/c");
    fs::create_dir_all(&deep).unwrap();
    for dir in [repo.auth(), repo.auth().join("src"), deep] {
        let here = repo.treehop_in(&dir, ["here"]).json();
        assert_eq!(here["worktree"]["branch"], "feature/auth");
        assert_eq!(here["worktree"]["current"], true);
        assert_eq!(here["cd"], Value::Null, "here moves nobody");
        assert_eq!(here["repo"]["name"], "bitsandbytes");
    }
}

#[test]
fn full_fills_the_rest() {
    let repo = Repo::guide();
    let full = repo.treehop_in(&repo.auth(), ["here", "--full"]).json();
    assert_eq!(
        full["worktree"]["changes"],
        json!({"staged": 0, "modified": 0, "untracked": 0, "conflicted": 0})
    );
    assert_eq!(full["worktree"]["commit"]["subject"], "start");
    assert_eq!(
        full["worktree"]["default"],
        json!({"ahead": 0, "behind": 0, "merged": true})
    );
}

#[test]
fn the_innermost_worktree() {
    let repo = Repo::guide();
    let nested = repo.worktree_at("agent/one", repo.main.join(".claude/worktrees/one"));
    assert_eq!(repo.here(&nested.join("src"))["branch"], "agent/one");
    assert_eq!(repo.here(&repo.main.join(".claude"))["branch"], "main");
}

#[test]
fn outside_one_line_one_hint_and_3() {
    let repo = Repo::new();
    let error = repo
        .treehop_in(&repo.scratch.home, ["here", "--fields", "git_dir,name"])
        .fails(3)
        .to_owned();
    let lines: Vec<_> = error.lines().collect();
    assert!(
        lines.len() == 2 && lines[1].starts_with("hint: "),
        "{error}"
    );
}

#[test]
fn in_a_bare_repository() {
    let repo = Repo::new();
    repo.git(["clone", "-q", "--bare", ".", "../bare.git"]);
    let here = repo.treehop_in(&repo.tree("bare.git"), ["here"]).json();
    assert_eq!(here["repo"]["bare"], true);
    assert_eq!(here["worktree"]["venv"], Value::Null);
}

#[test]
fn in_a_directory_that_is_gone() {
    let repo = Repo::guide();
    let line = format!(
        "rm -r . 2>/dev/null; rmdir \"$PWD\"; '{}' here",
        tools::treehop().display()
    );
    let dir = repo.tree("gone");
    fs::create_dir(&dir).unwrap();
    let out = repo
        .scratch
        .command(tools::program("bash"), &dir)
        .args(["-c", &line])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(
        error.starts_with("treehop: ") && !error.contains("panicked"),
        "{error}"
    );
    assert!(matches!(out.status.code(), Some(1 | 3)), "{:?}", out.status);
}

/// The guide's layouts are read directly: no process is started, so none has to be there.
#[test]
fn no_git_is_needed_to_know_where_one_is() {
    let repo = Repo::guide();
    repo.venv(&repo.auth());
    let nothing = repo.scratch.root.join("tmp");
    let env = [("PATH", nothing.as_os_str())];
    let dir = repo.auth();
    for args in [
        &["here"][..],
        &["list"],
        &["find", "422"],
        &["list", "--full"],
    ] {
        repo.scratch.treehop_env(&dir, args, &env).json();
    }
}

#[test]
fn a_repository_without_git_in_the_way_says_what_is_missing() {
    let repo = Repo::new();
    repo.git(["clone", "-q", "--bare", ".", "../bare.git"]);
    let nothing = repo.scratch.root.join("tmp");
    let env = [("PATH", nothing.as_os_str())];
    let out = repo
        .scratch
        .treehop_env(&repo.tree("bare.git"), ["here"], &env);
    assert!(out.stderr.contains("git"), "{}", out.stderr);
}

#[test]
fn venvs_that_are_not_to_be_trusted() {
    let refused = |repo: &Repo| {
        let here = repo.here(&repo.auth());
        assert_eq!(here["venv"], Value::Null);
        let why = here["venv_refused"]
            .as_str()
            .unwrap_or_else(|| panic!("no reason in {here:#}"))
            .to_owned();
        assert_eq!(why.lines().count(), 1, "{why}");
        why
    };
    for what in ["", "bin"] {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        assert_eq!(repo.here(&repo.auth())["venv"], venv.to_str().unwrap());
        fs::set_permissions(venv.join(what), fs::Permissions::from_mode(0o777)).unwrap();
        refused(&repo);
    }
    let repo = Repo::guide();
    let elsewhere = repo.venv_at(&repo.scratch.home.join("elsewhere"));
    symlink(&elsewhere, repo.auth().join(".venv")).unwrap();
    refused(&repo);
    let repo = Repo::guide();
    let (venv, elsewhere) = (
        repo.venv(&repo.auth()),
        repo.scratch.home.join("elsewhere-bin"),
    );
    fs::rename(venv.join("bin"), &elsewhere).unwrap();
    symlink(&elsewhere, venv.join("bin")).unwrap();
    refused(&repo);
}

/// A big index is searched only once, and what was found is never believed of another index.
#[test]
fn a_venv_beside_a_big_index() {
    let repo = Repo::new();
    let long = "x".repeat(120);
    for number in 0..2500 {
        fs::write(repo.main.join(format!("src/{long}{number}")), "").unwrap();
    }
    repo.git(["add", "."]);
    let index = repo.main.join(".git/index");
    assert!(fs::metadata(index).unwrap().len() > 256 * 1024);
    let venv = repo.venv(&repo.main);
    let note = repo.main.join(".git/treehop-untracked");
    for _ in 0..2 {
        assert_eq!(repo.here(&repo.main)["venv"], venv.to_str().unwrap());
        assert!(note.exists());
    }
    repo.git(["add", "--force", ".venv/pyvenv.cfg"]);
    let here = repo.here(&repo.main);
    assert_eq!(here["venv"], Value::Null);
    let why = here["venv_refused"].as_str().unwrap();
    assert!(why.contains("tracked by git"), "{why}");
    // What leads elsewhere is neither followed nor written through.
    repo.git(["rm", "--cached", "-r", "-q", ".venv"]);
    let elsewhere = repo.scratch.write("precious", "precious");
    fs::remove_file(&note).unwrap();
    symlink(&elsewhere, &note).unwrap();
    assert_eq!(repo.here(&repo.main)["venv"], venv.to_str().unwrap());
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "precious");
}

#[test]
fn a_link_to_a_venv_in_the_same_worktree_is_fine() {
    let repo = Repo::guide();
    repo.venv_at(&repo.auth().join("envs/one"));
    symlink("envs/one", repo.auth().join(".venv")).unwrap();
    let here = repo.here(&repo.auth());
    assert_eq!(here["venv_refused"], Value::Null);
    assert!(here["venv"].is_string(), "{here:#}");
}
