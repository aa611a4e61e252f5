//! What stands against removing a worktree, and what becomes of its branch.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use gix::bstr::{BString, ByteSlice};

use super::contents::Contents;
use super::{Done, Fate, Plan, git_dir, joined, sized};
use crate::claude::{self, Session};
use crate::error::{Exit, Failure};
use crate::merged::{self, Place};
use crate::repo::changes::Changes;
use crate::repo::entry::Entry;
use crate::repo::{Head, Repo};
use crate::{session, setup, shell};

/// The repository, and who works in it.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its worktrees, the main one first.
    pub entries: &'a [Entry],
    default: Option<BString>,
    sessions: Vec<(usize, Session)>,
    /// Where the session is that asks for the removal.
    exempt: Vec<usize>,
    /// A commit, and where it is or is about to be.
    merged: Option<(String, Place)>,
}

fn never<T>(message: String) -> Result<T> {
    Err(Failure::new(Exit::Refused, message).into())
}

fn refused<T>(message: String, hint: impl Into<String>) -> Result<T> {
    Err(Failure::new(Exit::Refused, message).hint(hint).into())
}

impl<'a> Surroundings<'a> {
    /// Looks around.
    pub fn new(repo: &'a Repo, entries: &'a [Entry]) -> Self {
        let main = || entries.first().and_then(|main| main.head(repo).branch);
        Surroundings {
            repo,
            entries,
            default: repo.default_branch(main),
            sessions: session::live(entries),
            exempt: vec![],
            merged: None,
        }
    }

    /// The same without the sessions that are `exempt`: who asks for a removal does not stand against it.
    #[must_use]
    pub fn exempting(mut self, exempt: impl Fn(&Session) -> bool) -> Self {
        let (of, others) = (self.sessions.into_iter()).partition(|(_, session)| exempt(session));
        self.sessions = others;
        self.exempt = Vec::into_iter(of).map(|(at, _)| at).collect();
        self
    }

    /// The same with `tip` known to be (or soon to be) in `into`, if that is the default branch.
    #[must_use]
    pub fn knowing(mut self, tip: &str, how: merged::How, into: &BString, at: &str) -> Self {
        let place = (self.default.as_ref() == Some(into)).then(|| Place {
            how,
            into: into.clone(),
            at: at.into(),
            default: true,
        });
        self.merged = place.map(|place| (tip.into(), place));
        self
    }

    /// Looks whether the worktree at `at` may go; with `force`, in spite of changes.
    ///
    /// # Errors
    /// [`Exit::Refused`], to protect somebody's work or a live session.
    pub fn check(&self, at: usize, force: bool, keep_branch: bool) -> Result<Plan> {
        let entry = &self.entries[at];
        self.in_its_place(entry)?;
        let stale_lock = unlocked(entry)?;
        self.at_rest(at)?;
        let checked = SystemTime::now();
        let contents = Contents::read(&entry.path)?;
        kept_whole(entry, &contents, force)?;
        let head = entry.head(self.repo);
        if !force {
            self.reachable(entry, &head)?;
        }
        Ok(Plan {
            name: entry.name.clone(),
            path: entry.path.clone(),
            git_dir: entry.git_dir.clone(),
            branch: self.fate(at, &head, keep_branch)?,
            head,
            stale_lock,
            guarded: !self.exempt.contains(&at),
            contents,
            checked,
        })
    }

    /// It is a linked worktree of this repository, with nothing else of git's in it.
    fn in_its_place(&self, entry: &Entry) -> Result<()> {
        let (name, path) = (&entry.name, &entry.path);
        if entry.main {
            return refused(
                format!("'{name}' is the main worktree, which is never removed"),
                "wrm QUERY removes another one",
            );
        }
        if !path.join(".git").exists() {
            let message = format!("the directory of '{name}' is gone: {}", path.display());
            return Err(Failure::new(Exit::NotFound, message).hint("wprune").into());
        }
        if self.repo.common_dir.starts_with(path) {
            return never(format!("the repository itself lies in '{name}'"));
        }
        let mut others = self.entries.iter().filter(|e| e.path != *path);
        if let Some(inner) = others.find(|e| e.path.starts_with(path)) {
            let inside = inner.path.display();
            let message = format!("another worktree lies in '{name}': {inside}");
            return refused(message, format!("wrm {}", inner.name));
        }
        if git_dir(path) != entry.git_dir.canonicalize().ok() {
            let message = format!("'{name}' belongs to another repository, or was moved");
            return refused(message, format!("git worktree repair {}", path.display()));
        }
        Ok(())
    }

    /// Nothing is under way in it.
    ///
    /// # Errors
    /// [`Exit::Refused`]: an operation is, or a session.
    pub fn at_rest(&self, at: usize) -> Result<()> {
        let entry = &self.entries[at];
        let name = &entry.name;
        if let Some(operation) = entry.operation().0 {
            let message = format!("'{name}' is in the middle of a {operation}");
            return refused(message, format!("git {operation} --abort, or finish it"));
        }
        if setup::is_under_way(&entry.git_dir) {
            let log = setup::log_path(&entry.git_dir);
            let message = format!("'{name}' is being set up");
            return refused(message, format!("tail -f {}", shell::quoted(&log)));
        }
        if let Some(session) = self.session(at) {
            let message = format!("a session is live in '{name}': {session}");
            return refused(message, "end it first: /exit in its terminal");
        }
        Ok(())
    }

