//! Live sessions: from entries of real processes, and from the real Claude Code, offline.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::common::tmux::{Tmux, until};
use crate::common::{self, Repo, Scratch, tools};

/// A process that lives, with an entry as Claude Code writes it.
pub struct Session {
    child: Child,
    /// Its entry.
    pub file: PathBuf,
}

impl Session {
    pub fn start(scratch: &Scratch, cwd: &Path, status: &str) -> Session {
        let mut command = scratch.command(tools::program("sleep"), Path::new("/"));
        let child = command
            .arg("600")
            .stdout(Stdio::null())
            .spawn()
            .expect("sleep runs");
        let pid = child.id();
        let file = write_entry(scratch, pid, &entry(pid, &started(pid), cwd, status));
        Session { child, file }
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Field 22 of `/proc/PID/stat`: when the process began.
fn started(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    stat.rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(19)
        .unwrap()
        .to_owned()
}

fn entry(pid: u32, started: &str, cwd: &Path, status: &str) -> Value {
    json!({
        "pid": pid, "sessionId": "11111111-1111-4111-8111-111111111111", "cwd": cwd.to_str().unwrap(),
        "startedAt": 1_714_564_800_000_u64, "procStart": started, "version": "2.1.0", "kind": "interactive",
        "entrypoint": "cli", "name": "auth feature", "nameSource": "user", "status": status,
        "waitingFor": if status == "waiting" { json!("permission prompt") } else { Value::Null },
        "statusUpdatedAt": 1_714_564_801_500_u64,
    })
}

fn write_entry(scratch: &Scratch, pid: u32, entry: &Value) -> PathBuf {
    scratch.write(format!(".claude/sessions/{pid}.json"), entry.to_string())
}

fn live(repo: &Repo, dir: &Path) -> Vec<Value> {
    repo.here(dir)["claude"]["live"].as_array().unwrap().clone()
}

#[test]
fn a_session_is_where_its_directory_is() {
    let repo = Repo::guide();
    let session = Session::start(&repo.scratch, &repo.auth().join("src"), "waiting");
    let list = repo.list();
    let auth = crate::common::treehop::worktree(&list, &repo.auth());
    let right = json!([{
        "pid": session.child.id(), "session_id": "11111111-1111-4111-8111-111111111111", "name": "auth feature",
        "kind": "interactive", "status": "waiting", "waiting_for": "permission prompt",
        "since": "2024-05-01T12:00:01.5Z", "started_at": "2024-05-01T12:00:00Z",
    }]);
    assert_eq!(auth["claude"]["live"], right);
    for other in [&repo.main, &repo.fix(), &repo.experiment()] {
        let tree = crate::common::treehop::worktree(&list, other);
        assert_eq!(tree["claude"]["live"], json!([]), "{}", other.display());
    }
}

#[test]
fn a_dead_process_is_no_session() {
    let repo = Repo::guide();
    let mut session = Session::start(&repo.scratch, &repo.auth(), "idle");
    assert_eq!(live(&repo, &repo.auth()).len(), 1);
    session.kill();
    assert!(session.file.exists(), "kill -9 leaves the entry");
    assert_eq!(live(&repo, &repo.auth()).len(), 0);
}

#[test]
fn a_number_that_another_process_has_now_is_no_session() {
    let repo = Repo::guide();
    let session = Session::start(&repo.scratch, &repo.auth(), "idle");
    let pid = session.child.id();
    write_entry(&repo.scratch, pid, &entry(pid, "1", &repo.auth(), "idle"));
    assert_eq!(live(&repo, &repo.auth()).len(), 0);
}

#[test]
fn a_session_in_a_nested_worktree_is_not_the_outer_ones() {
    let repo = Repo::guide();
    let nested = repo.worktree_at("agent/one", repo.main.join(".claude/worktrees/one"));
    let _session = Session::start(&repo.scratch, &nested.join("src"), "busy");
    assert_eq!(live(&repo, &nested).len(), 1);
    assert_eq!(live(&repo, &repo.main).len(), 0);
}

#[test]
fn a_directory_whose_name_only_begins_alike_is_another() {
    let repo = Repo::guide();
    let longer = repo.worktree_at("longer", "bitsandbytes-feature-auth-2");
    let _session = Session::start(&repo.scratch, &longer, "busy");
    assert_eq!(live(&repo, &repo.auth()).len(), 0);
    assert_eq!(live(&repo, &longer).len(), 1);
}

#[test]
fn a_session_that_came_through_a_symbolic_link() {
    let repo = Repo::guide();
    let link = repo.scratch.home.join("link");
    std::os::unix::fs::symlink(repo.auth(), &link).unwrap();
    let _session = Session::start(&repo.scratch, &link, "busy");
    assert_eq!(live(&repo, &repo.auth()).len(), 1);
}

#[test]
fn another_configuration_directory() {
    let repo = Repo::guide();
    let _session = Session::start(&repo.scratch, &repo.auth(), "busy");
    let elsewhere = repo.scratch.home.join("other-claude");
    fs::rename(repo.scratch.home.join(".claude"), &elsewhere).unwrap();
    assert_eq!(live(&repo, &repo.auth()).len(), 0);
    let env = [("CLAUDE_CONFIG_DIR", elsewhere.as_os_str())];
    let here = repo
        .scratch
        .treehop_env(&repo.auth(), ["here"], &env)
        .json();
    assert_eq!(
        here["worktree"]["claude"]["live"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn garbage_in_the_registry() {
    let repo = Repo::guide();
    let session = Session::start(&repo.scratch, &repo.auth(), "idle");
    let pid = session.child.id();
    let cwd = repo.auth();
    let sessions = repo.scratch.home.join(".claude/sessions");
    let minimal = json!({"pid": pid, "procStart": started(pid), "cwd": cwd.to_str().unwrap()});
    for (name, text) in [
        ("1.json", String::new()),
        ("2.json", "null".into()),
        ("3.json", "[]".into()),
        ("4.json", "{\"pid\": \"no\", \"cwd\": 7}".into()),
        ("5.json", "{\"pid\": -1, \"cwd\": \"/\"}".into()),
        ("6.json", format!("{{\"pid\": {pid}, \"cwd\": ")),
        ("7.json", "[".repeat(100_000)),
        ("notes.json", minimal.to_string()),
        ("8.json.tmp", minimal.to_string()),
        ("99999999999999999999.json", minimal.to_string()),
    ] {
        fs::write(sessions.join(name), text).unwrap();
    }
    fs::create_dir(sessions.join("9.json")).unwrap();
    fs::write(sessions.join("10.json"), b"\xff\xfe{}").unwrap();
    let found = live(&repo, &repo.auth());
    assert!(found.iter().all(|one| one["pid"] == pid), "{found:?}");
    assert!(!found.is_empty() && found.len() <= 2, "{found:?}");
    assert_eq!(
        repo.treehop(["list"]).json()["worktrees"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

/// What cannot be read is as if it were not there; who is root can read all but these.
#[test]
fn an_unreadable_registry() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let repo = Repo::guide();
    let _session = Session::start(&repo.scratch, &repo.auth(), "busy");
    let sessions = repo.scratch.home.join(".claude/sessions");
    fs::create_dir(sessions.join("7.json")).unwrap();
    symlink("nowhere", sessions.join("8.json")).unwrap();
    let closed = repo.scratch.write(".claude/sessions/9.json", "{}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(live(&repo, &repo.auth()).len(), 1);
    fs::rename(&sessions, repo.scratch.home.join("elsewhere")).unwrap();
    repo.scratch.write(".claude/sessions", "no folder");
    assert_eq!(live(&repo, &repo.auth()).len(), 0);
    repo.treehop(["list", "--format", "table"]).ok();
}

#[test]
fn an_entry_with_only_what_counts() {
    let repo = Repo::guide();
    let session = Session::start(&repo.scratch, &repo.auth(), "idle");
    let pid = session.child.id();
    let started: u64 = started(pid).parse().unwrap();
    let cwd = repo.auth();
    write_entry(
        &repo.scratch,
        pid,
        &json!({"pid": pid, "procStart": started, "cwd": cwd.to_str().unwrap()}),
    );
    let found = live(&repo, &repo.auth());
    assert_eq!(found.len(), 1, "a number for procStart is as good");
    assert_eq!(found[0]["status"], Value::Null);
}

#[test]
fn a_thousand_entries() {
    let repo = Repo::guide();
    let session = Session::start(&repo.scratch, &repo.auth(), "idle");
    // Numbers above any that the kernel gives out.
    for number in 0..1000 {
        let pid = 5_000_000 + number;
        write_entry(&repo.scratch, pid, &entry(pid, "1", &repo.auth(), "idle"));
    }
    let found = live(&repo, &repo.auth());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["pid"], session.child.id());
}

#[test]
fn two_sessions_in_one_worktree() {
    let repo = Repo::guide();
    let _one = Session::start(&repo.scratch, &repo.auth(), "idle");
    let _two = Session::start(&repo.scratch, &repo.auth().join("src"), "busy");
    assert_eq!(live(&repo, &repo.auth()).len(), 2);
}

/// The variables with which the real claude starts, and talks to a closed port.
pub fn offline(repo: &Repo) -> Vec<(&'static str, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    common::claude::offline(repo, &format!("http://127.0.0.1:{port}"))
}

/// The files are internal to Claude Code: this notices when they change.
#[test]
fn the_real_claude() {
    let repo = Repo::guide();
    let scratch = &repo.scratch;
    let mut env = scratch.env();
    env.extend(
        offline(&repo)
            .into_iter()
            .map(|(name, value)| (name.into(), value.into())),
    );
    let program = [scratch.bin.join("claude").into_os_string()];
    let terminal = Tmux::start(scratch, &env, &repo.auth().join("src"), (120, 40), &program);
    until(
        &format!("an entry of the session:\n{}", terminal.screen()),
        || {
            terminal.wait("a living claude", |screen| !screen.dead);
            !live(&repo, &repo.auth()).is_empty()
        },
    );
    let found = live(&repo, &repo.auth());
    assert_eq!(found.len(), 1);
    let pid = u32::try_from(found[0]["pid"].as_u64().unwrap()).unwrap();
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(found[0]["kind"], "interactive");
    assert!(
        found[0]["session_id"].is_string() && found[0]["started_at"].is_string(),
        "{found:?}"
    );
    until("its status", || {
        live(&repo, &repo.auth())[0]["status"] == "idle"
    });
    assert_eq!(live(&repo, &repo.main).len(), 0);

    let kill = scratch
        .command("kill", &repo.main)
        .args(["-9", &pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
    terminal.ended();
    let file = scratch.home.join(format!(".claude/sessions/{pid}.json"));
    assert!(file.exists(), "kill -9 leaves the entry");
    assert_eq!(live(&repo, &repo.auth()).len(), 0);
}
