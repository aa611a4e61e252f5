//! The program that is run, its environment, and becoming it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use gix::bstr::BString;

use super::lock::Lock;
use crate::error::{Exit, Failure};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::{git, interrupt, places, venv};

/// What a session of Claude Code gives the programs that it runs: with these a session that is started from one would
/// take itself for a part of it, and stay out of the registry.
const PARENT: [&str; 10] = [
    "AI_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_EFFORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PID",
    "CLAUDE_PROJECT_DIR",
];

/// What the shell functions say of the worktree that the shell is in, its name first. It may be another one.
const SHELL: [&str; 3] = ["TREEHOP_WORKTREE", "TREEHOP_BRANCH", "TREEHOP_PROMPT"];

/// The program to run.
#[derive(Debug)]
pub struct Program {
    words: Vec<OsString>,
    /// What the user calls it.
    pub shown: String,
    /// Is it Claude Code, as far as its name says? Others do not know its options.
    pub claude: bool,
}

impl Program {
    /// `claude`, or what `treehop.claude` says: a program, or a command line for `sh`.
    ///
    /// # Errors
    /// It is not on PATH.
    pub fn find(set: Option<BString>) -> Result<Self> {
        let line = set.unwrap_or_else(|| "claude".into());
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+@%:,".contains(b) || *b >= 0x80;
        let first = line.split(u8::is_ascii_whitespace).find(|w| !w.is_empty());
        let first = Path::new(OsStr::from_bytes(first.unwrap_or_default()));
        let words = if line.iter().all(plain) {
            vec![on_path(OsStr::from_bytes(&line))?.into()]
        } else {
            let script = OsString::from_vec([&line[..], b" \"$@\""].concat());
            vec!["/bin/sh".into(), "-c".into(), script, "treehop".into()]
        };
        Ok(Program {
            words,
            shown: line.to_string(),
            claude: first.file_name() == Some(OsStr::new("claude")),
        })
    }

    /// The command, with the environment that it needs in `dir`, a directory of the worktree `entry`.
    pub fn command(&self, repo: &Repo, entries: &[Entry], entry: &Entry, dir: &Path) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).env("PWD", dir);
        for name in git::ELSEWHERE.iter().chain(&PARENT) {
            command.env_remove(name);
        }
        let shell_is_in = std::env::var_os(SHELL[0]).unwrap_or_default();
        if shell_is_in.as_bytes() != &entry.name[..] {
            for name in SHELL {
                command.env_remove(name);
            }
        }
        if activates(entries) {
            let names = repo.settings().venv();
            let venv = venv::find(&entry.path, &entry.git_dir, &names).path;
            venv::activate(&mut command, venv.as_deref());
            match venv {
                Some(venv) => command.env("TREEHOP_VENV", venv),
                None => command.env_remove("TREEHOP_VENV"),
            };
        }
        command
    }
}

/// Where `name` is.
fn on_path(name: &OsStr) -> Result<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Ok(name.into());
    }
    let found = name.to_str().and_then(places::program);
    found.ok_or_else(|| {
        let message = format!("{} is not on PATH", name.display());
        Failure::new(Exit::Failed, message)
            .hint("npm install -g @anthropic-ai/claude-code, or git config treehop.claude PROGRAM")
            .into()
    })
}

/// Is it treehop's to choose the virtual environment? One that the user activated stays, unless it is that of one of
/// these worktrees.
fn activates(entries: &[Entry]) -> bool {
    let active = std::env::var_os("VIRTUAL_ENV").filter(|venv| !venv.is_empty());
    let ours = |venv: &OsString| {
        std::env::var_os("TREEHOP_VENV").as_ref() == Some(venv)
            || entries
                .iter()
                .any(|entry| Path::new(venv).starts_with(&entry.path))
    };
    std::env::var_os("TREEHOP_AUTO_VENV").is_none_or(|set| set != "0")
        && active.as_ref().is_none_or(ours)
}

/// Becomes `command`, which holds the lock from then on.
///
/// # Errors
/// It cannot be run.
pub fn become_it(mut command: Command, lock: Option<Lock>, shown: &str) -> Result<()> {
    let _held = lock.map(Lock::inherited).transpose()?;
    let error = command.exec();
    Err(error).with_context(|| format!("could not run '{shown}'"))
}

/// Runs `command`, which only starts a session and returns, and holds the lock until that session, as `stands` says, is
/// known of. Ends as it did.
///
/// # Errors
/// It cannot be run.
pub fn hand_over(
    mut command: Command,
    lock: Option<Lock>,
    shown: &str,
    stands: impl Fn() -> bool,
) -> Result<()> {
    let context = || format!("could not run '{shown}'");
    interrupt::watch()?;
    let mut child = command.spawn().with_context(context)?;
    let status = interrupt::wait(&mut child).with_context(context)?;
    // Its job's file stands when it returns. Where another version comes without, an entry does soon after.
    for _ in 0..20 {
        if !status.success() || interrupt::caught().is_some() || stands() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(lock);
    interrupt::end();
    std::process::exit(status.into_raw_code())
}

/// An exit status as shells give it.
trait Code {
    fn into_raw_code(self) -> i32;
}

impl Code for std::process::ExitStatus {
    fn into_raw_code(self) -> i32 {
        self.code().or(self.signal().map(|s| 128 + s)).unwrap_or(1)
    }
}
