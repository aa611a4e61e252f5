//! Setting up a worktree: what git ignores is copied where `.worktreeinclude` names it, dependencies are installed by
//! what the worktree holds (DESIGN, "Setting up a worktree"). Only ever because somebody asked.

mod include;
mod log;
mod python;
mod run;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::error::{Exit, Failure};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use log::Log;
pub use log::{is_held as is_under_way, path as log_path};
use run::Runner;
pub use run::say;
pub use table::is_wanted;

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Copy what `.worktreeinclude` names, and run nothing.
    Copy,
    /// Then install.
    All,
}

/// One thing that was done, or not.
#[derive(Debug, Serialize)]
pub struct Step {
    /// `copy`, `treehop.setup`, or the tool: `uv`, `venv`, `pip`, `npm`, …
    pub name: &'static str,
    /// As one would type it.
    pub command: Option<String>,
    /// What became of it.
    pub status: Status,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed or was skipped; what was copied.
    pub reason: Option<String>,
    /// Where all that it printed is.
    #[serde(serialize_with = "crate::worktree::path_or_null")]
    pub log: Option<PathBuf>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Status {
    Done,
    Failed,
    Skipped,
}

impl Step {
    /// A step that runs nothing.
    fn without_command(name: &'static str, status: Status, reason: String) -> Self {
        Step {
            name,
            command: None,
            status,
            seconds: 0.0,
            reason: Some(reason),
            log: None,
        }
    }
}

/// Sets up the worktree at `top`, its root. `treehop new` calls it when the checkout is complete; for a stranger's pull
/// request only if it was asked to, since even a copied `.env` would lie beside a stranger's code.
///
/// # Errors
/// A step failed: the last lines of what it printed are on the screen, and the worktree stays as it is. Ctrl-C ends the
/// process once the running tool has ended.
pub fn worktree(top: &Path, extent: Extent) -> Result<Vec<Step>> {
    let repo = Repo::discover(top)?;
    let entries = repo.entries()?;
    let Some(entry) = entries.iter().find(|entry| entry.git_dir == repo.git_dir) else {
        let message = format!("git does not list the worktree '{}'", top.display());
        return Err(Failure::new(Exit::NotFound, message)
            .hint("git worktree repair")
            .into());
    };
    if entry.main && repo.bare {
        let message = format!("'{}' is bare: it has no files", repo.root().display());
        return Err(Failure::new(Exit::Failed, message)
            .hint("wsetup QUERY")
            .into());
    }
    let source = source(&repo, &entries)
        .filter(|source| source.git_dir != entry.git_dir && include::is_wanted(&source.path));
    if extent == Extent::Copy && source.is_none() {
        return Ok(vec![]);
    }
    let log = Log::open(&entry.git_dir)?;
    let mut steps = Vec::from_iter(source.map(|source| include::step(&source.path, entry)));
    if extent == Extent::All {
        let runner = Runner::new(&repo, entry, log)?;
        match repo.settings().setup() {
            Some(commands) => runner.commands(&commands, &mut steps),
            None => table::install(&runner, &mut steps),
        }
    }
    failures(&steps, entry)?;
    Ok(steps)
}

/// The worktree that `.worktreeinclude` is about: the main one; where that is bare, the default branch's.
fn source<'a>(repo: &Repo, entries: &'a [Entry]) -> Option<&'a Entry> {
    let main = entries.first()?;
    if !repo.bare {
        return Some(main);
    }
    let default = repo.default_branch(|| main.head(repo).branch)?;
    let branch = |entry: &Entry| entry.head(repo).branch;
    entries
        .iter()
        .skip(1)
        .find(|entry| branch(entry).as_ref() == Some(&default))
}

/// Says what failed, if anything did.
fn failures(steps: &[Step], entry: &Entry) -> Result<()> {
    let failed = steps.iter().filter(|step| step.status == Status::Failed);
    let lines: Vec<String> = failed
        .map(|step| {
            let what = step.command.as_deref().unwrap_or(step.name);
            let why = step.reason.as_deref().unwrap_or_default();
            let log = step.log.as_ref();
            let log = log.map_or_else(String::new, |log| format!("\n  log: {}", log.display()));
            format!("{what} failed: {why}{log}")
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, lines.join("\n"))
        .hint(format!("wcd {}; wsetup", entry.name))
        .into())
}
