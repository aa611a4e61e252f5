//! The journal of what is under way, and the end of a removal: the directory is renamed away at once and deleted by
//! a process that nobody waits for. Whatever is interrupted, the next run goes on with.
//!
//! `treehop/removing/ID` and `treehop/undoing/ID` in the common git directory are locked by whoever is at work on them;
//! an unlocked one is left from a run that was killed.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use gix::bstr::{BStr, ByteSlice};
use rustix::fs::{FlockOperation, flock};

use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::removal::contents::reproducible;
use crate::removal::record::Record;
use crate::removal::snapshot::{self, Removed};
use crate::repo::Repo;

/// How far a removal has come. Each step beyond the first is a line after the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Nothing but what the file system tells.
    Begun,
    /// Git has forgotten the worktree: there is no way back but `undo`.
    Forgotten,
    /// The branch has been seen to: what was renamed away is all that is left.
    Over,
}

const STEPS: [(Step, &str); 2] = [(Step::Over, "over\n"), (Step::Forgotten, "forgotten\n")];

/// What is under way, locked.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// What was noted.
    pub record: Record,
    step: Step,
}

/// The folder of journals of one kind.
fn journals(common_dir: &Path, kind: &str) -> PathBuf {
    common_dir.join("treehop").join(kind)
}

/// Is `file` what `path` names?
fn is_at(file: &File, path: &Path) -> bool {
    let id = |meta: &fs::Metadata| (meta.dev(), meta.ino());
    matches!((file.metadata(), path.metadata()), (Ok(a), Ok(b)) if id(&a) == id(&b))
}

impl Journal {
    /// Notes what is about to be done; `None`: somebody has used that id.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn begin(common_dir: &Path, kind: &str, id: &str, record: Record) -> Result<Option<Self>> {
        let dir = journals(common_dir, kind);
        let path = dir.join(id);
        let failed = || format!("could not write '{}'", path.display());
        fs::create_dir_all(&dir).with_context(failed)?;
        let file = loop {
            let file = match File::options().append(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(None),
                Err(e) => return Err(e).with_context(failed),
            };
            flock(&file, FlockOperation::LockExclusive).with_context(failed)?;
            // Another run may have taken it, empty and not locked yet, for what a kill left.
            if is_at(&file, &path) {
                break file;
            }
        };
        // Git that outlives us keeps the lock until it is done.
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
        (&file)
            .write_all(record.encode().as_bytes())
            .with_context(failed)?;
        Ok(Some(Journal {
            file,
            path,
            record,
            step: Step::Begun,
        }))
    }

    /// Those of one kind that nobody is at work on.
    pub fn left(common_dir: &Path, kind: &str) -> Vec<Self> {
        let files = fs::read_dir(journals(common_dir, kind));
        files
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Journal::take(entry.path()))
            .collect()
    }

    fn take(path: PathBuf) -> Option<Self> {
        let mut file = File::options().read(true).append(true).open(&path).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
        // Whoever held it may have finished and deleted it.
        if !is_at(&file, &path) {
            return None;
        }
        let mut text = vec![];
        file.read_to_end(&mut text).ok()?;
        let Some(record) = Record::decode(&text) else {
            // Killed before anything was done.
            let _ = fs::remove_file(&path);
            return None;
        };
        Some(Journal {
            file,
            path,
            record,
            step: STEPS
                .iter()
                .find(|(_, line)| text.ends_with(line.as_bytes()))
                .map_or(Step::Begun, |(step, _)| *step),
        })
    }

    /// The worktree that it is about.
    pub fn removed(&self) -> Option<Removed> {
        Removed::from_record(&self.record)
    }

    /// The paths noted under `key`.
    pub fn paths(&self, key: &str) -> Vec<PathBuf> {
        let path = |value: &gix::bstr::BString| value.to_path().ok().map(Path::to_owned);
        self.record.all(key).filter_map(path).collect()
    }

    fn is_there(path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    /// Where the directory is now, if it was renamed and not deleted.
    fn trash(&self) -> Option<PathBuf> {
        self.paths("trash")
            .into_iter()
            .find(|path| Journal::is_there(path))
    }

    fn reach(&mut self, step: Step) -> Result<()> {
        if let Some((_, line)) = STEPS.iter().find(|(of, _)| *of == step && self.step < step) {
            self.file.write_all(line.as_bytes())?;
            self.step = step;
        }
        Ok(())
    }

    /// Ends it: nothing is left to do.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub fn done(self) -> Result<()> {
        fs::remove_file(&self.path)
            .with_context(|| format!("could not delete '{}'", self.path.display()))
    }

    /// Ends it as if nothing had been done.
    ///
    /// # Errors
    /// The snapshot cannot be deleted.
    pub fn roll_back(self, common_dir: &Path) -> Result<()> {
        if let Some(removed) = self.removed() {
            snapshot::discard(common_dir, &removed.id)?;
        }
        self.done()
    }
}

