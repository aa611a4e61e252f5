//! Removing a worktree: what stands against it, then what is kept of it, then it goes.

pub mod contents;
pub mod record;
pub mod restoring;
pub mod snapshot;
pub mod trash;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use jiff::Timestamp;
use serde::Serialize;

use crate::claude::{self, Session};
use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::merged::{self, Place};
use crate::removal::contents::Contents;
use crate::removal::record::Record;
use crate::repo::changes::Changes;
use crate::repo::discover::pointer;
use crate::repo::entry::Entry;
use crate::repo::{Head, Repo};
use snapshot::Removed;
use trash::Journal;

/// How many names are said before the rest is a number.
const NAMED: usize = 3;

/// The repository, and who works in it.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its worktrees, the main one first.
    pub entries: &'a [Entry],
    default: Option<BString>,
    sessions: Vec<(usize, Session)>,
}

/// What becomes of the branch.
#[derive(Debug)]
pub enum Fate {
    /// There is none.
    None,
    /// It goes: its commits are there.
    Delete(Place),
    /// It stays, because…
    Keep(String),
}

/// A worktree that may be removed.
#[derive(Debug)]
pub struct Plan {
    name: BString,
    path: PathBuf,
    git_dir: PathBuf,
    head: Head,
    stale_lock: bool,
    /// What becomes of the branch.
    pub branch: Fate,
    contents: Contents,
    /// When it was looked at.
    checked: SystemTime,
}

/// A worktree that was removed, or with `--dry-run` would be.
#[derive(Debug, Serialize)]
pub struct Done {
    /// What people called it.
    #[serde(serialize_with = "crate::worktree::text")]
    pub name: BString,
    /// Where it was.
    #[serde(serialize_with = "crate::worktree::path")]
    pub path: PathBuf,
    /// The branch that was checked out.
    #[serde(serialize_with = "crate::worktree::text_or_null")]
    pub branch: Option<BString>,
    /// Was the branch deleted, too?
    pub branch_deleted: bool,
    /// The ref that `undo` brings it back from.
    pub snapshot: Option<String>,
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, message)
}

impl<'a> Surroundings<'a> {
    /// Looks around.
    pub fn new(repo: &'a Repo, entries: &'a [Entry]) -> Self {
        let roots: Vec<_> = entries.iter().map(|e| e.path.as_path()).collect();
        let placed = claude::live()
            .into_iter()
            .filter_map(|s| Some((claude::innermost(&roots, &s.cwd)?, s)));
        let main = entries.first().and_then(|main| main.head(repo).branch);
        Surroundings {
            repo,
            entries,
            default: repo.default_branch(main.as_ref()),
            sessions: placed.collect(),
        }
    }

    /// The same without the sessions that are `exempt`: who asks for a removal does not stand against it.
    #[must_use]
    pub fn exempting(mut self, exempt: impl Fn(&Session) -> bool) -> Self {
        self.sessions.retain(|(_, session)| !exempt(session));
        self
    }

    /// Looks whether the worktree at `at` may go; with `force`, in spite of changes.
    ///
    /// # Errors
    /// [`Exit::Refused`], to protect somebody's work or a live session.
    pub fn check(&self, at: usize, force: bool, keep_branch: bool) -> Result<Plan> {
        let entry = &self.entries[at];
        let stale_lock = self.standing_against(at)?;
        let checked = SystemTime::now();
        let contents = Contents::read(&entry.path)?;
        let name = &entry.name;
        if contents.changed() && !force {
            let message = format!("'{name}' has changes: {}", counted(contents.changes));
            return Err(refused(message)
                .hint(format!(
                    "commit them, or wrm -f {name}, which keeps them for wundo"
                ))
                .into());
        }
        if let Some(what) = contents.unsaved(&entry.path, &entry.git_dir)? {
            return Err(refused(format!("'{name}' cannot be kept whole: {what}"))
                .hint("push or move them first")
                .into());
        }
        if !contents.lost.is_empty() && !force {
            let message = format!(
                "'{name}' holds ignored files that are too big to be kept: {}",
                sized(&contents.lost)
            );
            return Err(refused(message)
                .hint(format!(
                    "move them away, or wrm -f {name}, which deletes them"
                ))
                .into());
        }
        let head = entry.head(self.repo);
        if let (None, Some(commit)) = (&head.branch, &head.id)
            && !force
            && self.nowhere_else(commit)?
        {
            let short = commit.get(..7).unwrap_or(commit);
            return Err(
                refused(format!("'{name}' is at {short}, which no branch holds"))
                    .hint(format!("git branch NAME {short}, or wrm -f {name}"))
                    .into(),
            );
        }
        let branch = self.fate(at, &head, keep_branch)?;
        Ok(Plan {
            name: name.clone(),
            path: entry.path.clone(),
            git_dir: entry.git_dir.clone(),
            head,
            stale_lock,
            branch,
            contents,
            checked,
        })
    }

