//! Bringing a removed worktree back. It is made out of sight and then renamed to its place, so that a kill leaves all
//! of it there or nothing.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use gix::bstr::{BStr, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::merged::stands_at;
use crate::removal::snapshot::{self, Removed};
use crate::removal::trash::Journal;
use crate::repo::Repo;
use crate::repo::discover::pointer;

/// The file in a worktree's git directory that says that it is being restored, and from what.
const MARK: &str = "treehop-undo";

/// Brings it back. Returns why it is detached although there was a branch.
///
/// # Errors
/// [`Exit::Refused`] where its place is taken; git fails, or a file cannot be written: nothing has changed then.
pub fn restore(repo: &Repo, removed: &Removed) -> Result<Option<String>> {
    let path = &removed.path;
    let refused = |what: &str| {
        let message = format!("{what} '{}'", path.display());
        Failure::new(Exit::Refused, message).hint("move it away, or git worktree list")
    };
    // A directory that is empty is nobody's work.
    if path.symlink_metadata().is_ok() && fs::remove_dir(path).is_err() {
        return Err(refused("its place is taken:").into());
    }
    if repo.entries()?.iter().any(|entry| entry.path == *path) {
        return Err(refused("git still has another worktree for")
            .hint("wprune")
            .into());
    }
    let parent = path.parent().context("a worktree is not at the root")?;
    fs::create_dir_all(parent)
        .with_context(|| format!("could not create '{}'", parent.display()))?;
    let places = [
        repo.common_dir.join("treehop/restoring").join(&removed.id),
        parent.join(format!(".treehop-{}", removed.id)),
    ];
    let mut record = removed.record();
    for place in &places {
        record.add("place", place.as_os_str().as_bytes());
    }
    let Some(journal) = Journal::begin(&repo.common_dir, "undoing", &removed.id, record)? else {
        let message = format!("another treehop brings '{}' back", removed.name);
        return Err(Failure::new(Exit::Refused, message).into());
    };
    let restored = in_one_of(repo, removed, &places);
    if restored.is_err() {
        for place in &places {
            throw_away(repo, place);
        }
        journal.done()?;
        return restored;
    }
    finish(repo, removed, journal)?;
    restored
}

/// Makes it in the first place from which it can be renamed to its own.
fn in_one_of(repo: &Repo, removed: &Removed, places: &[PathBuf]) -> Result<Option<String>> {
    let detached = bring_branch(repo, removed)?;
    let mut last = None;
    for place in places {
        let made = build(repo, removed, place, detached.is_some())?;
        match fs::rename(&made, &removed.path) {
            Ok(()) => return Ok(detached),
            Err(e) => last = Some(e),
        }
        throw_away(repo, place);
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into()))
        .with_context(|| format!("could not create '{}'", removed.path.display()))
}

/// Makes the branch again where it was deleted. Returns why the worktree cannot have it.
fn bring_branch(repo: &Repo, removed: &Removed) -> Result<Option<String>> {
    let (Some(branch), Some(head)) = (&removed.branch, &removed.head) else {
        return Ok(None);
    };
    let used = repo
        .entries()?
        .into_iter()
        .find(|entry| entry.branch_meant().as_ref() == Some(branch));
    if let Some(entry) = used {
        return Ok(Some(format!(
            "'{}' has the branch {branch} checked out",
            entry.name
        )));
    }
    let name = [b"refs/heads/", branch.as_bytes()].concat();
    match stands_at(repo, &name) {
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
        bring_settings(repo, branch.as_bstr(), removed)?;
    }
    Ok(None)
}

/// Puts the branch's settings back that are not there.
fn bring_settings(repo: &Repo, branch: &BStr, removed: &Removed) -> Result<()> {
    let there = repo.branch_settings(branch)?;
    for setting in removed
        .settings
        .iter()
        .filter(|setting| !there.contains(setting))
    {
        let (key, value) = setting;
        let key = [b"branch.", branch.as_bytes(), b".", key].concat();
        Git::changing(&repo.common_dir)
            .args(["config", "--local", "--add"])
            .args([key.to_os_str_lossy(), value.to_os_str_lossy()])
            .run()?;
    }
    Ok(())
}

