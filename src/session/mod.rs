//! Claude in worktrees: which sessions are live where, and what lets only one begin.

pub mod launch;
pub mod lock;
pub mod words;

use std::path::Path;

use crate::claude::{self, Session};
use crate::repo::entry::Entry;
use crate::table;
use lock::Holder;

/// The sessions that are live in `entries`, all worktrees of a repository (from some alone, what is in another one
/// nested there cannot be told apart), each with the place of its worktree among them.
///
/// A session is where its directory is, and where it holds the lock: from the moment it is started, before it is in the
/// registry, and after a `/cd`, since it can come back.
pub fn live(entries: &[Entry]) -> Vec<(usize, Session)> {
    let all: Vec<usize> = (0..entries.len()).collect();
    live_in(&all, &claude::live(), entries)
}

/// The same for those at `chosen` alone, of the `sessions` that [`claude::live`] gave.
pub fn live_in(chosen: &[usize], sessions: &[Session], entries: &[Entry]) -> Vec<(usize, Session)> {
    let roots: Vec<&Path> = entries.iter().map(|entry| entry.path.as_path()).collect();
    let place = |session: &Session| {
        let cwd = session.cwd.canonicalize();
        claude::innermost(&roots, cwd.as_ref().unwrap_or(&session.cwd))
    };
    let placed = |session: &Session| Some((place(session)?, session.clone()));
    let mut found: Vec<(usize, Session)> = sessions.iter().filter_map(placed).collect();
    for (at, entry) in chosen.iter().map(|at| (*at, &entries[*at])) {
        // Where one is known the lock is most likely its own, even if a script between took it.
        if entry.has(lock::FILE)
            && found.iter().all(|(of, _)| *of != at)
            && let Some(holder) = lock::holder(&entry.git_dir)
        {
            let known = sessions.iter().find(|session| session.pid == holder.pid);
            let session = known.cloned().unwrap_or_else(|| starting(&holder, entry));
            found.push((at, session));
        }
    }
    found
}

/// What the lock knows of a session that is not in the registry.
fn starting(holder: &Holder, entry: &Entry) -> Session {
    let since = holder.since.map(|since| since.to_string());
    Session {
        pid: holder.pid,
        session_id: None,
        name: None,
        kind: None,
        status: None,
        waiting_for: None,
        since: since.clone(),
        started_at: since,
        cwd: entry.path.clone(),
        file: entry.git_dir.clone(),
        live: true,
    }
}

/// A session as people read it: `'auth' (pid 4711, waiting for 3m)`.
pub fn describe(session: &Session) -> String {
    let name = session.name.as_ref().map(|name| format!("'{name}' "));
    let status = session.status.as_deref().unwrap_or("running");
    let since = session.since.as_ref().or(session.started_at.as_ref());
    let since = since.map(|since| table::ago(since)).unwrap_or_default();
    let since = since
        .strip_suffix(" ago")
        .map(|time| format!(" for {time}"));
    format!(
        "{}(pid {}, {status}{})",
        name.unwrap_or_default(),
        session.pid,
        since.unwrap_or_default()
    )
}
