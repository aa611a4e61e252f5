//! What Claude Code keeps about its sessions: who is running, and what was said last.
//!
//! The files are internal to it, so they are read defensively: what does not parse does not count.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// How much of a conversation's end is read at first, in bytes: more than one record is long.
const TAIL: u64 = 128 * 1024;

/// A session in the registry. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "the names of the JSON")]
pub struct Session {
    /// The process.
    pub pid: u32,
    /// The conversation that it holds.
    pub session_id: Option<String>,
    /// What it is called in Claude Code.
    pub name: Option<String>,
    /// `interactive`, `bg`, …
    pub kind: Option<String>,
    /// `busy`, `idle`, `waiting` or `shell`.
    pub status: Option<String>,
    /// What a waiting session waits for.
    pub waiting_for: Option<String>,
    /// Since when it has that status.
    pub since: Option<String>,
    /// When the process began.
    pub started_at: Option<String>,
    /// Where it works.
    #[serde(skip)]
    pub cwd: PathBuf,
    /// Its file in the registry.
    #[serde(skip)]
    pub file: PathBuf,
    /// Does the process still live?
    #[serde(skip)]
    pub live: bool,
}

/// The conversation that was active last in a worktree.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    /// What `claude --resume` takes.
    pub session_id: String,
    /// Its title, or the last prompt where it has none.
    pub title: Option<String>,
    /// When the last record was written, RFC 3339 in UTC.
    pub updated_at: String,
}

/// Claude Code's folder: `$CLAUDE_CONFIG_DIR`, else `~/.claude`.
pub fn folder() -> Option<PathBuf> {
    let set = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|dir| !dir.is_empty());
    set.map(PathBuf::from)
        .or_else(|| Some(dirs::home_dir()?.join(".claude")))
}

/// All sessions in the registry, stale entries included.
pub fn registry() -> Vec<Session> {
    let Some(files) = folder().and_then(|dir| std::fs::read_dir(dir.join("sessions")).ok()) else {
        return vec![];
    };
    let named_by_pid = |path: &Path| {
        path.extension() == Some(OsStr::new("json"))
            && path
                .file_stem()
                .is_some_and(|stem| stem.as_bytes().iter().all(u8::is_ascii_digit))
    };
    let mut sessions: Vec<_> = files
        .flatten()
        .map(|f| f.path())
        .filter(|p| named_by_pid(p))
        .filter_map(|p| session(&p))
        .collect();
    sessions.sort_by_key(|s| s.pid);
    sessions
}

/// The sessions whose process lives, and those that are about to begin in the background.
pub fn live() -> Vec<Session> {
    let mut sessions = registry();
    let starting = starting(&sessions);
    sessions.retain(|s| s.live);
    sessions.extend(starting);
    sessions
}

/// How long a session in the background may take from its job's file to its entry: 0.5 s as a rule, 8 s were seen.
const STARTING: i64 = 60;

/// The jobs that Claude Code's daemon has been given and that have no entry yet, dead or alive.
fn starting(registered: &[Session]) -> Vec<Session> {
    let Some(folder) = folder() else {
        return vec![];
    };
    let Ok(jobs) = std::fs::read_dir(folder.join("jobs")) else {
        return vec![];
    };
    let read = |file: &Path| -> Option<Value> {
        serde_json::from_slice(&crate::file::small(file).ok()?).ok()
    };
    let fresh = |file: &PathBuf| {
        let written = file.metadata().and_then(|meta| meta.modified()).ok();
        let age = written.and_then(|written| written.elapsed().ok());
        age.is_some_and(|age| age.as_secs().cast_signed() < STARTING)
    };
    let mut files = jobs.flatten().map(|job| job.path().join("state.json"));
    // Where no job is new, nothing is read.
    let Some(first) = files.find(fresh) else {
        return vec![];
    };
    let Some(daemon) = read(&folder.join("daemon.status.json")) else {
        return vec![];
    };
    let pid = daemon["supervisorPid"].as_u64().unwrap_or_default();
    let Some(pid) = u32::try_from(pid)
        .ok()
        .filter(|pid| lives(*pid, daemon["supervisorProcStart"].as_str()))
    else {
        return vec![];
    };
    let job = |file: PathBuf| {
        let job = read(&file)?;
        let created: Timestamp = job["createdAt"].as_str()?.parse().ok()?;
        let age = Timestamp::now().as_second() - created.as_second();
        let id = job["sessionId"].as_str()?;
        let known = |session: &Session| session.session_id.as_deref() == Some(id);
        let due = job["firstTerminalAt"].is_null() && (-1..STARTING).contains(&age);
        (due && !registered.iter().any(known)).then_some(Session {
            pid,
            session_id: Some(id.to_owned()),
            name: None,
            kind: Some("bg".into()),
            status: None,
            waiting_for: None,
            since: None,
            started_at: Some(created.to_string()),
            cwd: PathBuf::from(job["cwd"].as_str()?),
            file,
            live: true,
        })
    };
    std::iter::once(first)
        .chain(files.filter(fresh))
        .filter_map(job)
        .collect()
}