/// Makes the whole worktree below `place`, under its own name: git calls its admin files so.
fn build(repo: &Repo, removed: &Removed, place: &Path, detached: bool) -> Result<PathBuf> {
    let failed = || format!("could not create '{}'", place.display());
    let base = removed
        .path
        .file_name()
        .context("a worktree is not at the root")?;
    let root = place.join(base);
    fs::create_dir_all(place).with_context(failed)?;
    let mut git = Git::changing(&repo.common_dir).args(["worktree", "add", "--quiet"]);
    git = match (&removed.branch, &removed.head) {
        (Some(branch), None) => {
            let name = branch.to_os_str_lossy();
            git.args([
                "--orphan".as_ref(),
                "-b".as_ref(),
                &*name,
                "--".as_ref(),
                root.as_os_str(),
            ])
        }
        (Some(branch), Some(_)) if !detached => {
            let name = branch.to_os_str_lossy();
            git.args([
                "--no-checkout".as_ref(),
                "--".as_ref(),
                root.as_os_str(),
                &*name,
            ])
        }
        (_, head) => {
            let head = head.as_ref().context("the snapshot names no commit")?;
            git.args(["--no-checkout", "--detach", "--"])
                .args([root.as_os_str(), head.as_ref()])
        }
    };
    git.run().context("git did not make the worktree")?;
    let git_dir = admin(&root).with_context(failed)?;
    fs::write(git_dir.join(MARK), &removed.id).with_context(failed)?;
    snapshot::restore(&repo.common_dir, removed, &root, &git_dir)?;
    Ok(root)
}

/// The git directory of the worktree at `root`.
fn admin(root: &Path) -> Result<PathBuf> {
    let dir = pointer(&root.join(".git"), b"gitdir: ").context("git made no worktree")?;
    Ok(dir.canonicalize()?)
}

/// What is left once it is in its place.
fn finish(repo: &Repo, removed: &Removed, journal: Journal) -> Result<()> {
    let path = &removed.path;
    // It says what it repairs, which is nothing for people to hear of.
    Git::changing(&repo.common_dir)
        .args([
            Path::new("worktree"),
            Path::new("repair"),
            Path::new("--"),
            path,
        ])
        .read()
        .with_context(|| format!("git does not know '{}' yet", path.display()))?;
    for place in journal.paths("place") {
        let _ = fs::remove_dir(place);
    }
    snapshot::discard(&repo.common_dir, &removed.id)?;
    let _ = fs::remove_file(admin(path)?.join(MARK));
    journal.done()
}

/// Takes back what was made at `place`.
fn throw_away(repo: &Repo, place: &Path) {
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
pub fn resume(repo: &Repo) -> Vec<String> {
    let mut done = vec![];
    for journal in Journal::left(&repo.common_dir, "undoing") {
        let Some(removed) = journal.removed() else {
            continue;
        };
        let name = &removed.name;
        let mark = admin(&removed.path).and_then(|dir| Ok(fs::read(dir.join(MARK))?));
        let ended = if mark.is_ok_and(|mark| mark == removed.id.as_bytes()) {
            finish(repo, &removed, journal)
                .map(|()| format!("'{name}' is back: that had been interrupted"))
        } else {
            for place in journal.paths("place") {
                throw_away(repo, &place);
            }
            journal
                .done()
                .map(|()| format!("bringing '{name}' back had been interrupted: wundo {name}"))
        };
        done.push(ended.unwrap_or_else(|error| format!("{error:#}")));
    }
    done
}

/// Where a snapshot is that a person calls `name`; none: the latest.
///
/// # Errors
/// [`Exit::NotFound`] or [`Exit::Ambiguous`].
pub fn choose(snapshots: &[Removed], name: Option<&BStr>) -> Result<usize> {
    let Some(name) = name else {
        ensure!(
            !snapshots.is_empty(),
            Failure::new(
                Exit::NotFound,
                "nothing was removed that could be brought back"
            )
        );
        return Ok(0);
    };
    let by_id =
        |removed: &Removed| name == removed.id.as_bytes() || name == removed.reference().as_bytes();
    if let Some(at) = snapshots.iter().position(by_id) {
        return Ok(at);
    }
    let targets: Vec<_> = snapshots
        .iter()
        .map(|removed| crate::query::Target {
            branch: removed.branch.clone(),
            name: removed.name.clone(),
            base: crate::repo::entry::base_name(&removed.path),
        })
        .collect();
    let mut found = crate::query::decide(&[name.into()], &targets);
    // Removed several times from the same place: the latest.
    let mut places = std::collections::HashSet::new();
    found.retain(|at| places.insert(&snapshots[*at].path));
    match found.as_slice() {
        [at] => Ok(*at),
        [] => Err(Failure::new(
            Exit::NotFound,
            format!("no removed worktree matches '{name}'"),
        )
        .hint("wundo --list")
        .into()),
        several => {
            let ids: Vec<_> = several
                .iter()
                .map(|at| {
                    format!(
                        "\n  {}\t{}",
                        snapshots[*at].id,
                        snapshots[*at].path.display()
                    )
                })
                .collect();
            let message = format!("'{name}' could be any of {}:{}", ids.len(), ids.concat());
            Err(Failure::new(Exit::Ambiguous, message)
                .hint("type more of it")
                .into())
        }
    }
}
