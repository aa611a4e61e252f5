//! What others say: sessions, conversations, hooks, tools, remotes, git itself; and words that mean nothing to treehop.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::generator::Generator;
use super::{harmless, nothing_ran};
use crate::common::Repo;
use crate::common::treehop::Out;
use crate::counted;

/// Sets a title, turns letters round, colours and rings; no line of it is empty.
const SAID: &str = "said\x1b]0;pwned\x07\u{9b}31m\u{202e}\x1b[31m$(touch pwned)\r\x08end";

/// Neither of the two shows anything that a terminal obeys.
#[track_caller]
fn silent(out: &Out) -> &Out {
    harmless("standard error", out.stderr.as_bytes());
    harmless("standard output", &out.stdout);
    out
}

fn hook(dir: &Path, name: &str, text: &str) {
    fs::create_dir_all(dir).unwrap();
    let hook = dir.join(name);
    fs::write(&hook, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
}

/// `SAID` as a word for `printf`, for scripts, on one line.
fn said() -> String {
    let bytes = SAID.bytes().filter(|byte| *byte != b'\r');
    bytes.fold(String::new(), |text, byte| text + &format!("\\{byte:03o}"))
}

#[test]
fn sessions_and_conversations() {
    let repo = Repo::guide();
    repo.scratch.script("claude", "exit 1");
    let pid = std::process::id();
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let began = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(19)
        .unwrap()
        .to_owned();
    let entry = json!({
        "pid": pid, "procStart": began, "cwd": repo.auth(), "sessionId": SAID, "name": SAID, "kind": SAID,
        "status": SAID, "waitingFor": SAID, "statusUpdatedAt": 1_714_560_000_000_u64,
    });
    repo.scratch
        .write(format!(".claude/sessions/{pid}.json"), entry.to_string());
    let folder: String = repo
        .auth()
        .to_str()
        .unwrap()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let records = [
        json!({"type": "user", "cwd": repo.auth(), "timestamp": "2024-05-01T12:00:00Z"}),
        json!({"type": "custom-title", "customTitle": SAID}),
    ];
    repo.scratch.write(
        format!(".claude/projects/{folder}/s.jsonl"),
        records.map(|r| r.to_string()).join("\n"),
    );
    for args in [
        &["list", "--full"][..],
        &["list", "--format", "table"],
        &["find", "--all"],
        &["find", "--all", "--fields", "query,description"],
        &["find", "auth", "--format", "table"],
        &["doctor", "--format", "table"],
    ] {
        silent(&repo.treehop(args)).ok();
    }
    let list = repo.list();
    assert_eq!(
        list["worktrees"][2]["claude"]["live"][0]["name"], SAID,
        "JSON means what was said"
    );
    for args in [
        &["remove", "auth"][..],
        &["claude", "auth"],
        &["merge", "auth"],
    ] {
        assert!(silent(&repo.treehop(args)).fails(5).contains("session"));
    }
    fs::write(repo.auth().join("x"), "x").unwrap();
    silent(&repo.treehop(["remove", "-f", "auth"])).fails(5);
}

#[test]
fn tools_and_settings() {
    let repo = Repo::guide();
    for line in [
        format!("printf '{}\\n' >&2; exit 3", said()),
        format!(": '{}'; false", SAID.replace('\r', "")),
    ] {
        repo.git(["config", "treehop.setup", &line]);
        silent(&repo.treehop(["setup", "auth"])).fails(1);
    }
    repo.git(["config", "--unset", "treehop.setup"]);
    for key in [
        "treehop.venv",
        "treehop.claude",
        "treehop.path",
        "treehop.base",
        "branch.feature/auth.treehopModel",
    ] {
        repo.git(["config", key, SAID]);
        for args in [
            &["list", "--full"][..],
            &["list", "--format", "table"],
            &["here"],
            &["doctor", "--format", "table"],
        ] {
            silent(&repo.treehop(args)).ok();
        }
        for args in [&["new", "--no-setup", "x"][..], &["setup", "auth"]] {
            silent(&repo.treehop(args));
        }
        repo.git(["config", "--unset", key]);
    }
    // What `treehop.venv` names is there and not used: it is said in the shells.
    let name = ".venv\u{202e}\x1b[31m";
    let venv = repo.venv_at(&repo.auth().join(name));
    fs::set_permissions(venv, fs::Permissions::from_mode(0o777)).unwrap();
    repo.git(["config", "treehop.venv", name]);
    let refused = repo
        .treehop_in(&repo.auth(), ["here", "--fields", "venv_refused"])
        .line();
    assert!(refused.contains("another user"), "{refused}");
    harmless("why a venv is refused", refused.as_bytes());
    nothing_ran(&repo.scratch.root);
}

#[test]
fn files_that_stand_in_the_way() {
    let repo = Repo::guide();
    let file = "f\x1b[31m\u{202e}\u{9b}1m";
    repo.commit(&repo.auth(), file, "theirs\n");
    fs::write(repo.main.join(file), "mine, and nobody knows\n").unwrap();
    silent(&repo.treehop(["merge", "auth"])).fails(5);
    repo.commit(&repo.main, file, "ours\n");
    silent(&repo.treehop(["merge", "auth"])).fails(6);
    fs::write(repo.fix().join(file), "x").unwrap();
    fs::write(repo.fix().join(".gitignore"), "*\n").unwrap();
    silent(&repo.treehop(["remove", "fix-422"])).fails(5);
    silent(&repo.treehop(["remove", "-f", "fix-422"])).ok();
    silent(&repo.treehop(["undo"])).ok();
}

#[test]
fn a_remote_and_its_hooks() {
    let repo = Repo::guide();
    let origin = repo.scratch.root.join("origin.git");
    repo.git(["clone", "-q", "--bare", ".", origin.to_str().unwrap()]);
    repo.git(["remote", "add", "origin", origin.to_str().unwrap()]);
    hook(
        &origin.join("hooks"),
        "post-receive",
        &format!("printf '{}\\n' >&2", said()),
    );
    repo.commit(&repo.auth(), "a", "1\n");
    let out = repo.treehop(["pr", "auth"]);
    assert!(
        silent(&out).stderr.contains("said?]0;pwned?"),
        "{}",
        out.stderr
    );
    out.ok();
    hook(
        &origin.join("hooks"),
        "update",
        &format!("printf '{}\\n' >&2; exit 1", said()),
    );
    repo.commit(&repo.auth(), "a", "2\n");
    silent(&repo.treehop(["pr", "auth"])).fails(1);
    // The request that is open already, by what gh says.
    fs::remove_file(origin.join("hooks/update")).unwrap();
    repo.git(["config", "remote.origin.treehopForge", "github"]);
    let request = json!({"url": format!("https://x/{SAID}"), "state": "OPEN"}).to_string();
    repo.scratch
        .script("gh", &format!("cat <<'END'\n{request}\nEND"));
    silent(&repo.treehop(["pr", "auth"])).ok();
    // The subject of a commit that git checks out, in a terminal.
    repo.git_in(&repo.auth(), ["commit", "-q", "--allow-empty", "-m", SAID]);
    let line = format!(
        "'{}' new far --base feature/auth",
        crate::common::tools::treehop().display()
    );
    let script = crate::common::tools::program("script");
    let out = repo
        .scratch
        .command(script, &repo.main)
        .args(["-qec", &line, "/dev/null"])
        .output()
        .unwrap();
    assert!(out.status.success());
    harmless(
        "a terminal",
        &out.stdout
            .into_iter()
            .filter(|byte| *byte != b'\r')
            .collect::<Vec<_>>(),
    );
}

/// Words that no command can do anything with: one clear failure, and nothing else.
#[test]
fn words_on_every_command_line() {
    const COMMANDS: [&[&str]; 26] = [
        &["list", "--fields"],
        &["find"],
        &["find", "--all"],
        &["find", "--fields"],
        &["find", "--tab"],
        &["here", "--fields"],
        &["here", "-C"],
        &["new", "--base"],
        &["new", "--no-setup", "x", "--fork"],
        &["new", "--detach"],
        &["new", "--pr"],
        &["setup"],
        &["claude"],
        &["claude", "--fork"],
        &["remove"],
        &["remove", "-f"],
        &["undo"],
        &["merge"],
        &["merge", "--into"],
        &["merge", "auth", "--into"],
        &["pr"],
        &["pr", "--remote"],
        &["prune", "--fields"],
        &["hook"],
        &["init"],
        &["install"],
    ];
    let repo = Repo::guide();
    let mut names = Generator::new(7);
    for number in 0..8 {
        for command in COMMANDS {
            let text = names.directory(number);
            let words = command.iter().map(std::ffi::OsStr::new);
            let out = repo.treehop(words.chain([text.as_os_str()]));
            silent(&out);
            out.expect(
                matches!(out.status, Some(1..=5)),
                "a failure with a meaning",
            );
            out.expect(
                out.stdout.is_empty() && out.stderr.contains("treehop: "),
                "a failure says so",
            );
        }
    }
    let list = repo.list();
    assert_eq!(
        list["worktrees"].as_array().unwrap().len(),
        4,
        "nothing was made or removed"
    );
    nothing_ran(&repo.scratch.root);
    counted("names tried", 8 * COMMANDS.len());
}