    /// The session that is live in the worktree at `at`, in words.
    pub fn session(&self, at: usize) -> Option<String> {
        let mut sessions = self.sessions.iter();
        let (_, session) = sessions.find(|(of, _)| *of == at)?;
        Some(session::describe(session))
    }

    /// Something else than a snapshot holds the commit of a detached HEAD.
    fn reachable(&self, entry: &Entry, head: &Head) -> Result<()> {
        let (None, Some(commit)) = (&head.branch, &head.id) else {
            return Ok(());
        };
        if merged::held(self.repo, commit)? {
            return Ok(());
        }
        let name = &entry.name;
        let short = commit.get(..7).unwrap_or(commit);
        let message = format!("'{name}' is at {short}, which no branch holds");
        refused(
            message,
            format!("git branch NAME {short}, or wrm -f {name}"),
        )
    }

    fn fate(&self, at: usize, head: &Head, keep: bool) -> Result<Fate> {
        let (Some(branch), Some(tip)) = (&head.branch, &head.id) else {
            return Ok(Fate::None);
        };
        let kept = |why: &str| Ok(Fate::Keep(why.into()));
        if keep {
            return kept("as you asked");
        }
        if self.default.as_ref() == Some(branch) {
            return kept("it is the default branch");
        }
        let mut others = (self.entries.iter().enumerate()).filter(|(other, _)| *other != at);
        if let Some((_, other)) = others.find(|(_, e)| e.branch_meant().as_ref() == Some(branch)) {
            return kept(&format!("'{}' has it checked out too", other.name));
        }
        if let Some((_, place)) = self.merged.as_ref().filter(|(known, _)| known == tip) {
            return Ok(Fate::Delete(place.clone()));
        }
        match (
            merged::find(self.repo, branch.as_bstr(), tip, self.default.as_ref())?,
            &self.default,
        ) {
            (Some(place), _) => Ok(Fate::Delete(place)),
            (None, Some(default)) => kept(&format!("it is not merged into {default}")),
            (None, None) => kept("it is not merged"),
        }
    }

    /// The place in the default branch that holds the commits of the branch of the worktree at `at`, and whether one of
    /// them is its own.
    ///
    /// # Errors
    /// Git fails.
    pub fn merged(&self, at: usize) -> Result<Option<(Place, bool)>> {
        let entry = &self.entries[at];
        let head = entry.head(self.repo);
        let (Some(branch), Some(tip)) = (&head.branch, &head.id) else {
            return Ok(None);
        };
        if entry.main || self.default.as_ref() == Some(branch) {
            return Ok(None);
        }
        let place = merged::find(self.repo, branch.as_bstr(), tip, self.default.as_ref())?;
        match place.filter(|place| place.default) {
            Some(place) => {
                let own = merged::has_own_work(self.repo, branch.as_bstr(), tip, &place)?;
                Ok(Some((place, own)))
            }
            None => Ok(None),
        }
    }

    /// Where a shell in `dir` has to go once these are gone: `None` where it may stay.
    pub fn landing(&self, dir: &Path, gone: &[Done]) -> Option<PathBuf> {
        let inside = gone.iter().any(|done| dir.starts_with(&done.path));
        inside.then(|| self.repo.root())
    }
}

/// No lock holds it, or one of a dead session: returns whether.
fn unlocked(entry: &Entry) -> Result<bool> {
    let Some(reason) = entry.locked() else {
        return Ok(false);
    };
    if claude::is_stale_lock(&reason) {
        return Ok(true);
    }
    let because = if reason.is_empty() { "" } else { ": " };
    let message = format!("'{}' is locked{because}{reason}", entry.name);
    refused(
        message,
        format!("git worktree unlock {}", entry.path.display()),
    )
}

/// All that is in it can be brought back, or with `force` what somebody does not want to lose.
fn kept_whole(entry: &Entry, contents: &Contents, force: bool) -> Result<()> {
    let name = &entry.name;
    if contents.changed() && !force {
        let message = format!("'{name}' has changes: {}", counted(contents.changes));
        let hint = format!("commit them, or wrm -f {name}, which keeps them for wundo");
        return refused(message, hint);
    }
    if let Some(what) = contents.unsaved(&entry.path, &entry.git_dir)? {
        let message = format!("'{name}' cannot be kept whole: {what}");
        return refused(message, "push or move them first");
    }
    if !contents.lost.is_empty() && !force {
        let lost = sized(&contents.lost);
        let message = format!("'{name}' holds ignored files that are too big to be kept: {lost}");
        let hint = format!("move them away, or wrm -f {name}, which deletes them");
        return refused(message, hint);
    }
    Ok(())
}

/// The counts that are not zero.
pub fn counted(changes: Changes) -> String {
    let counts = [
        (changes.conflicted, "in conflict"),
        (changes.staged, "staged"),
        (changes.modified, "modified"),
        (changes.untracked, "untracked"),
    ];
    let counts = counts.iter().filter(|(n, _)| *n > 0);
    joined(counts.map(|(n, what)| format!("{n} {what}")))
}
