//! `treehop prune`: what nobody needs any more is forgotten.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::BString;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::git::{self, Git};
use crate::journal::Turn;
use crate::reader::Reader;
use crate::removal::{Done, Surroundings, git_dir, snapshot, trash};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::{claude, cli};
use crate::{known, merged, output, unfinished, worktree};

/// No run of treehop takes longer.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long a removed worktree can be brought back.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The year 2001 in seconds since 1970: clocks that were never set are before it.
const LONG_AGO: i64 = 978_307_200;

/// A worktree that git has forgotten.
#[derive(Serialize)]
struct Pruned {
    #[serde(serialize_with = "worktree::text")]
    name: BString,
    #[serde(serialize_with = "worktree::path")]
    path: PathBuf,
    #[serde(serialize_with = "worktree::text_or_null")]
    branch: Option<BString>,
    reason: String,
}

#[derive(Serialize)]
struct What {
    pruned: Vec<Pruned>,
    removed: Vec<Done>,
    snapshots_dropped: usize,
}

/// Runs `treehop prune`.
pub fn run(args: &cli::Prune) -> Result<()> {
    let dir = super::current_dir()?;
    if args.behind {
        // Started in the common git directory by a run that has ended.
        trash::empty_patiently(&dir);
        return Ok(());
    }
    let repo = Repo::discover(&dir)?;
    known::remember(&repo);
    let dry_run = args.dry_run;
    let turn = (!dry_run).then(|| unfinished::turn(&repo)).transpose()?;
    let mut entries = repo.entries()?;
    let pruned = forget(&repo, &entries, turn.as_ref())?;
    if turn.is_some() {
        entries = repo.entries()?;
        drop(turn);
        for line in trash::empty(&repo.common_dir) {
            say!("treehop: {line}");
        }
    }
    let around = Surroundings::new(&repo, &entries);
    let mut removed = sweep_agents(&around, dry_run)?;
    if args.merged {
        removed.extend(remove_merged(&around, dry_run)?);
    }
    let snapshots_dropped = drop_old(&repo, dry_run)?;
    let mut cd = None;
    if !dry_run {
        trash::empty_behind(&repo.common_dir);
        cd = around.landing(&dir, &removed);
    }
    if pruned.is_empty() && removed.is_empty() {
        say!("nothing to prune");
    }
    let show = cli::Show::default();
    let info = Reader::new(&repo, &entries, &show).repo();
    let what = What {
        pruned,
        removed,
        snapshots_dropped,
    };
    output::whole(&info, what, cd, &args.fields)
}

/// Lets git forget the worktrees whose directory is gone, and says which ones were only moved. Not one's turn: a dry
/// run.
fn forget(repo: &Repo, entries: &[Entry], turn: Option<&Turn>) -> Result<Vec<Pruned>> {
    let mut pruned = vec![];
    for entry in entries.iter().filter(|entry| !entry.main) {
        let name = &entry.name;
        let Some(reason) = entry.prunable() else {
            if entry.path.is_dir() && git_dir(&entry.path) != entry.git_dir.canonicalize().ok() {
                say!(
                    "'{name}' does not know where its repository is; it or the main worktree was moved"
                );
                say!("hint: git worktree repair {}", entry.path.display());
            }
            continue;
        };
        if let Some(now) = moved_to(entry, entries) {
            say!("'{name}' is kept: it was moved to {}", now.display());
            say!("hint: git worktree repair {}", now.display());
            continue;
        }
        if let Some(what) = only_there(repo, entry) {
            say!("'{name}' is kept, although its directory is gone: it holds {what}");
            say!("hint: git worktree prune forgets that too");
            continue;
        }
        let branch = entry.branch_meant();
        if turn.is_some() {
            Git::changing(&repo.common_dir)
                .args(["worktree", "remove", "--"])
                .args([&entry.path])
                .run()
                .with_context(|| format!("git did not forget '{name}'"))?;
        }
        let verb = turn.map_or("would forget", |_| "forgot");
        say!("{verb} '{name}': {}", entry.path.display());
        pruned.push(Pruned {
            name: name.clone(),
            path: entry.path.clone(),
            branch,
            reason,
        });
    }
    let mut all = entries.iter();
    if turn.is_some() && all.all(|entry| entry.main || entry.path.join(".git").exists()) {
        // Git also knows of admin files that name no worktree at all.
        Git::changing(&repo.common_dir)
            .args(["worktree", "prune"])
            .run()?;
    }
    Ok(pruned)
}