fn session(file: &Path) -> Option<Session> {
    entry(file, &crate::file::small(file).ok()?)
}

/// What the content of `file` in the registry says.
pub fn entry(file: &Path, content: &[u8]) -> Option<Session> {
    let entry: Value = serde_json::from_slice(content).ok()?;
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    let time = |key: &str| {
        Some(
            Timestamp::from_millisecond(entry[key].as_i64()?)
                .ok()?
                .to_string(),
        )
    };
    let pid = u32::try_from(entry["pid"].as_u64()?).ok()?;
    let started = entry["procStart"]
        .as_u64()
        .map(|n| n.to_string())
        .or_else(|| text("procStart"));
    Some(Session {
        pid,
        session_id: text("sessionId"),
        name: text("name"),
        kind: text("kind"),
        status: text("status"),
        waiting_for: text("waitingFor"),
        since: time("statusUpdatedAt"),
        started_at: time("startedAt"),
        cwd: PathBuf::from(entry["cwd"].as_str()?),
        file: file.into(),
        live: lives(pid, started.as_deref()),
    })
}

/// How the reason begins for which git holds a subagent's worktree locked.
pub const AGENT: &str = "claude agent ";

/// Does `reason`, why git holds a worktree locked, name a session of Claude Code that is no more? It looks like
/// `claude session NAME (pid N start PROCSTART)`, and outlives the session.
pub fn is_stale_lock(reason: &str) -> bool {
    let process = |reason: &str| {
        let named = ["claude session ", AGENT]
            .iter()
            .any(|start| reason.starts_with(start));
        let (_, process) = reason.rsplit_once("(pid ").filter(|_| named)?;
        let process = process.strip_suffix(')')?;
        let (pid, start) = match process.split_once(" start ") {
            Some((pid, start)) => (pid, Some(start)),
            None => (process, None),
        };
        Some(lives(pid.parse().ok()?, start))
    };
    process(reason) == Some(false)
}

/// Is `pid` the process that began at `start`, as [`began`] says? A number may have a new owner.
pub fn lives(pid: u32, start: Option<&str>) -> bool {
    if let Some(now) = stat(pid) {
        return now.alive && start.is_none_or(|start| now.began.as_deref() == Some(start));
    }
    // Without /proc the process number has to do.
    let id = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    !Path::new("/proc/self/stat").exists()
        && id.is_some_and(|id| rustix::process::test_kill_process(id).is_ok())
}

/// When the process `pid` began, in a form to compare: field 22 of `/proc/PID/stat`.
pub fn began(pid: u32) -> Option<String> {
    stat(pid)?.began
}

struct Stat {
    alive: bool,
    began: Option<String>,
}

fn stat(pid: u32) -> Option<Stat> {
    Some(state(
        &crate::file::small(format!("/proc/{pid}/stat")).ok()?,
    ))
}

fn state(stat: &[u8]) -> Stat {
    // The second field is the program's name, which may hold spaces and parentheses.
    let after_name = stat
        .iter()
        .rposition(|b| *b == b')')
        .map_or(&[][..], |at| &stat[at + 1..]);
    let mut fields = after_name
        .split(u8::is_ascii_whitespace)
        .filter(|f| !f.is_empty());
    let alive = !matches!(fields.next(), Some(b"Z" | b"X") | None);
    let began = fields.nth(18).map(String::from_utf8_lossy);
    Stat {
        alive,
        began: began.map(Cow::into_owned),
    }
}

/// Which of `roots` is the innermost that holds `dir`.
pub fn innermost(roots: &[&Path], dir: &Path) -> Option<usize> {
    let holding = roots
        .iter()
        .enumerate()
        .filter(|(_, root)| dir.starts_with(root));
    holding
        .max_by_key(|(_, root)| root.components().count())
        .map(|(at, _)| at)
}