/// Renames the worktree away, to the first place noted that is on the same file system.
///
/// # Errors
/// No place would do; nothing has changed then.
pub fn rename(journal: &Journal, path: &Path) -> Result<()> {
    let mut last = None;
    for trash in journal.paths("trash") {
        let renamed = trash
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::rename(path, &trash));
        match renamed {
            Ok(()) => return Ok(()),
            Err(e) => last = Some(e),
        }
    }
    let error = last.unwrap_or_else(|| ErrorKind::NotFound.into());
    Err(error).with_context(|| format!("could not rename '{}'", path.display()))
}

/// Goes on from where the directory has been renamed: git forgets the worktree, the branch is deleted. Returns whether
/// the branch was.
///
/// # Errors
/// Git fails, or something has been written since the worktree was looked at; then it is back in its place.
pub fn forward(repo: &Repo, mut journal: Journal) -> Result<bool> {
    let common_dir = &repo.common_dir;
    let removed = journal.removed().context("the journal is damaged")?;
    if let Some(trash) = journal
        .trash()
        .filter(|_| registered(&journal) && !Journal::is_there(&removed.path))
    {
        let checked = checked(&journal.record);
        let forgotten = match checked.and_then(|checked| written_since(&trash, checked)) {
            Some(file) => {
                let file = file
                    .strip_prefix(&trash)
                    .unwrap_or(&file)
                    .display()
                    .to_string();
                let message = format!(
                    "'{}' was written to while '{}' was being removed",
                    file, removed.name
                );
                Err(Failure::new(Exit::Refused, message)
                    .hint("end the program that works there, then try again")
                    .into())
            }
            None => forget(common_dir, &journal, &removed.path),
        };
        if let Err(error) = forgotten {
            fs::rename(&trash, &removed.path).with_context(|| {
                format!(
                    "could not rename '{}' back to '{}'",
                    trash.display(),
                    removed.path.display()
                )
            })?;
            journal.roll_back(common_dir)?;
            return Err(error);
        }
    }
    journal.reach(Step::Forgotten)?;
    let branch = removed.branch.as_ref().filter(|_| removed.branch_deleted);
    let deleted = match (branch, &removed.head) {
        (Some(branch), Some(head)) => delete_branch(repo, branch.as_bstr(), head),
        _ => false,
    };
    journal.reach(Step::Over)?;
    Ok(deleted)
}

/// Does git still know the worktree by the admin files that the journal is about?
fn registered(journal: &Journal) -> bool {
    let file = journal.paths("git-dir").pop().map(|dir| dir.join("gitdir"));
    let content = file.and_then(|file| fs::read(file).ok());
    content.is_some_and(|content| {
        journal
            .record
            .get("gitdir")
            .is_some_and(|noted| *noted == content)
    })
}

fn checked(record: &Record) -> Option<SystemTime> {
    let nanos: u64 = record.get("checked")?.to_str().ok()?.parse().ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos))
}

/// A moment as the journal has it.
pub fn nanos(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_nanos().to_string()
}

/// A file below `dir` that has been changed since.
fn written_since(dir: &Path, since: SystemTime) -> Option<PathBuf> {
    let since = since.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let since = (
        i64::try_from(since.as_secs()).ok()?,
        i64::from(since.subsec_nanos()),
    );
    let mut directories = vec![dir.to_owned()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                if !reproducible(entry.file_name().as_bytes()) {
                    directories.push(entry.path());
                }
            } else if (meta.ctime(), meta.ctime_nsec()) > since
                && (meta.is_file() || meta.is_symlink())
            {
                return Some(entry.path());
            }
        }
    }
    None
}

/// Lets git forget the worktree, whose directory is no longer where git looks for it.
fn forget(common_dir: &Path, journal: &Journal, path: &Path) -> Result<()> {
    let mut git = Git::changing(common_dir).args(["worktree", "remove"]);
    if journal.record.get("stale-lock").is_some() {
        git = git.args(["--force", "--force"]);
    }
    git.args([Path::new("--"), path])
        .run()
        .context("git did not forget the worktree")
}

