//! `treehop list`: what it says, held against git.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::treehop::worktree;
use crate::common::{Repo, tools};

#[test]
fn the_guide_s_layout() {
    let repo = Repo::guide();
    let list = repo.list();
    let names: Vec<_> = list["worktrees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["name"].clone())
        .collect();
    assert_eq!(names[0], "bitsandbytes", "main first");
    assert_eq!(names.len(), 4);
    for name in ["experiment", "feature-auth", "fix-422"] {
        assert!(names.contains(&json!(name)), "{name} in {names:?}");
    }
    assert_eq!(list["repo"]["name"], "bitsandbytes");
    assert_eq!(list["repo"]["root"], repo.main.to_str().unwrap());
    assert_eq!(
        list["repo"]["git_dir"],
        repo.main.join(".git").to_str().unwrap()
    );
    assert_eq!(list["repo"]["bare"], false);
    assert_eq!(list["repo"]["default_branch"], "main");
    let auth = worktree(&list, &repo.auth());
    assert_eq!(auth["branch"], "feature/auth");
    assert_eq!(
        auth["head"],
        repo.git_in(&repo.auth(), ["rev-parse", "HEAD"])
    );
    assert_eq!(
        auth["git_dir"],
        repo.git_in(&repo.auth(), ["rev-parse", "--absolute-git-dir"])
    );
    assert_eq!(auth["prompt"], "feature/auth");
    assert_eq!(auth["claude"], json!({"live": [], "last": null}));
    for key in [
        "commit",
        "upstream",
        "default",
        "changes",
        "operation",
        "venv",
        "venv_refused",
        "model",
        "locked",
    ] {
        assert_eq!(auth[key], Value::Null, "{key} without --full");
    }
    assert_eq!(worktree(&list, &repo.main)["prompt"], "main@bitsandbytes");
}

#[test]
fn main_and_current() {
    let repo = Repo::guide();
    for (dir, current) in [
        (repo.main.clone(), &repo.main),
        (repo.auth().join("src"), &repo.auth()),
    ] {
        let list = repo.treehop_in(&dir, ["list"]).json();
        for tree in list["worktrees"].as_array().unwrap() {
            let path = Path::new(tree["path"].as_str().unwrap());
            assert_eq!(tree["main"], path == repo.main, "{path:?}");
            assert_eq!(
                tree["current"],
                path == current,
                "{path:?} from {}",
                dir.display()
            );
        }
    }
}

#[test]
fn names_that_collide_are_whole() {
    let repo = Repo::new();
    let (long, short) = (
        repo.worktree_at("a", "bitsandbytes-x"),
        repo.worktree_at("b", "x"),
    );
    let (dot, under) = (
        repo.worktree_at("c", "bitsandbytes.y"),
        repo.worktree_at("d", "bitsandbytes_z"),
    );
    for (path, name) in [
        (long, "bitsandbytes-x"),
        (short, "x"),
        (dot, "y"),
        (under, "z"),
    ] {
        assert_eq!(repo.listed(&path)["name"], name);
    }
}

#[test]
fn a_directory_far_away() {
    let repo = Repo::new();
    let tree = repo.worktree_at("far", repo.scratch.root.join("somewhere/else"));
    assert_eq!(repo.listed(&tree)["name"], "else");
    let nested = repo.worktree_at("near", repo.main.join(".claude/worktrees/near"));
    assert_eq!(repo.listed(&nested)["name"], "near");
    assert_eq!(repo.here(&nested)["path"], nested.to_str().unwrap());
}

#[test]
fn the_model_of_a_branch() {
    let repo = Repo::guide();
    repo.git(["config", "branch.feature/auth.treehopModel", "opus"]);
    assert_eq!(repo.listed(&repo.auth())["model"], "opus");
    assert_eq!(repo.listed(&repo.fix())["model"], Value::Null);
}

#[test]
fn venvs_and_why_not() {
    let repo = Repo::guide();
    let venv = repo.real_venv(&repo.auth());
    repo.venv_at(&repo.fix().join("env"));
    repo.git(["config", "treehop.venv", "env"]);
    let fix = repo.listed(&repo.fix());
    assert_eq!(fix["venv"], repo.fix().join("env").to_str().unwrap());
    assert_eq!(repo.listed(&repo.auth())["venv"], Value::Null);
    repo.git(["config", "--unset", "treehop.venv"]);
    let auth = repo.listed(&repo.auth());
    assert_eq!(
        (&auth["venv"], &auth["venv_refused"]),
        (&json!(venv.to_str().unwrap()), &Value::Null)
    );
    fs::create_dir_all(repo.experiment().join(".venv/bin")).unwrap();
    let none = repo.listed(&repo.experiment());
    assert_eq!(
        (&none["venv"], &none["venv_refused"]),
        (&Value::Null, &Value::Null),
        "no venv: no pyvenv.cfg"
    );
}

#[test]
fn a_tracked_venv_is_named_and_not_used() {
    let repo = Repo::guide();
    repo.venv(&repo.auth());
    repo.git_in(&repo.auth(), ["add", "-f", ".venv/pyvenv.cfg"]);
    for when in ["staged", "committed"] {
        let auth = repo.listed(&repo.auth());
        assert_eq!(auth["venv"], Value::Null, "{when}");
        assert!(
            auth["venv_refused"].as_str().unwrap().contains(".venv"),
            "{when}: {}",
            auth["venv_refused"]
        );
        if when == "staged" {
            repo.git_in(&repo.auth(), ["commit", "-q", "-m", "a gift"]);
        }
    }
}

#[test]
fn full_commit_and_default() {
    let repo = Repo::guide();
    repo.commit(&repo.auth(), "auth.py", "1\n");
    repo.commit(&repo.auth(), "auth.py", "2\n");
    repo.commit(&repo.main, "main.py", "1\n");
    let list = repo.treehop(["list", "--full"]).json();
    let auth = worktree(&list, &repo.auth());
    let sha = repo.git_in(&repo.auth(), ["rev-parse", "HEAD"]);
    assert_eq!(
        auth["commit"],
        json!({"sha": sha, "subject": "change auth.py", "time": "2024-05-01T12:00:00Z"})
    );
    assert_eq!(
        auth["default"],
        json!({"ahead": 2, "behind": 1, "merged": false})
    );
    assert_eq!(
        worktree(&list, &repo.fix())["default"],
        json!({"ahead": 0, "behind": 1, "merged": true})
    );
    assert_eq!(auth["upstream"], Value::Null);
}

#[test]
fn full_upstream() {
    let repo = Repo::guide();
    let remote = repo.tree("remote.git");
    repo.git(["init", "-q", "--bare", "../remote.git"]);
    repo.git(["remote", "add", "origin", remote.to_str().unwrap()]);
    repo.git(["push", "-q", "-u", "origin", "main", "fix/issue-422"]);
    repo.git_in(&repo.auth(), ["push", "-q", "-u", "origin", "feature/auth"]);
    repo.commit(&repo.auth(), "a.py", "1\n");
    repo.git_in(&repo.fix(), ["push", "-q", "origin", ":fix/issue-422"]);
    let list = repo.treehop(["list", "--full"]).json();
    let upstream = |path: &Path| worktree(&list, path)["upstream"].clone();
    assert_eq!(
        upstream(&repo.auth()),
        json!({"name": "origin/feature/auth", "ahead": 1, "behind": 0, "gone": false})
    );
    assert_eq!(
        upstream(&repo.main),
        json!({"name": "origin/main", "ahead": 0, "behind": 0, "gone": false})
    );
    assert_eq!(
        upstream(&repo.fix()),
        json!({"name": "origin/fix/issue-422", "ahead": null, "behind": null, "gone": true})
    );
    assert_eq!(upstream(&repo.experiment()), Value::Null);
}

#[test]
fn full_changes() {
    let repo = Repo::guide();
    let auth = repo.auth();
    for file in ["one", "two", "three"] {
        repo.commit(&auth, file, "1\n");
    }
    fs::write(auth.join("one"), "changed\n").unwrap();
    fs::write(auth.join("two"), "staged\n").unwrap();
    repo.git_in(&auth, ["add", "two"]);
    fs::remove_file(auth.join("three")).unwrap();
    fs::write(auth.join("new file"), "").unwrap();
    fs::create_dir(auth.join("new")).unwrap();
    fs::write(auth.join("new/inside"), "").unwrap();
    fs::create_dir(auth.join(".venv")).unwrap();
    fs::write(auth.join(".venv/ignored"), "").unwrap();
    repo.conflict(&repo.fix());
    assert!(
        !repo
            .scratch
            .git_may_fail(&repo.fix(), ["merge", "-q", "main"])
    );
    let list = repo.treehop(["list", "--full"]).json();
    let changes = |path: &Path| worktree(&list, path)["changes"].clone();
    assert_eq!(
        changes(&auth),
        json!({"staged": 1, "modified": 2, "untracked": 2, "conflicted": 0})
    );
    assert_eq!(
        changes(&repo.fix()),
        json!({"staged": 0, "modified": 0, "untracked": 0, "conflicted": 1})
    );
    assert_eq!(
        changes(&repo.main),
        json!({"staged": 0, "modified": 0, "untracked": 0, "conflicted": 0})
    );
}

#[test]
fn full_stashes() {
    let repo = Repo::guide();
    let stash = |dir: &Path, message: &[&str]| {
        fs::write(dir.join("src/server.py"), format!("{message:?}\n")).unwrap();
        repo.git_in(dir, ["stash", "push", "-q"].iter().chain(message));
    };
    let counts = || {
        let list = repo.treehop(["list", "--full"]).json();
        let of = |path: &Path| worktree(&list, path)["stashes"].clone();
        [
            repo.main.clone(),
            repo.auth(),
            repo.fix(),
            repo.experiment(),
        ]
        .map(|path| of(&path))
    };
    assert_eq!(json!(counts()), json!([0, 0, 0, 0]));
    stash(&repo.auth(), &[]);
    stash(&repo.auth(), &["-m", "On main: WIP on main: x"]);
    stash(&repo.main, &["-m", "a\tb"]);
    // Made without a branch, and by another program's hand.
    repo.git_in(&repo.experiment(), ["switch", "-q", "--detach"]);
    stash(&repo.experiment(), &[]);
    repo.git(["stash", "store", "-m", "mine", "stash@{1}"]);
    assert_eq!(json!(counts()), json!([1, 2, 0, null]));
    repo.git(["stash", "drop", "-q", "stash@{3}"]);
    assert_eq!(json!(counts()), json!([1, 1, 0, null]));
    assert_eq!(repo.listed(&repo.auth())["stashes"], Value::Null);
    let named = repo.treehop_in(&repo.auth(), ["here", "--fields", "stashes"]);
    assert_eq!(named.line(), "1");
    repo.git(["stash", "clear"]);
    assert_eq!(json!(counts()), json!([0, 0, 0, null]));
}

#[test]
fn the_last_conversation() {
    let repo = Repo::guide();
    let record = |dir: &Path, time: &str| {
        json!({"type": "user", "cwd": dir.to_str().unwrap(), "timestamp": time, "sessionId": "s"})
            .to_string()
    };
    let slug = repo
        .main
        .to_str()
        .unwrap()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let write = |id: &str, text: String| {
        repo.scratch
            .write(format!(".claude/projects/{slug}/{id}.jsonl"), text)
    };
    let title = json!({"type": "custom-title", "customTitle": "the login page", "sessionId": "s"});
    // It began in the main worktree and moved on, as `--resume` does.
    let records = [
        record(&repo.main, "2024-05-01T10:00:00.000Z"),
        title.to_string(),
        record(&repo.auth(), "2024-05-01T11:00:00.000Z"),
        String::new(),
    ];
    write("11111111-1111-4111-8111-111111111111", records.join("\n"));
    write(
        "22222222-2222-4222-8222-222222222222",
        record(&repo.main, "2024-05-01T09:00:00.000Z") + "\n{\"cut",
    );
    write("33333333-3333-4333-8333-333333333333", "garbage\n".into());
    let list = repo.treehop(["list", "--full"]).json();
    let talk = |path: &Path| worktree(&list, path)["claude"]["last"].clone();
    assert_eq!(
        talk(&repo.auth())["session_id"],
        "11111111-1111-4111-8111-111111111111"
    );
    assert_eq!(talk(&repo.auth())["title"], "the login page");
    assert_eq!(talk(&repo.auth())["updated_at"], "2024-05-01T11:00:00Z");
    assert_eq!(
        talk(&repo.main)["session_id"],
        "22222222-2222-4222-8222-222222222222"
    );
    assert_eq!(talk(&repo.fix()), Value::Null);
    assert_eq!(
        worktree(&repo.list(), &repo.auth())["claude"]["last"],
        Value::Null,
        "only with --full"
    );
}

#[test]
fn the_configuration_of_the_user_changes_nothing() {
    let repo = Repo::guide();
    let before = repo.treehop(["list"]).stdout;
    for (key, value) in [
        ("color.ui", "always"),
        ("core.quotePath", "true"),
        ("status.short", "true"),
        ("alias.worktree", "!false"),
        ("log.showSignature", "true"),
        ("core.pager", "false"),
        ("i18n.logOutputEncoding", "ISO-8859-1"),
    ] {
        repo.git(["config", "--global", key, value]);
    }
    repo.treehop(["list", "--full"]).json();
    assert_eq!(
        String::from_utf8(before).unwrap(),
        String::from_utf8(repo.treehop(["list"]).stdout).unwrap()
    );
}

#[test]
fn fields_are_raw_lines() {
    let repo = Repo::guide();
    let lines = repo
        .treehop(["list", "--fields", "branch,locked.reason,path,model"])
        .lines();
    assert_eq!(lines.len(), 16, "four for each of four: {lines:?}");
    assert_eq!(lines[..4], ["main", "", repo.main.to_str().unwrap(), ""]);
    let lines = repo.treehop_in(
        &repo.auth(),
        [
            "here",
            "--fields",
            "repo.name,worktree.name,main,cd,claude.live",
        ],
    );
    assert!(
        lines.fails(2).contains("worktree.name"),
        "an unknown field is named"
    );
    let lines = repo
        .treehop_in(
            &repo.auth(),
            ["here", "--fields", "repo.name,name,main,head"],
        )
        .lines();
    assert_eq!(lines[..3], ["bitsandbytes", "feature-auth", "false"]);
    assert_eq!(lines[3].len(), 40);
}

#[test]
fn a_table_for_eyes() {
    let repo = Repo::guide();
    let out = repo.treehop(["list", "--format", "table"]);
    out.ok();
    let text = String::from_utf8(out.stdout).unwrap();
    for branch in [
        "main",
        "feature/auth",
        "fix/issue-422",
        "experiment/new-quantizer",
    ] {
        assert!(text.contains(branch), "no {branch} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe");
}

/// A reader that has seen enough is no failure: neither the JSON, nor fields, nor a table.
#[test]
fn a_closed_pipe_is_quiet() {
    let repo = Repo::guide();
    for args in [
        "list",
        "list --fields path",
        "list --format table",
        "find --all",
        "here",
        "find auth --fields path",
    ] {
        let binary = tools::treehop().display();
        // The file says that the reader is gone before the first byte is written.
        let line = format!(
            "{{ until [ -e gone ]; do :; done; '{binary}' {args}; echo \"status $?\" >&2; }} | {{ exec <&-; : >gone; }}"
        );
        let out = repo
            .scratch
            .command(tools::program("bash"), &repo.main)
            .args(["-c", &line])
            .output()
            .unwrap();
        fs::remove_file(repo.main.join("gone")).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&out.stderr),
            "status 0\n",
            "treehop {args}"
        );
    }
}