    /// What stands against it whatever is in its files. Returns whether a lock of a dead session holds it.
    fn standing_against(&self, at: usize) -> Result<bool> {
        let entry = &self.entries[at];
        let (name, path) = (&entry.name, &entry.path);
        if entry.main {
            return Err(refused(format!("'{name}' is the main worktree")).into());
        }
        if !path.join(".git").exists() {
            let message = format!("the directory of '{name}' is gone: {}", path.display());
            return Err(Failure::new(Exit::NotFound, message).hint("wprune").into());
        }
        if self.repo.common_dir.starts_with(path) {
            return Err(refused(format!("the repository itself lies in '{name}'")).into());
        }
        if let Some(inner) = self
            .entries
            .iter()
            .find(|e| e.path != *path && e.path.starts_with(path))
        {
            let message = format!(
                "another worktree lies in '{name}': {}",
                inner.path.display()
            );
            return Err(refused(message).hint(format!("wrm {}", inner.name)).into());
        }
        let own = pointer(&path.join(".git"), b"gitdir: ").and_then(|dir| dir.canonicalize().ok());
        if own.as_deref() != entry.git_dir.canonicalize().ok().as_deref() {
            return Err(refused(format!(
                "'{name}' belongs to another repository, or was moved"
            ))
            .hint(format!("git worktree repair {}", path.display()))
            .into());
        }
        let lock = entry.locked();
        let stale = lock.as_deref().is_some_and(claude::is_stale_lock);
        if let Some(reason) = lock.filter(|_| !stale) {
            let because = if reason.is_empty() {
                String::new()
            } else {
                format!(": {reason}")
            };
            return Err(refused(format!("'{name}' is locked{because}"))
                .hint(format!("git worktree unlock {}", path.display()))
                .into());
        }
        if let Some(operation) = entry.operation().0 {
            return Err(
                refused(format!("'{name}' is in the middle of a {operation}"))
                    .hint(format!("git {operation} --abort, or finish it"))
                    .into(),
            );
        }
        if let Some((_, session)) = self.sessions.iter().find(|(of, _)| *of == at) {
            let called = session
                .name
                .as_ref()
                .map(|name| format!(" '{name}'"))
                .unwrap_or_default();
            let message = format!(
                "a session of Claude Code runs in '{name}':{called} (process {})",
                session.pid
            );
            return Err(refused(message).hint("end it first").into());
        }
        Ok(stale)
    }

    /// Would nothing but a snapshot hold this commit?
    fn nowhere_else(&self, commit: &str) -> Result<bool> {
        let out = Git::in_dir(&self.repo.common_dir)
            .here_only()
            .args([
                "for-each-ref",
                "--count=1",
                "--format=%(refname)",
                "--contains",
                commit,
            ])
            .args(["refs/heads/", "refs/remotes/", "refs/tags/"])
            .read()?;
        Ok(out.is_empty())
    }

    fn fate(&self, at: usize, head: &Head, keep: bool) -> Result<Fate> {
        let (Some(branch), Some(tip)) = (&head.branch, &head.id) else {
            return Ok(Fate::None);
        };
        if keep {
            return Ok(Fate::Keep("as you asked".into()));
        }
        if self.default.as_ref() == Some(branch) {
            return Ok(Fate::Keep("it is the default branch".into()));
        }
        let mut others = self
            .entries
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at);
        if let Some((_, other)) = others.find(|(_, e)| e.branch_meant().as_ref() == Some(branch)) {
            return Ok(Fate::Keep(format!(
                "'{}' has it checked out too",
                other.name
            )));
        }
        let place = merged::find(self.repo, branch.as_bstr(), tip, self.default.as_ref())?;
        Ok(place.map_or_else(|| Fate::Keep("it is not merged".into()), Fate::Delete))
    }

    /// The place in the default branch that holds the work of the branch of the worktree at `at`; `None` where there is
    /// none, or no work.
    ///
    /// # Errors
    /// Git fails.
    pub fn merged(&self, at: usize) -> Result<Option<Place>> {
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
            Some(place) if merged::has_own_work(self.repo, branch.as_bstr(), tip, &place)? => {
                Ok(Some(place))
            }
            _ => Ok(None),
        }
    }

    /// Where a shell in `dir` has to go once these are gone: `None` where it may stay.
    pub fn landing<'d>(&self, dir: &Path, gone: impl Iterator<Item = &'d Done>) -> Option<PathBuf> {
        let mut gone = gone;
        gone.any(|done| dir.starts_with(&done.path))
            .then(|| self.repo.root())
    }
}

impl Plan {
    /// What would be done.
    pub fn preview(&self) -> Done {
        Done {
            name: self.name.clone(),
            path: self.path.clone(),
            branch: self.head.branch.clone(),
            branch_deleted: matches!(self.branch, Fate::Delete(_)),
            snapshot: None,
        }
    }

