//! A repository with something of everything, the commands that are run in it, and the judges.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::{Value, json};

use crate::common::{Repo, schema, tools};
use crate::counted;

/// A command of treehop.
pub struct Order {
    pub name: &'static str,
    args: &'static [&'static str],
    /// In the worktree of feature/auth, else in the main one.
    in_auth: bool,
    /// Claude Code's document, for what it calls.
    fed: bool,
    /// What the schema calls its document; None: it prints something else.
    kind: Option<&'static str>,
    /// Does it change the repository?
    pub changes: bool,
}

const fn reading(
    name: &'static str,
    args: &'static [&'static str],
    kind: Option<&'static str>,
) -> Order {
    Order {
        name,
        args,
        in_auth: true,
        fed: false,
        kind,
        changes: false,
    }
}

const fn changing(
    name: &'static str,
    args: &'static [&'static str],
    kind: Option<&'static str>,
) -> Order {
    Order {
        in_auth: false,
        changes: true,
        ..reading(name, args, kind)
    }
}

/// All of them, those that only read first.
pub const ORDERS: [Order; 19] = [
    reading("list", &["list"], Some("list")),
    reading("list --full", &["list", "--full"], Some("list")),
    reading("list --format table", &["list", "--format=table"], None),
    reading("find", &["find", "422"], Some("found")),
    reading("find --all", &["find", "--all"], Some("matches")),
    reading("here", &["here"], Some("found")),
    reading("undo --list", &["undo", "--list"], Some("snapshots")),
    Order {
        fed: true,
        ..reading("statusline", &["statusline"], None)
    },
    reading("doctor", &["doctor"], Some("doctor")),
    reading(
        "install --dry-run",
        &["install", "--dry-run", "bash"],
        Some("install"),
    ),
    reading("claude", &["claude", "auth"], None),
    changing("new", &["new", "fresh", "--no-setup"], Some("new")),
    changing("setup", &["setup", "auth"], Some("setup")),
    changing("remove -f", &["remove", "-f", "422"], Some("remove")),
    changing("undo", &["undo", "old"], Some("undo")),
    changing("pr", &["pr", "auth"], Some("pr")),
    changing("merge", &["merge", "auth"], Some("merge")),
    changing("prune", &["prune"], Some("prune")),
    Order {
        fed: true,
        ..changing("hook", &["hook", "worktree-create"], None)
    },
];

/// How treehop is started: behind which program, and with what in its environment (None: without).
#[derive(Clone, Default)]
pub struct How {
    pub behind: Vec<OsString>,
    pub env: Vec<(&'static str, Option<OsString>)>,
    /// In this directory instead of the command's own.
    pub dir: Option<PathBuf>,
}

impl How {
    /// Behind `words`.
    pub fn behind(words: impl IntoIterator<Item = impl Into<OsString>>) -> How {
        How {
            behind: words.into_iter().map(Into::into).collect(),
            ..How::default()
        }
    }

    /// With a variable, or without.
    pub fn with(name: &'static str, value: Option<OsString>) -> How {
        How {
            env: vec![(name, value)],
            ..How::default()
        }
    }
}

/// The branches main and feature/auth (one commit ahead), fix/issue-422 with changes, `old` that was removed with changes,
/// `gone` whose directory is gone, and a remote.
pub struct Place {
    pub repo: Repo,
    pub auth: PathBuf,
    pub fix: PathBuf,
    old: PathBuf,
}

impl Place {
    pub fn new() -> Place {
        let repo = Repo::new();
        let origin = repo.scratch.root.join("origin.git");
        let origin = origin.to_str().unwrap();
        repo.git(["clone", "-q", "--bare", ".", origin]);
        repo.git(["remote", "add", "origin", origin]);
        let auth = repo.worktree("feature/auth");
        repo.commit(&auth, "auth.py", "one\n");
        let old = repo.worktree("old");
        fs::write(old.join("kept"), "what was removed\n").unwrap();
        repo.treehop(["remove", "-f", "old"]).json();
        let gone = repo.worktree("gone");
        fs::remove_dir_all(gone).unwrap();
        let fix = repo.worktree_at("fix/issue-422", "bitsandbytes-fix-422");
        fs::write(fix.join("staged"), "only in the index\n").unwrap();
        repo.git_in(&fix, ["add", "staged"]);
        fs::write(fix.join("src/server.py"), "changed\n").unwrap();
        fs::write(fix.join("untracked"), "new\n").unwrap();
        repo.scratch.script("claude", "exit 0");
        Place {
            repo,
            auth,
            fix,
            old,
        }
    }