/// For each of `roots` (the worktrees), the conversation whose latest record was written there.
///
/// A conversation's file stays in the folder of the directory where it began, so the records decide, not the
/// folder's name; only folders of `roots` and of directories below them are looked at.
pub fn last(roots: &[&Path]) -> HashMap<usize, Conversation> {
    let mut latest: HashMap<usize, (Timestamp, PathBuf)> = HashMap::new();
    let Some(folders) = folder().and_then(|dir| std::fs::read_dir(dir.join("projects")).ok())
    else {
        return HashMap::new();
    };
    let prefixes: Vec<String> = roots.iter().map(|root| project_folder(root)).collect();
    for folder in folders.flatten() {
        let name = folder.file_name();
        let Some(name) = name.to_str() else { continue };
        if !prefixes.iter().any(|p| name.starts_with(p.as_str())) {
            continue;
        }
        for file in std::fs::read_dir(folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = file.path();
            if path.extension() != Some(OsStr::new("jsonl")) {
                continue;
            }
            let Some((cwd, time)) = last_record(&path) else {
                continue;
            };
            let Some(at) = innermost(roots, &cwd) else {
                continue;
            };
            if latest.get(&at).is_none_or(|(seen, _)| *seen < time) {
                latest.insert(at, (time, path));
            }
        }
    }
    let describe = |(at, (time, path)): (usize, (Timestamp, PathBuf))| {
        let session_id = path.file_stem()?.to_str()?.to_owned();
        Some((
            at,
            Conversation {
                session_id,
                title: title(&path),
                updated_at: time.to_string(),
            },
        ))
    };
    latest.into_iter().filter_map(describe).collect()
}

/// The folder below `projects` for `dir`: each UTF-16 unit outside `[A-Za-z0-9]` as `-`. A long one is cut after 200
/// units and a hash follows, so only the part before that is returned: a prefix to compare with.
fn project_folder(dir: &Path) -> String {
    let units = dir.to_string_lossy().encode_utf16().collect::<Vec<_>>();
    let plain = |unit: &u16| {
        u8::try_from(*unit)
            .ok()
            .filter(u8::is_ascii_alphanumeric)
            .map_or('-', char::from)
    };
    units.iter().take(200).map(plain).collect()
}

/// Directory and time of the last record that has both.
fn last_record(file: &Path) -> Option<(PathBuf, Timestamp)> {
    let mut open = File::open(file).ok()?;
    let length = open.metadata().ok()?.len();
    let mut tail = vec![];
    open.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    open.take(TAIL).read_to_end(&mut tail).ok()?;
    last_in(&tail).or_else(|| last_in(&std::fs::read(file).ok()?))
}

/// The same in the end of a conversation.
pub fn last_in(tail: &[u8]) -> Option<(PathBuf, Timestamp)> {
    tail.rsplit(|b| *b == b'\n').find_map(|line| {
        let record: Value = serde_json::from_slice(line).ok()?;
        let time = record["timestamp"].as_str()?.parse().ok()?;
        Some((PathBuf::from(record["cwd"].as_str()?), time))
    })
}

/// The last title that was given, else the last that Claude Code found itself, else the last prompt.
fn title(file: &Path) -> Option<String> {
    title_in(&std::fs::read(file).ok()?)
}

/// The same in a conversation.
pub fn title_in(content: &[u8]) -> Option<String> {
    [
        ("custom-title", "customTitle"),
        ("ai-title", "aiTitle"),
        ("last-prompt", "lastPrompt"),
    ]
    .iter()
    .find_map(|(kind, key)| {
        let at = memchr::memmem::rfind_iter(content, kind.as_bytes());
        at.map(|at| line_at(content, at)).find_map(|line| {
            let record: Value = serde_json::from_slice(line).ok()?;
            (record["type"] == *kind).then(|| record[key].as_str().map(str::to_owned))?
        })
    })
}

fn line_at(content: &[u8], at: usize) -> &[u8] {
    let from = memchr::memrchr(b'\n', &content[..at]).map_or(0, |nl| nl + 1);
    let to = memchr::memchr(b'\n', &content[at..]).map_or(content.len(), |nl| at + nl);
    &content[from..to]
}
