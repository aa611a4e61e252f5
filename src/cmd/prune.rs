//! `treehop prune`: what nobody needs any more is forgotten.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::BString;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli;
use crate::git::Git;
use crate::known;
use crate::output::{self, Row};
use crate::reader::Reader;
use crate::removal::{Done, Surroundings};
use crate::removal::{restoring, snapshot, trash};
use crate::repo::Repo;
use crate::repo::discover::pointer;
use crate::repo::entry::Entry;
use crate::worktree::{self, RepoInfo, Worktree};

/// No run of treehop takes longer.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long a removed worktree can be brought back.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

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
struct Document {
    schema: u8,
    repo: RepoInfo,
    pruned: Vec<Pruned>,
    removed: Vec<Done>,
    snapshots_dropped: usize,
    #[serde(serialize_with = "worktree::path_or_null")]
    cd: Option<PathBuf>,
}

/// Runs `treehop prune`.
pub fn run(args: &cli::Prune) -> Result<()> {
    let dir = super::current_dir()?;
    if args.behind {
        // Started in the common git directory by a run that has ended.
        trash::empty(&dir);
        return Ok(());
    }
    let repo = Repo::discover(&dir)?;
    known::remember(&repo);
    if !args.dry_run {
        let mut said = [trash::resume(&repo), restoring::resume(&repo)].concat();
        said.extend(trash::empty(&repo.common_dir));
        for line in said {
            eprintln!("treehop: {line}");
        }
    }
    let entries = repo.entries()?;
    let pruned = forget(&repo, &entries, args.dry_run)?;
    let entries = if pruned.is_empty() || args.dry_run {
        entries
    } else {
        repo.entries()?
    };
    let around = Surroundings::new(&repo, &entries);
    let removed = if args.merged {
        remove_merged(&around, args.dry_run)?
    } else {
        vec![]
    };
    let snapshots_dropped = drop_old(&repo, args.dry_run)?;
    if !args.dry_run {
        trash::empty_behind(&repo.common_dir);
    }
    let cd = around
        .landing(&dir, removed.iter())
        .filter(|_| !args.dry_run);
    let show = cli::Show::default();
    let info = Reader::new(&repo, &entries, &show).repo();
    if args.fields.is_empty() {
        return output::json(&Document {
            schema: output::SCHEMA,
            repo: info,
            pruned,
            removed,
            snapshots_dropped,
            cd,
        });
    }
    let row = Row {
        repo: &info,
        worktree: &Worktree::default(),
        cd: cd.as_deref(),
        found: None,
        launch: None,
    };
    output::fields(std::iter::once(row), &args.fields)
}

/// Lets git forget the worktrees whose directory is gone, and says which ones were only moved.
fn forget(repo: &Repo, entries: &[Entry], dry_run: bool) -> Result<Vec<Pruned>> {
    let mut pruned = vec![];
    for entry in entries.iter().filter(|entry| !entry.main) {
        let name = &entry.name;
        let Some(reason) = entry.prunable() else {
            if entry.path.is_dir() && points_elsewhere(entry) {
                eprintln!(
                    "'{name}' does not know where its repository is; it or the main worktree was moved"
                );
                eprintln!("hint: git worktree repair {}", entry.path.display());
            }
            continue;
        };
        if let Some(now) = moved_to(entry, entries) {
            eprintln!("'{name}' is kept: it was moved to {}", now.display());
            eprintln!("hint: git worktree repair {}", now.display());
            continue;
        }
        if let Some(what) = only_there(repo, entry) {
            eprintln!("'{name}' is kept, although its directory is gone: it holds {what}");
            eprintln!("hint: git worktree prune forgets that too");
            continue;
        }
        let branch = entry.branch_meant();
        if !dry_run {
            Git::changing(&repo.common_dir)
                .args([
                    Path::new("worktree"),
                    Path::new("remove"),
                    Path::new("--"),
                    &entry.path,
                ])
                .run()
                .with_context(|| format!("git did not forget '{name}'"))?;
        }
        eprintln!(
            "{} '{name}': {}",
            if dry_run { "would forget" } else { "forgot" },
            entry.path.display()
        );
        pruned.push(Pruned {
            name: name.clone(),
            path: entry.path.clone(),
            branch,
            reason,
        });
    }
    if !dry_run
        && entries
            .iter()
            .all(|entry| entry.main || entry.path.join(".git").exists())
    {
        // Git also knows of admin files that name no worktree at all.
        Git::changing(&repo.common_dir)
            .args(["worktree", "prune"])
            .run()?;
    }
    Ok(pruned)
}

