//! Bringing a removed worktree back. It is made out of sight and then renamed to its place, so that a kill leaves all
//! of it there or nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use gix::bstr::{BStr, BString, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::{self, Git, branch_ref};
use crate::journal::{Journal, Kind, Turn};
use crate::query::{self, Target};
use crate::removal::git_dir;
use crate::removal::snapshot::{self, Removed};
use crate::repo::Repo;
use crate::repo::entry::base_name;
use crate::unfinished;

/// The file in a worktree's git directory that says that it is being restored, and from what.
const MARK: &str = "treehop-undo";

/// Brings it back. Returns why it is detached although there was a branch.
///
/// # Errors
/// [`Exit::Refused`] where its place is taken; git fails, or a file cannot be written: nothing has changed then.
pub fn restore(repo: &Repo, removed: &Removed) -> Result<Option<String>> {
    let turn = unfinished::turn(repo)?;
    let parent = free(repo, &removed.path)?;
    // Hidden, and for certain on the same file system; not where the removal may still delete behind what it renamed.
    let place = parent.join(format!(".treehop-undo-{}", removed.id));
    let mut record = removed.record();
    record.add_path("place", &place);
    let journal = Journal::begin(&repo.common_dir, Kind::Undoing, &removed.id, &record)?;
    let journal = journal.ok_or_else(|| {
        let message = format!("another treehop is bringing '{}' back now", removed.name);
        Failure::new(Exit::Refused, message).hint("wait until that is done")
    })?;
    match build(repo, removed, &place, turn) {
        Ok((turn, detached)) => {
            finish(repo, removed, journal, &turn)?;
            Ok(detached)
        }
        Err(error) => {
            throw_away(repo, &place, &Turn::wait(&repo.common_dir)?);
            journal.done()?;
            Err(error)
        }
    }
}

/// Makes sure that a worktree can be at `path`, and returns the directory above it.
fn free<'a>(repo: &Repo, path: &'a Path) -> Result<&'a Path> {
    let refused = |what: &str, hint: &str| {
        let message = format!("{what} '{}'", path.display());
        Err(Failure::new(Exit::Refused, message).hint(hint).into())
    };
    // A directory that is empty is nobody's work.
    if path.symlink_metadata().is_ok() && fs::remove_dir(path).is_err() {
        return refused("its place is taken:", "move it away, or git worktree list");
    }
    if repo.entries()?.iter().any(|entry| entry.path == *path) {
        return refused("git still has another worktree for", "wprune");
    }
    let parent = path.parent().context("a worktree is not at the root")?;
    fs::create_dir_all(parent)
        .with_context(|| format!("could not create '{}'", parent.display()))?;
    Ok(parent)
}

/// Makes it below `place` and renames it to its own. Returns why it is detached, and the turn that it needs to be
/// finished in.
fn build(
    repo: &Repo,
    removed: &Removed,
    place: &Path,
    turn: Turn,
) -> Result<(Turn, Option<String>)> {
    let path = &removed.path;
    let detached = bring_branch(repo, removed)?;
    // Git calls its admin files after it.
    let root = place.join(path.file_name().context("a worktree is not at the root")?);
    let failed = || format!("could not create '{}'", root.display());
    fs::create_dir_all(place).with_context(failed)?;
    add(repo, removed, &root, detached.is_some())?;
    let git_dir = git_dir(&root).context("git made no worktree")?;
    fs::write(git_dir.join(MARK), &removed.id).with_context(failed)?;
    drop(turn);
    snapshot::restore(&repo.common_dir, removed, &root, &git_dir)?;
    let turn = unfinished::turn(repo)?;
    fs::rename(&root, path).with_context(|| format!("could not create '{}'", path.display()))?;
    Ok((turn, detached))
}

/// Makes the branch again where it was deleted. Returns why the worktree cannot have it.
fn bring_branch(repo: &Repo, removed: &Removed) -> Result<Option<String>> {
    let (Some(branch), Some(head)) = (&removed.branch, &removed.head) else {
        return Ok(None);
    };
    let entries = repo.entries()?;
    let mut used = entries.iter();
    if let Some(entry) = used.find(|entry| entry.branch_meant().as_ref() == Some(branch)) {
        let who = &entry.name;
        return Ok(Some(format!("'{who}' has the branch {branch} checked out")));
    }
    let name = branch_ref(branch);
    match repo.object(&name) {
        Some(at) if at == *head => {}
        Some(_) => return Ok(Some(format!("the branch {branch} has moved"))),
        None => {
            let made = Git::changing(&repo.common_dir)
                .args(["update-ref", "-m", "treehop undo"])
                .args([&*name.to_os_str_lossy(), head.as_ref(), "".as_ref()])
                .run();
            if made.is_err() {
                return Ok(Some(format!("the branch {branch} could not be made again")));
            }
        }
    }
    if removed.branch_deleted {
        bring_settings(repo, branch, removed)?;
    }
    Ok(None)
}

/// Puts the branch's settings back that are not there.
fn bring_settings(repo: &Repo, branch: &BString, removed: &Removed) -> Result<()> {
    let there = repo.branch_settings(branch)?;
    let missing = removed.settings.iter().filter(|set| !there.contains(set));
    for (key, value) in missing {
        let key = [b"branch.", &branch[..], b".", key].concat();
        git::patiently(|| {
            let git = Git::at(&repo.common_dir).args(["config", "--local", "--add"]);
            git.args([key.to_os_str_lossy(), value.to_os_str_lossy()])
        })?;
    }
    Ok(())
}

