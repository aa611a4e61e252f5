//! `treehop undo`: a removed worktree comes back.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use gix::bstr::{BStr, BString};
use serde::Serialize;

use crate::cli::{self, Format};
use crate::output::{self, Document, Found, Row};
use crate::reader::Reader;
use crate::removal::snapshot::Removed;
use crate::removal::{restoring, snapshot};
use crate::repo::Repo;
use crate::unfinished;
use crate::worktree::{self, RepoInfo, Worktree};
use crate::{known, places, plain, setup};

/// What can be brought back.
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the names of the JSON")]
struct Snapshot {
    #[serde(serialize_with = "worktree::text")]
    name: BString,
    #[serde(serialize_with = "worktree::path")]
    path: PathBuf,
    #[serde(serialize_with = "worktree::text_or_null")]
    branch: Option<BString>,
    head: Option<String>,
    branch_deleted: bool,
    /// Does it hold changes, too?
    changed: bool,
    /// How many ignored files were kept.
    ignored: usize,
    time: String,
    snapshot: String,
}

#[derive(Serialize)]
struct List {
    schema: u8,
    repo: RepoInfo,
    snapshots: Vec<Snapshot>,
}

#[derive(Serialize)]
struct Undone {
    #[serde(flatten)]
    document: Document,
    restored: Snapshot,
}

fn describe(removed: &Removed) -> Snapshot {
    Snapshot {
        name: removed.name.clone(),
        path: removed.path.clone(),
        branch: removed.branch.clone(),
        head: removed.head.clone(),
        branch_deleted: removed.branch_deleted,
        changed: removed.full,
        ignored: removed.kept,
        time: removed.time.to_string(),
        snapshot: removed.reference(),
    }
}

/// Runs `treehop undo`.
pub fn run(args: &cli::Undo) -> Result<()> {
    let dir = super::current_dir()?;
    let mut repo = Repo::discover(&dir)?;
    known::remember(&repo);
    if args.list {
        return list(&repo, args);
    }
    if unfinished::resume(&repo)? {
        repo = Repo::discover(&dir)?;
    }
    let snapshots = snapshot::list(&repo.common_dir)?;
    let name = args.name.as_ref().map(|name| BStr::new(name.as_bytes()));
    let removed = restoring::choose(&snapshots, name)?;
    if let Some(why) = restoring::restore(&repo, removed)? {
        say!("'{}' is detached: {why}", removed.name);
    }
    say!("'{}' is back: {}", removed.name, removed.path.display());
    if setup::is_wanted(&removed.path) {
        say!("dependencies are not kept: wsetup installs them again");
    }
    let entries = repo.entries()?;
    let at = entries
        .iter()
        .position(|entry| entry.path == removed.path)
        .context("git does not list it")?;
    let reader = Reader::new(&repo, &entries, &args.show);
    let document = reader.document(at, Some(removed.path.clone()))?;
    if !args.show.fields.is_empty() || args.show.format == Format::Table {
        return output::one(&document, &args.show);
    }
    output::json(&Undone {
        document,
        restored: describe(removed),
    })
}

/// Prints what can be brought back, the latest first.
fn list(repo: &Repo, args: &cli::Undo) -> Result<()> {
    let entries = repo.entries()?;
    let info = Reader::new(repo, &entries, &args.show).repo();
    let all = snapshot::list(&repo.common_dir)?;
    let snapshots = match &args.name {
        Some(name) => restoring::fitting(&all, BStr::new(name.as_bytes())),
        None => all.iter().collect(),
    };
    if args.show.fields.is_empty() && args.show.format == Format::Json {
        return output::json(&List {
            schema: output::SCHEMA,
            repo: info,
            snapshots: snapshots.into_iter().map(describe).collect(),
        });
    }
    let rows: Vec<(Worktree, Found)> = snapshots.into_iter().map(as_row).collect();
    if args.show.format == Format::Table {
        let lines: Vec<_> = rows
            .iter()
            .map(|(worktree, found)| {
                format!(
                    "{:30}  {}\n",
                    plain::line(&worktree.name),
                    found.description
                )
            })
            .collect();
        return output::raw(lines.concat().as_bytes());
    }
    let rows = rows.iter().map(|(worktree, found)| Row {
        repo: &info,
        worktree,
        cd: None,
        found: Some(found),
        launch: None,
    });
    output::fields(rows, &args.show.fields)
}

/// As a worktree that `--fields` can read; its query is what `undo` takes.
fn as_row(removed: &Removed) -> (Worktree, Found) {
    let worktree = Worktree {
        name: removed.name.clone(),
        path: removed.path.clone(),
        branch: removed.branch.clone(),
        head: removed.head.clone(),
        detached: removed.branch.is_none(),
        ..Worktree::default()
    };
    let time = removed.time.to_string();
    let minutes = time.get(..16).unwrap_or_default().replace('T', " ");
    let branch = removed
        .branch
        .as_ref()
        .map(|branch| format!(" · {branch}"))
        .unwrap_or_default();
    let changed = if removed.full { " · with changes" } else { "" };
    let description = format!(
        "{minutes} UTC{branch}{changed} · {}",
        places::shown(&removed.path)
    );
    let found = Found {
        query: removed.id.clone().into(),
        description: plain::line(&description),
    };
    (worktree, found)
}