/// Does the worktree name another git directory than the one that names it?
fn points_elsewhere(entry: &Entry) -> bool {
    let named =
        pointer(&entry.path.join(".git"), b"gitdir: ").and_then(|dir| dir.canonicalize().ok());
    named.is_none() || named != entry.git_dir.canonicalize().ok()
}

/// Where a worktree is now that was moved without git's knowledge: looked for beside where it and the others were.
fn moved_to(entry: &Entry, entries: &[Entry]) -> Option<PathBuf> {
    let mut parents: Vec<&Path> = std::iter::once(entry)
        .chain(entries)
        .filter_map(|e| e.path.parent())
        .collect();
    parents.dedup();
    let own = entry.git_dir.canonicalize().ok()?;
    let is_it = |dir: &PathBuf| {
        pointer(&dir.join(".git"), b"gitdir: ")
            .and_then(|dir| dir.canonicalize().ok())
            .as_ref()
            == Some(&own)
    };
    parents
        .iter()
        .filter_map(|parent| std::fs::read_dir(parent).ok())
        .flat_map(|names| names.flatten().map(|name| name.path()))
        .find(is_it)
}

/// Work that only the admin files of a worktree without a directory hold.
fn only_there(repo: &Repo, entry: &Entry) -> Option<&'static str> {
    if entry.operation().0.is_some() {
        return Some("an operation that is under way");
    }
    let head = entry.head(repo);
    let git = || Git::in_dir(&repo.common_dir).here_only();
    let commit = head.id.as_ref()?;
    if head.detached {
        let holding = git()
            .args(["for-each-ref", "--count=1", "--contains", commit])
            .args(["refs/heads/", "refs/remotes/", "refs/tags/"])
            .read();
        if !holding.is_ok_and(|refs| !refs.is_empty()) {
            return Some("a commit that no branch holds");
        }
    }
    let index = entry.git_dir.join("index");
    let staged = git()
        .env("GIT_INDEX_FILE", &index)
        .args(["diff-index", "--cached", "--quiet", commit, "--"])
        .read();
    (index.exists() && staged.is_err()).then_some("staged changes")
}

/// Removes the worktrees whose branch is merged and that nothing stands against.
fn remove_merged(around: &Surroundings, dry_run: bool) -> Result<Vec<Done>> {
    let mut plans = vec![];
    for (at, entry) in around.entries.iter().enumerate() {
        let Some(place) = around.merged(at)? else {
            continue;
        };
        match around.check(at, false, false) {
            Ok(plan) => {
                eprintln!("'{}' is {place}: {}", entry.name, entry.path.display());
                plans.push(plan);
            }
            Err(error) => eprintln!("'{}' is {place}, but kept: {error:#}", entry.name),
        }
    }
    let mut removed = vec![];
    for plan in plans {
        if dry_run {
            removed.push(plan.preview());
            continue;
        }
        match plan.carry_out(around.repo) {
            Ok(done) => {
                eprintln!("removed '{}'{}", done.name, plan.describe(&done));
                removed.push(done);
            }
            // The others can go all the same.
            Err(error) => eprintln!("'{}' is kept: {error:#}", plan.preview().name),
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
        .filter(|removed| now.duration_since(removed.time) > KEPT);
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
        // From a question about merges that was killed.
        sweep(&repo.common_dir.join("treehop"), DAY, |name| {
            name.starts_with("objects-")
        });
    }
    Ok(dropped)
}

/// Deletes the directories in `dir` that are called so and older than `age`.
fn sweep(dir: &Path, age: SignedDuration, called: impl Fn(&str) -> bool) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
        let old = modified
            .and_then(|time| time.elapsed().ok())
            .is_some_and(|since| since > age.unsigned_abs());
        if old && entry.file_name().to_str().is_some_and(&called) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