/// Lets git make the worktree, without files.
fn add(repo: &Repo, removed: &Removed, root: &Path, detached: bool) -> Result<()> {
    let git = Git::changing(&repo.common_dir).args(["worktree", "add", "--quiet"]);
    let branch = removed.branch.as_ref().map(|name| name.to_os_str_lossy());
    let git = match (&branch, &removed.head) {
        (Some(branch), None) => git.args(["--orphan".as_ref(), "-b".as_ref(), &**branch]),
        (Some(_), Some(_)) if !detached => git.args(["--no-checkout"]),
        _ => git.args(["--no-checkout", "--detach"]),
    };
    let git = git.args([Path::new("--"), root]);
    let git = match (&branch, &removed.head) {
        (Some(branch), Some(_)) if !detached => git.args([&**branch]),
        (_, head) => git.args(head),
    };
    git.run().context("git did not make the worktree")
}

/// What is left once it is in its place.
fn finish(repo: &Repo, removed: &Removed, journal: Journal, _: &Turn) -> Result<()> {
    let path = &removed.path;
    // It says what it repairs, which is nothing for people to hear of.
    Git::changing(&repo.common_dir)
        .args(["worktree", "repair", "--"])
        .args([path])
        .read()
        .with_context(|| format!("git does not know '{}' yet", path.display()))?;
    for place in journal.record.paths("place") {
        let _ = fs::remove_dir(place);
    }
    snapshot::discard(&repo.common_dir, &removed.id)?;
    let _ = git_dir(path).map(|dir| fs::remove_file(dir.join(MARK)));
    journal.done()
}

/// Takes back what was made at `place`.
fn throw_away(repo: &Repo, place: &Path, _: &Turn) {
    for entry in repo.entries().into_iter().flatten() {
        if entry.path.starts_with(place) {
            let _ = fs::remove_dir_all(&entry.path);
            // Forced twice, since git locks what it has not finished.
            let _ = Git::changing(&repo.common_dir)
                .args(["worktree", "remove", "--force", "--force", "--"])
                .args([&entry.path])
                .read();
        }
    }
    let _ = fs::remove_dir_all(place);
}

/// Ends what was interrupted: finished where it had come to its place, taken back where not. Returns what was done, in
/// words.
pub fn resume(repo: &Repo, turn: &Turn) -> Vec<String> {
    let left = Kind::Undoing.left(&repo.common_dir).into_iter();
    left.filter_map(|journal| {
        let removed = Removed::from_record(&journal.record)?;
        let ended = end(repo, &removed, journal, turn);
        Some(ended.unwrap_or_else(|error| format!("{error:#}")))
    })
    .collect()
}

fn end(repo: &Repo, removed: &Removed, journal: Journal, turn: &Turn) -> Result<String> {
    let name = &removed.name;
    let mark = git_dir(&removed.path).and_then(|dir| fs::read(dir.join(MARK)).ok());
    if mark.is_some_and(|mark| mark == removed.id.as_bytes()) {
        finish(repo, removed, journal, turn)?;
        return Ok(format!("'{name}' is back: that had been interrupted"));
    }
    for place in journal.record.paths("place") {
        throw_away(repo, &place, turn);
    }
    journal.done()?;
    Ok(format!(
        "bringing '{name}' back had been interrupted: wundo {name}"
    ))
}

/// The snapshots that `name` means: the one of that id, those that a query would mean, or whose id begins so.
pub fn fitting<'a>(snapshots: &'a [Removed], name: &BStr) -> Vec<&'a Removed> {
    let by_id = |removed: &&Removed| {
        name == removed.id.as_bytes() || name == removed.reference().as_bytes()
    };
    if let Some(removed) = snapshots.iter().find(by_id) {
        return vec![removed];
    }
    let target = |removed: &Removed| Target {
        branch: removed.branch.clone(),
        name: removed.name.clone(),
        base: base_name(&removed.path),
    };
    let targets: Vec<_> = snapshots.iter().map(target).collect();
    let found = query::decide(&[name.into()], &targets);
    let begun = |removed: &&Removed| found.is_empty() && removed.id.as_bytes().starts_with(name);
    let found = found.iter().map(|at| &snapshots[*at]);
    found.chain(snapshots.iter().filter(begun)).collect()
}

/// The snapshot that a person calls `name`; none: the latest.
///
/// # Errors
/// [`Exit::NotFound`] or [`Exit::Ambiguous`].
pub fn choose<'a>(snapshots: &'a [Removed], name: Option<&BStr>) -> Result<&'a Removed> {
    let Some(name) = name else {
        let message = "nothing was removed that could be brought back";
        let nothing = || Failure::new(Exit::NotFound, message).into();
        return snapshots.first().ok_or_else(nothing);
    };
    let mut found = fitting(snapshots, name);
    // Removed several times from the same place: the latest.
    let mut places = std::collections::HashSet::new();
    found.retain(|removed| places.insert(&removed.path));
    match found.as_slice() {
        [removed] => Ok(removed),
        [] => {
            let message = format!("no removed worktree matches '{name}'");
            Err(Failure::new(Exit::NotFound, message)
                .hint("wundo --list")
                .into())
        }
        several => {
            let message = format!("'{name}' could be any of {}:", several.len());
            let line = |removed: &&Removed| format!("{}\t{}", removed.id, removed.path.display());
            Err(Failure::new(Exit::Ambiguous, message)
                .listing(several.iter().map(line))
                .hint("type more of it")
                .into())
        }
    }
}