/// Where a worktree is now that was moved without git's knowledge: looked for beside where it and the others were.
fn moved_to(entry: &Entry, entries: &[Entry]) -> Option<PathBuf> {
    let mut parents: Vec<&Path> = std::iter::once(entry)
        .chain(entries)
        .filter_map(|e| e.path.parent())
        .collect();
    parents.dedup();
    let own = entry.git_dir.canonicalize().ok()?;
    parents
        .iter()
        .filter_map(|parent| std::fs::read_dir(parent).ok())
        .flat_map(|names| names.flatten().map(|name| name.path()))
        .find(|dir| git_dir(dir).as_ref() == Some(&own))
}

/// Work that only the admin files of a worktree without a directory hold.
fn only_there(repo: &Repo, entry: &Entry) -> Option<&'static str> {
    if entry.operation().0.is_some() {
        return Some("an operation that is under way");
    }
    let head = entry.head(repo);
    let commit = head.id.as_ref()?;
    if head.detached && !merged::held(repo, commit).unwrap_or_default() {
        return Some("a commit that no branch holds");
    }
    let index = entry.git_dir.join("index");
    let staged = Git::at(&repo.common_dir)
        .env("GIT_INDEX_FILE", &index)
        .args(["diff-index", "--cached", "--quiet", commit, "--"])
        .read();
    match staged {
        Err(error) if index.exists() => Some(if git::wordless(&error) {
            "staged changes"
        } else {
            "what git cannot read now"
        }),
        _ => None,
    }
}

/// Removes the worktrees of subagents whose session is dead, where nothing would be lost: nobody else asks for that.
fn sweep_agents(around: &Surroundings, dry_run: bool) -> Result<Vec<Done>> {
    let mut removed = vec![];
    for (at, entry) in around.entries.iter().enumerate() {
        let reason = entry.locked().unwrap_or_default();
        if !(reason.starts_with(claude::AGENT) && claude::is_stale_lock(&reason)) {
            continue;
        }
        match around.check(at, false, false) {
            Ok(plan) => removed.push(plan.carry_out(around.repo, dry_run)?),
            Err(error) => say!("'{}' of a dead agent is kept: {error:#}", entry.name),
        }
    }
    Ok(removed)
}

/// Removes the worktrees whose branch is merged and that nothing stands against.
fn remove_merged(around: &Surroundings, dry_run: bool) -> Result<Vec<Done>> {
    let mut plans = vec![];
    for (at, entry) in around.entries.iter().enumerate() {
        let Some((place, own)) = around.merged(at)? else {
            continue;
        };
        if !own {
            say!("'{}' is kept: it has no commits of its own yet", entry.name);
            continue;
        }
        match around.check(at, false, false) {
            Ok(plan) => {
                say!("'{}' is {place}: {}", entry.name, entry.path.display());
                plans.push((&entry.name, plan));
            }
            Err(error) => say!("'{}' is {place}, but kept: {error:#}", entry.name),
        }
    }
    let mut removed = vec![];
    for (name, plan) in plans {
        match plan.carry_out(around.repo, dry_run) {
            Ok(done) => removed.push(done),
            // The others can go all the same.
            Err(error) => say!("'{name}' is kept: {error:#}"),
        }
    }
    Ok(removed)
}

/// Deletes the snapshots that are too old, and what was kept for those that somebody deleted.
fn drop_old(repo: &Repo, dry_run: bool) -> Result<usize> {
    let now = Timestamp::now();
    let snapshots = snapshot::list(&repo.common_dir)?;
    let old = snapshots
        .iter()
        .filter(|removed| now.duration_since(removed.time) > KEPT)
        // When that was, nobody knows.
        .filter(|removed| removed.time.as_second() > LONG_AGO);
    let mut dropped = 0;
    for removed in old {
        if !dry_run {
            snapshot::discard(&repo.common_dir, &removed.id)?;
        }
        dropped += 1;
    }
    let of_none = |id: &str| snapshots.iter().all(|removed| id != removed.id);
    if !dry_run {
        sweep(&repo.common_dir.join("treehop/kept"), KEPT, of_none);
        // From questions that were killed.
        sweep(&repo.common_dir.join("treehop"), DAY, |name| {
            name.starts_with("objects-") || name.starts_with("index-")
        });
    }
    Ok(dropped)
}

/// Deletes what is in `dir`, called so and older than `age`.
fn sweep(dir: &Path, age: SignedDuration, called: impl Fn(&str) -> bool) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
        let old = modified
            .and_then(|time| time.elapsed().ok())
            .is_some_and(|since| since > age.unsigned_abs());
        if old && entry.file_name().to_str().is_some_and(&called) {
            let path = entry.path();
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(path));
        }
    }
}