    /// One line for people: what becomes of the branch and of what git does not know.
    pub fn describe(&self, done: &Done) -> String {
        let mut line = String::new();
        match (&self.branch, &done.branch) {
            (Fate::Delete(place), Some(branch)) if done.branch_deleted => {
                let _ = write!(line, "; branch {branch} deleted: its commits are {place}");
            }
            (Fate::Keep(why), Some(branch)) => {
                let _ = write!(line, "; branch {branch} kept: {why}");
            }
            _ => {}
        }
        let kept: Vec<_> = self.contents.kept.iter().map(ToString::to_string).collect();
        if !kept.is_empty() {
            let _ = write!(line, "; ignored files kept for wundo: {}", listed(&kept));
        }
        if !self.contents.lost.is_empty() {
            let _ = write!(
                line,
                "; ignored files NOT kept: {}",
                sized(&self.contents.lost)
            );
        }
        if !self.contents.repositories.is_empty() {
            let names: Vec<_> = self
                .contents
                .repositories
                .iter()
                .map(ToString::to_string)
                .collect();
            let _ = write!(
                line,
                "; repositories in it not kept, their remotes have all: {}",
                listed(&names)
            );
        }
        line
    }

    /// Removes it.
    ///
    /// # Errors
    /// Something fails; the worktree is where it was then.
    pub fn carry_out(&self, repo: &Repo) -> Result<Done> {
        let common_dir = &repo.common_dir;
        let deletes = matches!(self.branch, Fate::Delete(_));
        let settings = match &self.head.branch {
            Some(branch) if deletes => repo.branch_settings(branch)?,
            _ => vec![],
        };
        let removed = Removed {
            id: String::new(),
            name: self.name.clone(),
            path: self.path.clone(),
            branch: self.head.branch.clone(),
            head: self.head.id.clone(),
            branch_deleted: deletes,
            settings,
            full: self.contents.changed() || self.contents.marked,
            kept: self.contents.kept.len(),
            time: Timestamp::now(),
        };
        let (removed, journal) = self.begin(common_dir, removed)?;
        let prepared = snapshot::write(common_dir, &self.git_dir, &removed, &self.contents)
            .and_then(|()| trash::rename(&journal, &self.path));
        if let Err(error) = prepared {
            journal.roll_back(common_dir)?;
            return Err(error);
        }
        let branch_deleted = trash::forward(repo, journal)?;
        Ok(Done {
            branch_deleted,
            snapshot: Some(removed.reference()),
            ..self.preview()
        })
    }

    /// Notes what is about to be done, under an id that nobody has.
    fn begin(&self, common_dir: &Path, mut removed: Removed) -> Result<(Removed, Journal)> {
        let stem = format!(
            "{}-{}",
            snapshot::slug(self.name.as_bstr()),
            removed.time.strftime("%Y%m%dT%H%M%S.%3fZ")
        );
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        for attempt in 1.. {
            removed.id = if attempt == 1 {
                stem.clone()
            } else {
                format!("{stem}-{attempt}")
            };
            let mut record: Record = removed.record();
            // Out of everybody's sight where that is on the same file system; else beside where it was.
            for dir in [
                Some(common_dir.join("treehop/trash")),
                self.path.parent().map(Path::to_owned),
            ]
            .into_iter()
            .flatten()
            {
                record.add(
                    "trash",
                    bytes(&dir.join(format!(".treehop-{}", removed.id))),
                );
            }
            record.add("git-dir", bytes(&self.git_dir));
            record.add(
                "gitdir",
                std::fs::read(self.git_dir.join("gitdir"))
                    .context("could not read what git knows of it")?,
            );
            record.add("checked", trash::nanos(self.checked));
            if self.stale_lock {
                record.add("stale-lock", "");
            }
            if !snapshot::exists(common_dir, &removed.id)
                && let Some(journal) = Journal::begin(common_dir, "removing", &removed.id, record)?
            {
                return Ok((removed, journal));
            }
        }
        anyhow::bail!("no name is left for a snapshot")
    }
}

/// The counts that are not zero.
fn counted(changes: Changes) -> String {
    let counts = [
        (changes.conflicted, "in conflict"),
        (changes.staged, "staged"),
        (changes.modified, "modified"),
        (changes.untracked, "untracked"),
    ];
    let counts = counts.iter().filter(|(n, _)| *n > 0);
    counts
        .map(|(n, what)| format!("{n} {what}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The first few, and how many more.
fn listed(names: &[String]) -> String {
    let mut line = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        let _ = write!(line, " and {} more", names.len() - NAMED);
    }
    line.replace(char::is_control, "?")
}

fn sized(files: &[(BString, u64)]) -> String {
    let names: Vec<_> = files.iter().map(|(path, _)| path.to_string()).collect();
    let sum: u64 = files.iter().map(|(_, size)| size).sum();
    format!("{} ({} MB)", listed(&names), sum.div_ceil(1_000_000))
}
