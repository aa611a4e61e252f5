//! Runs the binary and reads what it says.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde_json::Value;

use super::{Repo, Scratch, schema, tools};

/// What one run printed, and how it ended.
pub struct Out {
    args: Vec<OsString>,
    /// `None`: a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Scratch {
    /// Runs treehop in `dir`.
    pub fn treehop<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> Out {
        self.treehop_env(dir, args, &[])
    }

    /// The same with more in the environment.
    pub fn treehop_env<A: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
        env: &[(&str, &OsStr)],
    ) -> Out {
        let args: Vec<OsString> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        let mut command = self.command(tools::treehop(), dir);
        let out = command
            .args(&args)
            .envs(env.iter().copied())
            .output()
            .expect("treehop runs");
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        Out {
            args,
            status: out.status.code(),
            stdout: out.stdout,
            stderr,
        }
    }
}

impl Repo {
    /// Runs treehop in the main worktree.
    pub fn treehop<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Out {
        self.scratch.treehop(&self.main, args)
    }

    /// Runs treehop in `dir`.
    pub fn treehop_in<A: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Out {
        self.scratch.treehop(dir, args)
    }

    /// `treehop list` in the main worktree, validated.
    pub fn list(&self) -> Value {
        self.treehop(["list"]).json()
    }

    /// The one worktree of `treehop list` at that path.
    pub fn listed(&self, path: &Path) -> Value {
        worktree(&self.list(), path)
    }

    /// `treehop here` in `dir`, validated; the worktree only.
    pub fn here(&self, dir: &Path) -> Value {
        self.treehop_in(dir, ["here"]).json()["worktree"].take()
    }
}

/// The worktree at `path` in the document of `treehop list`.
pub fn worktree(list: &Value, path: &Path) -> Value {
    let all = list["worktrees"].as_array().expect("worktrees");
    let found = all
        .iter()
        .find(|w| w["path"].as_str().map(Path::new) == Some(path));
    found
        .unwrap_or_else(|| panic!("no {} in {list:#}", path.display()))
        .clone()
}

impl Out {
    /// Fails the test with all that is known.
    #[track_caller]
    pub fn expect(&self, right: bool, what: &str) -> &Self {
        let text = String::from_utf8_lossy(&self.stdout);
        assert!(
            right,
            "{what}\ntreehop {:?} ended with {:?}\n{text}\n{}",
            self.args, self.status, self.stderr
        );
        self
    }

    /// It must have ended well.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        self.expect(self.status == Some(0), "expected status 0")
    }

    /// The document, valid in the eyes of the schema.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.ok();
        let value: Value = serde_json::from_slice(&self.stdout).unwrap_or_default();
        self.expect(!value.is_null(), "expected one JSON document");
        self.expect(self.stdout.ends_with(b"\n"), "expected a final newline");
        let has = |word: &str| self.args.iter().any(|a| a == word);
        let kind = match () {
            () if has("--all") => "matches",
            () if has("--candidates") => "candidates",
            () if has("--list") => "snapshots",
            () if has("list") => "list",
            () if has("find") || has("here") => "found",
            () if has("merge") => "merge",
            () if has("install") => "install",
            () if has("doctor") => "doctor",
            () if has("new") => "new",
            () if has("setup") => "setup",
            () if has("remove") => "remove",
            () if has("undo") => "undo",
            () if has("prune") => "prune",
            () if has("pr") => "pr",
            () => panic!("which schema has {:?}?", self.args),
        };
        if let Err(why) = schema::check(kind, &value) {
            self.expect(false, &why);
        }
        value
    }

    /// It must have failed with `status`, in the form that people and scripts rely on. Gives standard error.
    #[track_caller]
    pub fn fails(&self, status: i32) -> &str {
        self.expect(
            self.status == Some(status),
            &format!("expected status {status}"),
        );
        self.expect(
            self.stdout.is_empty(),
            "a failure prints nothing on standard output",
        );
        self.expect(
            // Git and its hooks may have said something before.
            self.stderr.starts_with("treehop: ") || self.stderr.contains("\ntreehop: "),
            "a failure says `treehop: `",
        );
        &self.stderr
    }

    /// The lines of `--fields`.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        self.ok();
        let text = String::from_utf8(self.stdout.clone()).expect("UTF-8");
        self.expect(text.ends_with('\n'), "the last value ends with a newline");
        text[..text.len() - 1]
            .split('\n')
            .map(str::to_owned)
            .collect()
    }

    /// The only line of `--fields`.
    #[track_caller]
    pub fn line(&self) -> String {
        let mut lines = self.lines();
        self.expect(lines.len() == 1, "expected one line");
        lines.remove(0)
    }
}