/// Deletes the branch if it is as it was and nobody else uses it. What cannot be done is said: the worktree is gone by
/// now, and a branch too many harms nobody.
fn delete_branch(repo: &Repo, branch: &BStr, head: &str) -> bool {
    let used = |repo: &Repo| -> Result<bool> {
        let entries = repo.entries()?;
        Ok(entries
            .iter()
            .any(|entry| entry.branch_meant().is_some_and(|b| b == branch)))
    };
    let name = [b"refs/heads/", branch.as_bytes()].concat();
    let Some(stands_at) = crate::merged::stands_at(repo, &name) else {
        remove_settings(repo, branch);
        return true;
    };
    let common_dir = &repo.common_dir;
    let delete = || {
        Git::changing(common_dir)
            .args(["update-ref", "-m", "treehop remove", "-d"])
            .args([&*name.to_os_str_lossy(), head.as_ref()])
            .run()
            .is_ok()
    };
    let deleted = stands_at == head && used(repo).is_ok_and(|used| !used) && delete();
    if deleted {
        remove_settings(repo, branch);
    } else {
        eprintln!("the branch {branch} is kept: it is in use, or could not be deleted");
    }
    deleted
}

fn remove_settings(repo: &Repo, branch: &BStr) {
    let section = [b"branch.", branch.as_bytes()].concat();
    if repo
        .branch_settings(branch)
        .is_ok_and(|left| !left.is_empty())
    {
        // Without the branch they mean nothing.
        let _ = Git::changing(&repo.common_dir)
            .args(["config", "--local", "--remove-section"])
            .args([section.to_os_str_lossy()])
            .run();
    }
}

/// Goes on with removals that were interrupted. Returns what was done, in words.
pub fn resume(repo: &Repo) -> Vec<String> {
    let mut done = vec![];
    for journal in Journal::left(&repo.common_dir, "removing") {
        let Some(removed) = journal.removed() else {
            continue;
        };
        let name = &removed.name;
        let went_on = match journal.step {
            Step::Over => continue,
            Step::Begun if journal.trash().is_none() => {
                if Journal::is_there(&removed.path) && registered(&journal) {
                    let said = format!("'{name}' was about to be removed, and is still there");
                    journal.roll_back(&repo.common_dir).map(|()| said)
                } else {
                    // Somebody else moved it; the snapshot may be all that is left.
                    journal
                        .done()
                        .map(|()| format!("'{name}' was about to be removed, and is gone"))
                }
            }
            _ => forward(repo, journal)
                .map(|_| format!("'{name}' is removed: that had been interrupted")),
        };
        done.push(went_on.unwrap_or_else(|error| format!("{error:#}")));
    }
    done
}

/// Deletes what has been renamed away. Returns what could not be deleted.
pub fn empty(common_dir: &Path) -> Vec<String> {
    let mut failures = vec![];
    for journal in Journal::left(common_dir, "removing")
        .into_iter()
        .filter(|journal| journal.step > Step::Begun)
    {
        let failed = journal.paths("trash").iter().find_map(|trash| {
            let error = delete(trash).err()?;
            Some(format!("could not delete '{}': {error}", trash.display()))
        });
        match failed {
            Some(failure) => failures.push(failure),
            None => {
                let _ = journal.done();
            }
        }
    }
    failures
}

/// Is there anything to be deleted?
fn is_empty(common_dir: &Path) -> bool {
    Journal::left(common_dir, "removing").is_empty()
}

fn delete(dir: &Path) -> std::io::Result<()> {
    let once = || match fs::remove_dir_all(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    };
    once().or_else(|_| {
        // Some tools write-protect the directories of their caches.
        let mut directories = vec![dir.to_owned()];
        while let Some(dir) = directories.pop() {
            let mode = dir.symlink_metadata()?.permissions().mode();
            fs::set_permissions(&dir, fs::Permissions::from_mode(mode | 0o700))?;
            let inside = fs::read_dir(&dir)?.flatten();
            directories.extend(
                inside
                    .filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()))
                    .map(|e| e.path()),
            );
        }
        once()
    })
}

/// Starts a process that deletes what has been renamed away, and does not wait for it.
pub fn empty_behind(common_dir: &Path) {
    if is_empty(common_dir) {
        return;
    }
    // Where it cannot be started, the next run does it.
    let _ = std::env::current_exe().and_then(|treehop| {
        Command::new(treehop)
            .args(["prune", "--behind"])
            .current_dir(common_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is not meant for it.
            .process_group(0)
            .spawn()
    });
}
