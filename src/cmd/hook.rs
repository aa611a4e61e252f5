//! `treehop hook`: Claude Code asks treehop to make and to remove its worktrees.
//!
//! `claude --worktree NAME` gets the worktree that `wnew NAME` makes, or the one that there is, and no two sessions the same:
//! the hook holds the worktree's lock while it is at work, and leaves it to a process that waits until the session is in the
//! registry, which is half a second after the answer.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
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
use crate::removal::{Surroundings, trash};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::session::{self, lock::Lock};
use crate::setup::{self, Extent};
use crate::{interrupt, known, output, unfinished};

/// More than any of Claude Code's documents.
const LONGEST: u64 = 16 * 1024 * 1024;
/// How long a worktree that somebody else is making may take to be whole.
const WHOLE: Duration = Duration::from_secs(30);
/// How long a session may take to be in the registry.
const BEGIN: Duration = Duration::from_secs(60);
/// What may stand between Claude Code and its hook.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"];

/// Runs `treehop hook`.
pub fn run(args: &cli::Hook) -> Result<()> {
    if let (Event::Hold, Some(pid)) = (args.event, args.pid) {
        wait_for(pid);
        return Ok(());
    }
    let asked = input();
    let done = match args.event {
        Event::Hold => Ok(()),
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
    let mut repo = Repo::discover(&main)?;
    known::remember(&repo);
    if unfinished::resume(&repo)? {
        repo = Repo::discover(&main)?;
    }
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
    let held = if agent {
        lock(&repo, &entry, name, session)?;
        None
    } else {
        guard(&repo, &entry, session)?
    };
    if set_up && agent {
        // It is short-lived, and must not fail for what is only convenient.
        if let Err(error) = setup::worktree(&entry.path, Extent::Copy) {
            say!("treehop: {error:#}");
        }
    } else if set_up {
        install(&entry, wait)?;
    }
    if let (Some(held), Some(session)) = (held, session) {
        hold(held, session.pid)?;
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
        Some(Asking { id, pid })
    }

    fn is(&self, session: &Session) -> bool {
        session.pid == self.pid || self.id.is_some() && session.session_id == self.id
    }
}

/// The nearest process above this one that is no shell.
fn above() -> Option<u32> {
    let mut pid = std::os::unix::process::parent_id();
    while pid > 1 {
        let stat = crate::file::small(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name may hold spaces and parentheses; state and parent follow it.
        let (before, after) = stat.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        if !SHELLS.contains(&name) {
            return Some(pid);
        }
        pid = after.split_whitespace().nth(1)?.parse().ok()?;
    }
    None
}

/// Makes sure that no other session is in the worktree, and lets none in while this one is about to begin.
///
/// # Errors
/// [`Exit::Refused`] where one is.
fn guard(repo: &Repo, entry: &Entry, asking: Option<&Asking>) -> Result<Option<Lock>> {
    let entries = repo.entries()?;
    let mut others = vec![];
    // Who had the lock may be gone when one looks who it is.
    for _ in 0..3 {
        let lock = Lock::take(&entry.git_dir)?;
        let live = session::live(&entries).into_iter();
        let here = live.filter(|(at, session)| {
            entries[*at].git_dir == entry.git_dir && session.pid != std::process::id()
        });
        let asks = |session: &Session| asking.is_some_and(|asking| asking.is(session));
        let (own, other): (Vec<_>, Vec<_>) = here.partition(|(_, session)| asks(session));
        if other.is_empty() && (lock.is_some() || !own.is_empty()) {
            return Ok(lock);
        }
        others = other;
        if !others.is_empty() {
            break;
        }
    }
    let others = others.iter().map(|(_, session)| session::describe(session));
    let others = others.collect::<Vec<_>>().join(", ");
    let message = format!("a session is live in '{}': {others}", entry.name);
    Err(Failure::new(Exit::Refused, message)
        .hint("go on there, or give the worktree another name")
        .into())
}

/// Leaves the lock to a process that ends once the session is in the registry.
fn hold(lock: Lock, pid: u32) -> Result<()> {
    // Where somebody tries the hook by hand, no session begins.
    if std::env::var_os("CLAUDECODE").is_none() {
        return Ok(());
    }
    let _held = lock.inherited()?;
    Command::new(std::env::current_exe()?)
        .args(["hook", "hold", "--pid", &pid.to_string()])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(drop)
        .context("could not hold the lock")
}

/// Waits until the process is in the registry, or gone.
fn wait_for(pid: u32) {
    let (begun, start) = (Instant::now(), claude::began(pid));
    let starting =
        || claude::lives(pid, start.as_deref()) && claude::live().iter().all(|s| s.pid != pid);
    while begun.elapsed() < BEGIN && starting() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Locks the worktree of a subagent while its parent lives, as Claude Code does: the subagent is in no registry.
fn lock(repo: &Repo, entry: &Entry, name: &str, parent: Option<&Asking>) -> Result<()> {
    let Some(parent) = parent else {
        say!("treehop: '{name}' is not locked: nobody knows who asks for it");
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
    let start = claude::began(parent.pid);
    let start = start.map_or_else(String::new, |start| format!(" start {start}"));
    let reason = format!("{}{name} (pid {}{start})", claude::AGENT, parent.pid);
    git(&["lock", "--reason", &reason]).with_context(|| format!("could not lock '{name}'"))
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
            say!(
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
        say!("'{}' is gone already", path.display());
        return Ok(());
    }
    let context = || format!("could not find '{}'", path.display());
    let path = path.canonicalize().with_context(context)?;
    let mut repo = Repo::discover(&path)?;
    if unfinished::resume(&repo)? {
        repo = Repo::discover(&path)?;
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
    around.check(at, false, false)?.carry_out(&repo, false)?;
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
