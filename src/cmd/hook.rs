//! `treehop hook`: Claude Code asks treehop to make and to remove its worktrees.
//!
//! `claude --worktree NAME` gets the worktree that `wnew NAME` makes, or the one that there is. Two sessions never get the
//! same: the registry knows a session only once the hook has answered, so until then a claim stands in the worktree's git
//! directory, which holds for as long as the process that it names lives and is in no registry.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gix::bstr::BString;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::claude::{self, Session};
use crate::cli::{self, Event};
use crate::cmd::new;
use crate::error::{Exit, Failure};
use crate::git::{ELSEWHERE, Git};
use crate::removal::{Surroundings, restoring, trash};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::setup::{self, Extent};
use crate::{interrupt, known, output};

/// More than any of Claude Code's documents.
const LONGEST: u64 = 16 * 1024 * 1024;
/// How long a worktree that somebody else is making may take to be whole.
const WHOLE: Duration = Duration::from_secs(30);
/// What may stand between Claude Code and its hook.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"];

/// Runs `treehop hook`.
pub fn run(args: &cli::Hook) -> Result<()> {
    let asked = input();
    let done = match args.event {
        Event::WorktreeCreate => create(&asked, Duration::from_secs(args.wait)),
        Event::WorktreeRemove => remove(&asked),
    };
    // Claude Code knows success, failure, and 2, which means something else.
    done.map_err(|error| {
        let hint = error.downcast_ref::<Failure>();
        let hint = hint.and_then(|failure| failure.hint.clone());
        let message = format!("{error:#}");
        let exit = Exit::Failed;
        Failure {
            exit,
            message,
            hint,
        }
        .into()
    })
}

/// What Claude Code says on standard input; null where that is nothing or no JSON.
pub fn input() -> Value {
    let stdin = std::io::stdin();
    let mut text = vec![];
    if !stdin.is_terminal() {
        let _ = stdin.lock().take(LONGEST).read_to_end(&mut text);
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The first of `keys` that has a text: they were called differently in other releases.
fn text<'a>(asked: &'a Value, keys: &[&str]) -> Result<&'a str> {
    let mut values = keys.iter().filter_map(|key| asked[key].as_str());
    values.find(|value| !value.is_empty()).ok_or_else(|| {
        let message = format!("standard input does not say the {}", keys[0]);
        Failure::new(Exit::Usage, message)
            .hint("Claude Code runs this: treehop install claude")
            .into()
    })
}

fn create(asked: &Value, wait: Duration) -> Result<()> {
    let name = text(asked, &["name", "worktree_name"])?;
    let dir = match asked["cwd"].as_str() {
        Some(dir) => PathBuf::from(dir),
        None => super::current_dir()?,
    };
    // The session may stand in another worktree: what it asks for is as if asked for in the main one.
    let main = Repo::discover(&dir)?.main_path();
    let repo = Repo::discover(&main)?;
    known::remember(&repo);
    let session = Asking::new(asked);
    let session = session.as_ref();
    let agent = is_agent(name);
    let args = asking_for(name);
    let (entry, set_up) = match existing(&repo, name)? {
        Some(entry) => (entry, false),
        None => match new::worktree(&args, &main, &main, Repo::discover(&main)?) {
            Ok((path, made)) => (at(&repo, &path)?, made.pr.is_none()),
            // Somebody else may have been quicker.
            Err(error) => (existing(&repo, name)?.ok_or(error)?, false),
        },
    };
    if agent {
        lock(&repo, &entry, name, session)?;
    } else {
        free(&repo, &entry, session)?;
        claim(&entry, name, session)?;
    }
    if set_up && agent {
        // It is short-lived, and must not fail for what is only convenient.
        if let Err(error) = setup::worktree(&entry.path, Extent::Copy) {
            eprintln!("treehop: {error:#}");
        }
    } else if set_up {
        install(&entry, wait)?;
    }
    let mut answer = entry.path.into_os_string().into_encoded_bytes();
    answer.push(b'\n');
    output::raw(&answer)
}

/// As `wnew` understands NAME; Claude Code calls pull request 12 `pr-12`.
fn asking_for(name: &str) -> cli::New {
    match name.strip_prefix("pr-").map(str::parse) {
        Some(Ok(number)) => cli::New {
            pr: Some(number),
            ..cli::New::default()
        },
        _ => cli::New {
            branch: Some(name.into()),
            ..cli::New::default()
        },
    }
}

