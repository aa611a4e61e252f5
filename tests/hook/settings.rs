//! `treehop install claude`

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::common::treehop::Out;
use super::common::{Repo, Scratch};

fn settings(scratch: &Scratch) -> PathBuf {
    scratch.home.join(".claude/settings.json")
}

fn install(scratch: &Scratch, args: &[&str]) -> Out {
    let args = ["install", "claude"].iter().chain(args);
    scratch.treehop(&scratch.home, args)
}

fn action(scratch: &Scratch, args: &[&str]) -> Value {
    install(scratch, args).json()["claude"]["action"].clone()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// What runs `treehop WORDS`, for a treehop on PATH.
fn command(scratch: &Scratch, words: &str) -> String {
    format!("{} {words}", scratch.bin.join("treehop").display())
}

fn group(scratch: &Scratch, words: &str) -> Value {
    json!({"hooks": [{"type": "command", "command": command(scratch, words), "timeout": 600}]})
}

#[test]
fn a_first_file_is_written_and_taken_away_again() {
    let scratch = &Scratch::new();
    let file = settings(scratch);
    let dry = install(scratch, &["--dry-run"]);
    assert_eq!(dry.json()["claude"]["action"], "added");
    assert!(
        dry.stderr.contains("+    \"WorktreeCreate\": ["),
        "{}",
        dry.stderr
    );
    assert!(!file.exists());
    let done = install(scratch, &[]).json();
    let path = file.to_str().unwrap();
    let right = json!({"file": path, "action": "added", "status_line": true});
    assert_eq!(done["claude"], right);
    assert_eq!(done["shells"], json!([]));
    let right = json!({
        "hooks": {
            "WorktreeCreate": [group(scratch, "hook worktree-create")],
            "WorktreeRemove": [group(scratch, "hook worktree-remove")],
        },
        "statusLine": {"type": "command", "command": command(scratch, "statusline")},
    });
    assert_eq!(read(&file), right);
    let text = fs::read(&file).unwrap();
    assert_eq!(action(scratch, &[]), "unchanged");
    assert_eq!(fs::read(&file).unwrap(), text);
    assert_eq!(action(scratch, &["--uninstall", "--dry-run"]), "removed");
    assert_eq!(action(scratch, &["--uninstall"]), "removed");
    assert!(!file.exists());
    assert_eq!(action(scratch, &["--uninstall"]), "absent");
    assert!(!file.exists());
}

/// Order, form, unknown keys, other hooks and the user's own status line.
#[test]
fn what_the_user_has_keeps_every_byte() {
    for (before, status_line) in [
        ("{}", true),
        ("{\"z\":1,\"a\":[1.50,\"\\u00e4\"]}", true),
        (
            "{\n    \"permissions\": { \"allow\": [\"Bash(ls)\"] },\n    \"statusLine\": {\"type\": \"command\", \"command\": \"mine\"},\n    \
             \"hooks\": {\n        \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}],\n        \
             \"WorktreeCreate\": [\n            {\"hooks\": [{\"type\": \"command\", \"command\": \"theirs\"}]}\n        ]\n    },\n    \"x\": null\n}",
            false,
        ),
    ] {
        let scratch = &Scratch::new();
        let file = scratch.write(".claude/settings.json", before);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let done = install(scratch, &[]);
        assert_eq!(done.json()["claude"]["status_line"], status_line);
        let said = |words: &str| done.stderr.contains(words);
        assert_eq!(
            said("your own status line stays"),
            !status_line,
            "{}",
            done.stderr
        );
        assert_eq!(
            said("Claude Code runs both"),
            before.contains("theirs"),
            "{}",
            done.stderr
        );
        let mut after = read(&file);
        let create = after["hooks"]["WorktreeCreate"].as_array().unwrap();
        assert_eq!(create.last(), Some(&group(scratch, "hook worktree-create")));
        let old: Value = serde_json::from_str(before).unwrap();
        for (key, value) in old.as_object().unwrap() {
            if key == "hooks" {
                assert_eq!(after["hooks"]["Stop"], value["Stop"]);
                assert_eq!(
                    after["hooks"]["WorktreeCreate"][0],
                    value["WorktreeCreate"][0]
                );
            } else {
                assert_eq!(after[key].take(), *value);
            }
        }
        assert_eq!(action(scratch, &[]), "unchanged");
        assert_eq!(action(scratch, &["--uninstall"]), "removed");
        if before == "{}" {
            assert!(!file.exists());
        } else {
            assert_eq!(fs::read_to_string(&file).unwrap(), before);
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn what_the_user_has_moved_is_found() {
    let scratch = &Scratch::new();
    let create = command(scratch, "hook worktree-create --wait 60");
    let theirs = json!({"type": "command", "command": "theirs"});
    let moved = json!({"hooks": {
        "WorktreeCreate": [{"hooks": [theirs]}, {"matcher": "", "hooks": [theirs, {"type": "command", "command": create}, theirs]}],
        "WorktreeRemove": [{"hooks": [{"type": "command", "command": "/old/bin/treehop hook worktree-remove"}]}],
    }});
    let file = scratch.write(".claude/settings.json", moved.to_string());
    assert_eq!(action(scratch, &[]), "updated");
    let after = read(&file);
    assert_eq!(
        after["hooks"]["WorktreeCreate"], moved["hooks"]["WorktreeCreate"],
        "with its option"
    );
    let remove = &after["hooks"]["WorktreeRemove"][0]["hooks"][0]["command"];
    assert_eq!(*remove, command(scratch, "hook worktree-remove"));
    assert_eq!(action(scratch, &["--uninstall"]), "removed");
    let right = json!({"hooks": {"WorktreeCreate": [{"hooks": [theirs]}, {"matcher": "", "hooks": [theirs, theirs]}]}});
    assert_eq!(read(&file), right);
}

#[test]
fn a_broken_file_is_left_alone() {
    let scratch = &Scratch::new();
    for (text, why) in [
        (&b"{\n  \"a\": 1,\n}\n"[..], "line 3"),
        (b"// mine\n{}", "line 1"),
        (b"[]", "no JSON object"),
        (b"{} {}", "line 1"),
        (b"{\"hooks\": []}", "'hooks' is no object"),
        (
            b"{\"hooks\": {\"WorktreeRemove\": {}}}",
            "'hooks.WorktreeRemove' is no array",
        ),
        (b"{\"a\": \"\xff\"}", "utf-8"),
    ] {
        let file = scratch.write(".claude/settings.json", text);
        for args in [&[][..], &["--dry-run"], &["--uninstall"]] {
            let out = install(scratch, args);
            let said = out.fails(1);
            assert!(
                said.contains("was left as it is") && said.contains(why),
                "{said}"
            );
            assert_eq!(fs::read(&file).unwrap(), text);
        }
    }
    let doctor = scratch
        .treehop(&scratch.home, ["doctor"])
        .json()
        .to_string();
    assert!(doctor.contains("was left as it is"), "{doctor}");
}

#[test]
fn another_folder_and_a_projects_own() {
    let repo = Repo::guide();
    let scratch = &repo.scratch;
    let elsewhere = scratch.home.join("other claude");
    let env = [("CLAUDE_CONFIG_DIR", elsewhere.as_os_str())];
    scratch
        .treehop_env(&repo.main, ["install", "claude"], &env)
        .ok();
    assert!(elsewhere.join("settings.json").exists());

    let project = ["install", "claude", "--project"];
    repo.treehop_in(&repo.auth().join("src"), project).ok();
    let file = repo.auth().join(".claude/settings.json");
    let command = &read(&file)["statusLine"]["command"];
    assert_eq!(*command, "treehop statusline", "it is for others, too");
    repo.scratch.treehop(&scratch.home, project).fails(3);
    repo.treehop(["install", "bash", "--project"]).fails(2);
    assert!(!settings(scratch).exists());
}

#[test]
fn who_takes_out_the_shells_hears_of_claude() {
    let scratch = &Scratch::new();
    let both = ["install", "bash", "claude"];
    let done = scratch.treehop(&scratch.home, both).json();
    assert_eq!(done["shells"][0]["shell"], "bash");
    assert_eq!(done["claude"]["action"], "added");
    let out = scratch.treehop(&scratch.home, ["install", "--uninstall"]);
    assert!(
        out.ok()
            .stderr
            .contains("treehop install claude --uninstall"),
        "{}",
        out.stderr
    );
    assert!(settings(scratch).exists());
    action(scratch, &["--uninstall"]);
    let out = scratch.treehop(&scratch.home, ["install", "--uninstall"]);
    assert!(!out.ok().stderr.contains("claude"), "{}", out.stderr);
}

#[test]
fn doctor_says_whether_it_is_installed() {
    let scratch = &Scratch::new();
    let check = || {
        let checks = scratch.treehop(&scratch.home, ["doctor"]).json();
        let checks = checks["checks"].as_array().unwrap().clone();
        checks
            .into_iter()
            .find(|check| check["name"] == "claude hooks")
    };
    assert_eq!(check(), None, "there is no claude");
    scratch.script("claude", "true");
    assert_eq!(check().unwrap()["fix"], "treehop install claude");
    install(scratch, &[]).ok();
    let installed = check().unwrap();
    assert_eq!(
        (&installed["status"], &installed["fix"]),
        (&json!("ok"), &Value::Null)
    );
    let file = settings(scratch);
    let text = fs::read_to_string(&file).unwrap();
    let bin = scratch.bin.to_str().unwrap();
    fs::write(&file, text.replace(bin, "/old/bin")).unwrap();
    assert_eq!(check().unwrap()["status"], "warn");
}
