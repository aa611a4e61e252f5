//! What Claude Code calls treehop for: hooks and the status line, by hand and by the real program, and the settings that
//! say so.

#[path = "../it/common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with tests/it")]
mod common;

mod create;
mod real;
mod remove;
mod settings;
mod statusline;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use common::{Repo, Scratch, tools};

/// How a run ended, and what it printed.
struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// The one line that it printed.
    #[track_caller]
    fn line(&self) -> &str {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        let line = self.stdout.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "{line}");
        line
    }

    /// What it said when it failed, in the way that Claude Code understands.
    #[track_caller]
    fn fails(&self) -> &str {
        let out = (self.status, self.stdout.as_str());
        assert_eq!(out, (Some(1), ""), "{}", self.stderr);
        assert!(self.stderr.contains("treehop: "), "{}", self.stderr);
        &self.stderr
    }
}

/// Starts treehop with that on standard input.
fn start(command: &mut Command, input: impl AsRef<[u8]>) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who does not read it has failed before.
    let _ = stdin.write_all(input.as_ref());
    child
}

fn end(child: Child) -> Run {
    let out = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run {
        status: out.status.code(),
        stdout: text(&out.stdout),
        stderr: text(&out.stderr),
    }
}

/// `treehop ARGS`, somewhere else than where the worktrees are.
fn treehop(scratch: &Scratch, args: &[&str]) -> Command {
    let mut command = scratch.command(tools::treehop(), &scratch.root);
    command.args(args);
    command
}

/// Runs it with that on standard input.
fn feed(scratch: &Scratch, args: &[&str], input: impl AsRef<[u8]>) -> Run {
    end(start(&mut treehop(scratch, args), input))
}

const SESSION: &str = "8be2f46a-dcc6-456e-88fb-a9625a894af1";

/// As Claude Code 2.1.197 asks for a worktree.
fn asked(cwd: &Path, name: &str) -> String {
    json!({
        "session_id": SESSION, "transcript_path": "/nowhere/x.jsonl", "cwd": cwd.to_str().unwrap(),
        "hook_event_name": "WorktreeCreate", "name": name,
    })
    .to_string()
}

fn create(repo: &Repo, cwd: &Path, name: &str) -> Run {
    let asked = asked(cwd, name);
    feed(&repo.scratch, &["hook", "worktree-create"], asked)
}

/// A process that stands for a session of Claude Code.
struct Session(Child);

impl Session {
    /// One that lives, and that no registry knows.
    fn start(scratch: &Scratch) -> Session {
        let mut sleep = scratch.command(tools::program("sleep"), Path::new("/"));
        Session(sleep.arg("600").stdout(Stdio::null()).spawn().unwrap())
    }

    /// Writes its entry.
    fn register(self, scratch: &Scratch, id: &str, cwd: &Path) -> Session {
        let pid = self.0.id();
        let entry = json!({
            "pid": pid, "sessionId": id, "cwd": cwd.to_str().unwrap(), "procStart": self.began(), "kind": "interactive",
        });
        scratch.write(format!(".claude/sessions/{pid}.json"), entry.to_string());
        self
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// Field 22 of `/proc/PID/stat`.
    fn began(&self) -> String {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(19).unwrap().to_owned()
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A repository with a file that is to be copied, and a set-up that leaves a mark.
fn with_setup() -> Repo {
    let repo = Repo::guide();
    repo.commit(&repo.main, ".worktreeinclude", ".env\n");
    repo.commit(&repo.main, ".gitignore", ".env\nset-up\n");
    repo.scratch.write(repo.main.join(".env"), "SECRET=1\n");
    repo.git(["config", "treehop.setup", "echo once >>set-up"]);
    repo
}

/// What the set-up has left there.
fn set_up(worktree: &Path) -> String {
    fs::read_to_string(worktree.join("set-up")).unwrap_or_default()
}

fn branch(repo: &Repo, worktree: &Path) -> Value {
    repo.listed(worktree)["branch"].clone()
}

fn git_dir(repo: &Repo, worktree: &Path) -> PathBuf {
    repo.git_in(worktree, ["rev-parse", "--absolute-git-dir"])
        .into()
}