    /// The git directory that all worktrees share.
    pub fn git_dir(&self) -> PathBuf {
        self.repo.main.join(".git")
    }

    /// The command, not started yet.
    pub fn command(&self, order: &Order, how: &How) -> Command {
        let dir = if order.in_auth {
            &self.auth
        } else {
            &self.repo.main
        };
        let dir = how.dir.as_ref().unwrap_or(dir);
        let treehop = tools::treehop().as_os_str().to_owned();
        let mut words = how.behind.iter().cloned().chain([treehop]);
        let mut command = self.repo.scratch.command(words.next().unwrap(), dir);
        command.args(words).args(order.args);
        for (name, value) in &how.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, order: &Order, how: &How) -> Run {
        let mut command = self.command(order, how);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if order.fed {
            let fed = json!({"cwd": self.repo.main, "name": "asked", "hook_event_name": "WorktreeCreate"});
            // Who does not read it has failed before.
            let _ = stdin.write_all(fed.to_string().as_bytes());
        }
        drop(stdin);
        let out = child.wait_with_output().unwrap();
        Run {
            status: out.status,
            stdout: out.stdout,
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// All files of the worktrees, and all of git's but its objects and what treehop notes for itself.
    pub fn state(&self) -> State {
        let mut files = BTreeMap::new();
        let git = self.git_dir();
        let not = [git.join("objects"), git.join("treehop"), git.join("hooks")];
        read(self.repo.main.parent().unwrap(), &not, &mut files);
        State(files)
    }

    fn git(&self, args: &[&str]) -> String {
        self.repo.git(args)
    }

    /// Git calls it sound; every commit that a branch had is there; what was not committed is there or comes back.
    #[track_caller]
    pub fn nothing_lost(&self, before: &State, told: &str) {
        let (good, said) = self.fsck();
        assert!(good, "{told}: git fsck says\n{said}");
        let commits = self.git(&["rev-list", "--all"]);
        for (file, tip) in &before.0 {
            let tip = String::from_utf8_lossy(tip);
            let is_tip = tip.len() == 41 && file.starts_with(self.git_dir().join("refs/heads"));
            assert!(
                !is_tip || commits.contains(tip.trim()),
                "{told}: lost {}",
                file.display()
            );
        }
        for (dir, name) in [(&self.auth, "auth"), (&self.fix, "422")] {
            if !dir.exists() {
                self.repo.treehop(["undo", name]).json();
            }
            before.of(dir).same(&self.state().of(dir), told);
        }
        let snapshots = self.git(&["for-each-ref", "refs/treehop/removed/"]);
        assert!(
            self.old.join("kept").exists() || snapshots.contains("/old-"),
            "{told}: what was removed cannot be brought back"
        );
        counted("lost", 0);
    }

    fn fsck(&self) -> (bool, String) {
        let mut git = self
            .repo
            .scratch
            .command(tools::program("git"), &self.repo.main);
        let out = git
            .args(["fsck", "--no-progress", "--no-dangling"])
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        (
            out.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// These do what they are for.
    #[track_caller]
    pub fn work(&self, orders: &[&Order], told: &str) {
        for order in orders {
            let run = self.run(order, &How::default());
            let told = format!("{told}, lifted, treehop {}", order.name);
            run.judge(order, &told);
            run.expect(run.status.success(), &told, "expected status 0");
        }
    }
}

/// What files hold, or where links lead.
#[derive(Clone)]
pub struct State(BTreeMap<PathBuf, Vec<u8>>);

fn read(dir: &Path, not: &[PathBuf], files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if not.contains(&path) {
        } else if kind.is_dir() {
            // Git makes and takes away empty ones as it likes.
            if !path.components().any(|part| part.as_os_str() == ".git") {
                files.insert(path.clone(), b"directory".to_vec());
            }
            read(&path, not, files);
        } else if kind.is_symlink() {
            let to = fs::read_link(&path).unwrap_or_default();
            files.insert(path, to.as_os_str().as_bytes().to_vec());
        } else if kind.is_file() {
            let content = fs::read(&path).unwrap_or_else(|e| e.to_string().into());
            files.insert(path, content);
        }
    }
}

impl State {
    /// What is in `dir`, but the lock files that stay.
    fn of(&self, dir: &Path) -> State {
        let files = self.0.iter().filter(|(file, _)| file.starts_with(dir));
        State(
            files
                .map(|(file, text)| (file.clone(), text.clone()))
                .collect(),
        )
    }

    /// Fails where anything differs.
    #[track_caller]
    pub fn same(&self, other: &State, told: &str) {
        let mut said = String::new();
        let names = self.0.keys().chain(other.0.keys());
        for name in names {
            // A lock that nobody holds says nothing, nor does where git was about to go from.
            let idle = ["treehop-claude.lock", "ORIG_HEAD"]
                .iter()
                .any(|file| name.ends_with(file));
            if idle || self.0.get(name) == other.0.get(name) {
                continue;
            }
            let text = |state: &State| {
                let text = state.0.get(name);
                text.map(|text| String::from_utf8_lossy(text).into_owned())
            };
            let (ours, theirs) = (text(self), text(other));
            let _ = writeln!(said, "{}: {ours:?}, before {theirs:?}", name.display());
        }
        assert!(said.is_empty(), "{told} changed something:\n{said}");
    }
}

/// How a command ended.
pub struct Run {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    /// Fails with all that is known.
    #[track_caller]
    pub fn expect(&self, right: bool, told: &str, what: &str) {
        let text = String::from_utf8_lossy(&self.stdout);
        assert!(
            right,
            "{told}: {what}\n{:?}\n{text}\n{}",
            self.status, self.stderr
        );
    }

    /// It ended in the way that people and scripts rely on.
    #[track_caller]
    pub fn judge(&self, order: &Order, told: &str) {
        let says = |what: &str| self.stderr.contains(what);
        let raw = [
            "panicked",
            "RUST_BACKTRACE",
            "Os {",
            "Error(",
            "Some(",
            "\": No such",
        ];
        self.expect(
            !raw.iter().any(|raw| says(raw)),
            told,
            "what no person reads",
        );
        match self.status.code() {
            Some(0) => self.is_document(order, told),
            Some(1..=6) => {
                self.expect(self.stdout.is_empty(), told, "a failure that prints");
                let own = |line: &&str| line.starts_with("treehop: ");
                let all = self.stderr.lines().filter(own).count();
                self.expect(all >= 1, told, "no line of treehop's own");
                let last = self.stderr.lines().rfind(own).unwrap_or("");
                let words = last.trim_start_matches("treehop: ").trim_end_matches(": ");
                self.expect(words.contains(' ') && words.len() > 8, told, "no words");
                // These two run git as people do, and it speaks for itself.
                let loud = ["pr", "merge"].contains(&order.name);
                let most = if loud { 12 } else { 6 };
                self.expect(self.stderr.lines().count() <= most, told, "too many words");
            }
            _ => self.expect(false, told, "a status that has no meaning"),
        }
    }

    fn is_document(&self, order: &Order, told: &str) {
        let Some(kind) = order.kind else {
            let claude = order.name == "claude";
            self.expect(claude || self.stdout.ends_with(b"\n"), told, "no line");
            return;
        };
        let value: Value = serde_json::from_slice(&self.stdout).unwrap_or_default();
        if let Err(why) = schema::check(kind, &value) {
            self.expect(false, told, &why);
        }
    }
}