/// Is it what Claude Code calls the worktree of a subagent?
fn is_agent(name: &str) -> bool {
    let id = name.strip_prefix("agent-").unwrap_or_default();
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The worktree that has the branch NAME, or else that name, once it is whole.
fn existing(repo: &Repo, name: &str) -> Result<Option<Entry>> {
    let begun = Instant::now();
    loop {
        let mut linked = repo.entries()?;
        linked.retain(|entry| !entry.main && entry.path.is_dir());
        let branch = Some(BString::from(name));
        let at = linked.iter().position(|e| e.branch_meant() == branch);
        let at = at.or_else(|| linked.iter().position(|entry| entry.name == name));
        let Some(entry) = at.map(|at| linked.swap_remove(at)) else {
            return Ok(None);
        };
        // Git writes the index when all files are there.
        let whole = entry.git_dir.join("index").exists() || entry.head(repo).id.is_none();
        if whole || begun.elapsed() > WHOLE {
            return Ok(Some(entry));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn at(repo: &Repo, path: &Path) -> Result<Entry> {
    let mut entries = repo.entries()?.into_iter();
    let entry = entries.find(|entry| entry.path == path);
    entry.with_context(|| format!("git does not list '{}'", path.display()))
}

/// The session that asks.
struct Asking {
    id: Option<String>,
    pid: u32,
    /// When its process began; `None` where the system does not say.
    start: Option<String>,
}

impl Asking {
    /// As the environment says, else the registry, else the program that runs the hook.
    fn new(asked: &Value) -> Option<Self> {
        let id = asked["session_id"].as_str().map(str::to_owned);
        let named = std::env::var("CLAUDE_PID").ok();
        let named = named.and_then(|pid| pid.parse().ok());
        let known = || {
            let mut live = claude::live().into_iter();
            Some(live.find(|s| id.is_some() && s.session_id == id)?.pid)
        };
        let pid = named.or_else(known).or_else(above)?;
        let start = Process::read(pid).map(|process| process.start);
        Some(Asking { id, pid, start })
    }

    fn is(&self, session: &Session) -> bool {
        session.pid == self.pid || self.id.is_some() && session.session_id == self.id
    }

    /// As Claude Code says in the locks of its own worktrees, who is in them.
    fn reason(&self, what: &str, name: &str) -> String {
        let start = self.start.as_ref();
        let start = start.map(|start| format!(" start {start}"));
        let start = start.unwrap_or_default();
        format!("claude {what} {name} (pid {}{start})", self.pid)
    }
}

/// What `/proc/PID/stat` says of a process.
struct Process {
    name: String,
    parent: u32,
    start: String,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = crate::file::small(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name may hold spaces and parentheses.
        let (before, after) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        Some(Process {
            name: before.split_once('(')?.1.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            start: (*fields.get(19)?).to_owned(),
        })
    }
}

/// The nearest process above this one that is no shell.
fn above() -> Option<u32> {
    let mut pid = std::os::unix::process::parent_id();
    while let Some(process) = Process::read(pid).filter(|_| pid > 1) {
        if !SHELLS.contains(&process.name.as_str()) {
            return Some(pid);
        }
        pid = process.parent;
    }
    None
}

/// Makes sure that no other session is in the worktree.
fn free(repo: &Repo, entry: &Entry, asking: Option<&Asking>) -> Result<()> {
    let entries = repo.entries()?;
    let roots: Vec<&Path> = entries.iter().map(|e| e.path.as_path()).collect();
    let here = |session: &Session| {
        let cwd = session.cwd.canonicalize();
        let cwd = cwd.as_ref().unwrap_or(&session.cwd);
        claude::innermost(&roots, cwd).is_some_and(|at| roots[at] == entry.path)
    };
    let other = |session: &Session| !asking.is_some_and(|asking| asking.is(session));
    match claude::live().iter().find(|s| here(s) && other(s)) {
        Some(session) => Err(taken(entry, session.pid)),
        None => Ok(()),
    }
}

fn taken(entry: &Entry, pid: impl std::fmt::Display) -> anyhow::Error {
    let name = &entry.name;
    let message = format!("a session of Claude Code is live in '{name}' (pid {pid})");
    Failure::new(Exit::Refused, message)
        .hint("go on there, or give the worktree another name")
        .into()
}

/// Notes who is about to begin in the worktree.
///
/// # Errors
/// [`Exit::Refused`] where somebody else is.
fn claim(entry: &Entry, name: &str, asking: Option<&Asking>) -> Result<()> {
    let Some(asking) = asking else {
        return Ok(());
    };
    let path = entry.git_dir.join("treehop-claude");
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false);
    let context = || format!("could not write '{}'", path.display());
    let mut file = file.open(&path).with_context(context)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).with_context(context)?;
    let mut held = String::new();
    file.read_to_string(&mut held).with_context(context)?;
    let process = held.strip_suffix(')').and_then(|held| {
        let (_, process) = held.rsplit_once("(pid ")?;
        Some(process.split_once(' ').map_or(process, |(pid, _)| pid))
    });
    if let Some(pid) = process
        && *pid != asking.pid.to_string()
        && !claude::is_stale_lock(&held)
        // The registry knows where those are that have begun.
        && claude::live().iter().all(|s| s.pid.to_string() != *pid)
    {
        return Err(taken(entry, pid));
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(asking.reason("session", name).as_bytes()))
        .with_context(context)
}

/// Locks the worktree of a subagent while its parent lives, as Claude Code does: the subagent is in no registry.
fn lock(repo: &Repo, entry: &Entry, name: &str, parent: Option<&Asking>) -> Result<()> {
    let Some(parent) = parent else {
        eprintln!("treehop: '{name}' is not locked: nobody knows who asks for it");
        return Ok(());
    };
    let git = |args: &[&str]| {
        let git = Git::at(&repo.common_dir).args(["worktree"]).args(args);
        git.args([Path::new("--"), &entry.path]).read().map(drop)
    };
    match entry.locked() {
        Some(reason) if !claude::is_stale_lock(&reason) => return Ok(()),
        Some(_) => git(&["unlock"])?,
        None => {}
    }
    git(&["lock", "--reason", &parent.reason("agent", name)])
        .with_context(|| format!("could not lock '{name}'"))
}

/// Installs the dependencies, in a process that goes on where this takes longer than `wait`.
fn install(entry: &Entry, wait: Duration) -> Result<()> {
    // Not our standard error: Claude Code waits for its end.
    let said = entry.git_dir.join("treehop-setup.err");
    let context = || format!("could not set up '{}'", entry.name);
    let log = File::create(&said).with_context(context)?;
    let mut setup = Command::new(std::env::current_exe()?);
    for name in ELSEWHERE {
        setup.env_remove(name);
    }
    let setup = setup
        .arg("setup")
        .current_dir(&entry.path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // What ends the hook when its time is over is not meant for it.
        .process_group(0);
    interrupt::watch()?;
    let mut child = setup.spawn().with_context(context)?;
    let begun = Instant::now();
    let mut tick = Duration::from_millis(2);
    let status = loop {
        if let Some(status) = child.try_wait().with_context(context)? {
            break status;
        }
        if interrupt::caught().is_some() {
            tell(&child);
        } else if begun.elapsed() >= wait {
            let log = setup::log_path(&entry.git_dir);
            eprintln!(
                "treehop: '{}' is still being set up: {}",
                entry.name,
                log.display()
            );
            return Ok(());
        }
        std::thread::sleep(tick);
        tick = (tick * 2).min(Duration::from_millis(100));
    };
    let _ = std::io::stderr().write_all(&std::fs::read(&said).unwrap_or_default());
    let _ = std::fs::remove_file(&said);
    interrupt::check()?;
    if status.success() {
        return Ok(());
    }
    let message = format!("'{}' is there, but not set up", entry.name);
    Err(Failure::new(Exit::Failed, message)
        .hint("the same once more begins there as it is")
        .into())
}

/// Ctrl-C in Claude Code is meant for the set-up too.
fn tell(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

fn remove(asked: &Value) -> Result<()> {
    let path = Path::new(text(asked, &["worktree_path", "path"])?);
    if !path.exists() {
        eprintln!("'{}' is gone already", path.display());
        return Ok(());
    }
    let context = || format!("could not find '{}'", path.display());
    let path = path.canonicalize().with_context(context)?;
    let repo = Repo::discover(&path)?;
    for line in [trash::resume(&repo), restoring::resume(&repo)].concat() {
        eprintln!("treehop: {line}");
    }
    let entries = repo.entries()?;
    let at = entries.iter().position(|entry| entry.path == path);
    let at = at.ok_or_else(|| {
        let message = format!("'{}' is no worktree", path.display());
        Failure::new(Exit::NotFound, message)
    })?;
    let asking = Asking::new(asked);
    let asks = |session: &Session| asking.as_ref().is_some_and(|asking| asking.is(session));
    let around = Surroundings::new(&repo, &entries).exempting(asks);
    let plan = around.check(at, false, false)?;
    let done = plan.carry_out(&repo)?;
    eprintln!("removed '{}'{}", done.name, plan.describe(&done));
    trash::empty_behind(&repo.common_dir);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood() {
        assert_eq!(asking_for("pr-12").pr, Some(12));
        for name in ["pr-12a", "pr-", "auth", "agent-1a2b"] {
            assert_eq!(asking_for(name).branch, Some(name.into()));
        }
        assert!(is_agent("agent-a520cc1179dc3ec7f"));
        assert!(!is_agent("agent-") && !is_agent("agent-orange"));
    }
}
