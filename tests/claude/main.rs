//! `treehop claude`: with the real Claude Code, offline, and with stand-ins where that cannot show what is to be seen.

#[path = "../it/common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with tests/it")]
mod common;

mod real;
mod server;
mod stand_in;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use common::{Repo, tools};

const REFUSED: i32 = 5;

/// The layout of the guide, and more in the environment.
struct World {
    repo: Repo,
    env: Vec<(OsString, OsString)>,
}

impl World {
    fn new() -> World {
        World {
            repo: Repo::guide(),
            env: vec![],
        }
    }

    /// `treehop claude ARGS` in `dir`, not yet started.
    fn claude<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.repo.scratch.command(tools::treehop(), dir);
        command.arg("claude").args(args).envs(self.env.clone());
        command
    }

    /// The same, run to its end.
    fn run<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> Run {
        Run::of(&self.claude(dir, args).output().expect("treehop runs"))
    }

    /// Starts it and lets it run.
    fn start<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> Running {
        let mut command = self.claude(dir, args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().expect("treehop runs"))
    }

    /// The live sessions that `list` has for the worktree at `path`; the document is validated.
    fn live(&self, path: &Path) -> Vec<Value> {
        let tree = self.repo.listed(path);
        tree["claude"]["live"].as_array().unwrap().clone()
    }

    fn sessions(&self) -> PathBuf {
        self.repo.scratch.home.join(".claude/sessions")
    }

    /// A process that is no claude, with an entry that says that it is one, in `cwd`.
    fn entry(&self, cwd: &Path, status: &str) -> Running {
        let mut sleep = Command::new(tools::program("sleep"));
        let child = sleep.arg("600").stdin(Stdio::null()).spawn();
        let running = Running(child.expect("sleep runs"));
        let pid = running.0.id();
        let entry = json!({
            "pid": pid, "sessionId": "11111111-1111-4111-8111-111111111111", "cwd": cwd.to_str().unwrap(),
            "startedAt": 1_714_564_800_000_u64, "procStart": began(pid), "kind": "interactive",
            "name": "the talk", "status": status, "statusUpdatedAt": 1_714_564_801_500_u64,
        });
        let file = format!(".claude/sessions/{pid}.json");
        self.repo.scratch.write(file, entry.to_string());
        running
    }
}

/// Field 22 of `/proc/PID/stat`: when the process began.
fn began(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().nth(19).unwrap().to_owned()
}

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("reaped");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was printed, and how it ended.
#[derive(Debug)]
struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(out: &Output) -> Run {
        Run {
            status: out.status.code(),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn ok(self) -> Run {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    /// It failed with `status`, as DESIGN says, and said all of `words`.
    #[track_caller]
    fn fails(self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.starts_with("treehop: "), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:?}");
        }
    }
}
