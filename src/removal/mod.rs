//! Removing a worktree: what stands against it, then what is kept of it, then it goes. And bringing it back.

mod checking;
pub mod contents;
pub mod removing;
pub mod restoring;
pub mod snapshot;
pub mod trash;

use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use gix::bstr::BString;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::{Exit, Failure};
use crate::merged::Place;
use crate::plain;
use crate::repo::discover::pointer;
use crate::repo::{Head, Repo, stash};
use crate::session::lock::Lock;
pub use checking::{Surroundings, counted};
use contents::Contents;
use removing::{Removing, Seen};
use snapshot::Removed;

/// How many names are said before the rest is a number.
const NAMED: usize = 3;

/// What becomes of the branch.
#[derive(Debug)]
enum Fate {
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
    /// No session is to begin in it while it goes; its own one may ask for that.
    guarded: bool,
    branch: Fate,
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

impl Plan {
    /// Removes it, or with `dry_run` not, and says what becomes of the branch and of what git does not know.
    ///
    /// # Errors
    /// Something fails; the worktree is where it was then.
    pub fn carry_out(&self, repo: &Repo, dry_run: bool) -> Result<Done> {
        let mut done = Done {
            name: self.name.clone(),
            path: self.path.clone(),
            branch: self.head.branch.clone(),
            branch_deleted: matches!(self.branch, Fate::Delete(_)),
            snapshot: None,
        };
        if !dry_run {
            let _guard = self.guard()?;
            let removed = self.removed(repo, done.branch_deleted)?;
            let seen = Seen {
                git_dir: &self.git_dir,
                at: self.checked,
                stale_lock: self.stale_lock,
            };
            let removing = Removing::begin(repo, removed, &seen)?;
            done.snapshot = Some(removing.removed.reference());
            done.branch_deleted = removing.carry_out(repo, &self.git_dir, &self.contents)?;
        }
        let verb = if dry_run { "would remove" } else { "removed" };
        let stashed = stashed(repo, &done);
        say!(
            "{verb} '{}'{}{stashed}",
            done.name,
            self.describe(&done, dry_run)
        );
        Ok(done)
    }

    /// Keeps sessions from beginning there.
    fn guard(&self) -> Result<Option<Lock>> {
        let lock = self.guarded.then(|| Lock::take(&self.git_dir));
        match lock.transpose()? {
            Some(None) => {
                let message = format!("a session begins in '{}' now", self.name);
                Err(Failure::new(Exit::Refused, message).hint("wls").into())
            }
            taken => Ok(taken.flatten()),
        }
    }

    fn removed(&self, repo: &Repo, branch_deleted: bool) -> Result<Removed> {
        let branch = self.head.branch.as_ref();
        let settings = branch
            .filter(|_| branch_deleted)
            .map(|branch| repo.branch_settings(branch));
        Ok(Removed {
            id: String::new(),
            name: self.name.clone(),
            path: self.path.clone(),
            branch: branch.cloned(),
            head: self.head.id.clone(),
            branch_deleted,
            settings: settings.transpose()?.unwrap_or_default(),
            full: self.contents.changed() || self.contents.marked,
            kept: self.contents.kept.len(),
            time: Timestamp::now(),
        })
    }

    fn describe(&self, done: &Done, dry_run: bool) -> String {
        let mut line = String::new();
        let deleted = if dry_run {
            "would be deleted"
        } else {
            "deleted"
        };
        match (&self.branch, &done.branch) {
            (Fate::Delete(place), Some(branch)) if done.branch_deleted => {
                let _ = write!(
                    line,
                    "\n  branch {branch} {deleted}: its commits are {place}"
                );
            }
            (Fate::Keep(why), Some(branch)) => {
                let _ = write!(line, "\n  branch {branch} kept: {why}");
            }
            _ => {}
        }
        let Contents {
            kept,
            lost,
            repositories,
            ..
        } = &self.contents;
        let mut add = |what, names: String| {
            if !names.is_empty() {
                let _ = write!(line, "\n  {what}: {names}");
            }
        };
        add("ignored files kept for wundo", listed(kept));
        add("ignored files NOT kept", sized(lost));
        add(
            "repositories in it not kept, their remotes have all",
            listed(repositories),
        );
        line
    }
}

/// The stash is one for all worktrees: entries outlive the branch that they were made on.
fn stashed(repo: &Repo, done: &Done) -> String {
    let branch = done.branch.as_ref().filter(|_| done.branch_deleted);
    let count = branch.and_then(|branch| stash::by_branch(repo).get(branch).copied());
    match count {
        Some(count) => {
            format!("\n  entries of the stash that were made on it stay: {count} (git stash list)")
        }
        None => String::new(),
    }
}

/// The first few, and how many more.
fn listed(names: impl IntoIterator<Item = impl Display, IntoIter: ExactSizeIterator>) -> String {
    let names = names.into_iter();
    let more = names.len().saturating_sub(NAMED);
    let mut line = joined(names.take(NAMED));
    if more > 0 {
        let _ = write!(line, " and {more} more");
    }
    plain::line(&line)
}

fn joined(names: impl Iterator<Item = impl Display>) -> String {
    let names: Vec<_> = names.map(|name| name.to_string()).collect();
    names.join(", ")
}

fn sized(files: &[(BString, u64)]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let names = listed(files.iter().map(|(path, _)| path));
    let sum: u64 = files.iter().map(|(_, size)| size).sum();
    format!("{names} ({} MB)", sum.div_ceil(1_000_000))
}

/// The git directory, a real path, that the worktree at `root` names as its own.
pub fn git_dir(root: &Path) -> Option<PathBuf> {
    let named = pointer(&root.join(".git"), b"gitdir: ")?;
    named.canonicalize().ok()
}
