//! The end of a removal: the directory is renamed away at once, then git forgets the worktree, then the branch goes.
//! What is interrupted goes on with the next run.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use gix::bstr::{BStr, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::{self, Git, branch_ref};
use crate::journal::{Journal, Kind, Record, Turn};
use crate::removal::contents::{Contents, reproducible};
use crate::removal::snapshot::{self, Removed};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::unfinished;

/// The step after which git has forgotten the worktree: there is no way back but `undo`.
const FORGOTTEN: &str = "forgotten";
/// The step after which the branch has been seen to: what was renamed away is all that is left.
const OVER: &str = "over";

/// A removal that is under way.
#[derive(Debug)]
pub struct Removing {
    journal: Journal,
    /// What is removed.
    pub removed: Removed,
}

/// What of a worktree is noted beside what its snapshot says.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its own git directory.
    pub git_dir: &'a Path,
    /// When it was looked at.
    pub at: SystemTime,
    /// Does a dead session's lock hold it?
    pub stale_lock: bool,
}

impl Removing {
    /// Notes what is about to be done, under an id that nobody has.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn begin(repo: &Repo, mut removed: Removed, seen: &Seen) -> Result<Self> {
        let common_dir = &repo.common_dir;
        let named = seen.git_dir.join("gitdir");
        let named = fs::read(named).context("could not read what git knows of it")?;
        let slug = snapshot::slug(removed.name.as_bstr());
        let time = format!("{:.3}", removed.time).replace(['-', ':'], "");
        let stem = format!("{slug}-{time}");
        for attempt in 1.. {
            removed.id = match attempt {
                1 => stem.clone(),
                _ => format!("{stem}-{attempt}"),
            };
            let mut record = removed.record();
            let trash = format!(".treehop-{}", removed.id);
            // Out of everybody's sight where that is on the same file system; else beside where it was.
            record.add_path("trash", &common_dir.join("treehop/trash").join(&trash));
            record.add_path("trash", &removed.path.with_file_name(&trash));
            record.add_path("git-dir", seen.git_dir);
            record.add("gitdir", [&named]);
            record.add("checked", [nanos(seen.at).to_string()]);
            record.add_flag("stale-lock", seen.stale_lock);
            if repo.object(removed.reference().as_bytes()).is_none()
                && let Some(journal) =
                    Journal::begin(common_dir, Kind::Removing, &removed.id, &record)?
            {
                return Ok(Removing { journal, removed });
            }
        }
        anyhow::bail!("no name is left for a snapshot")
    }

    /// Those that nobody is at work on.
    pub fn left(common_dir: &Path) -> Vec<Self> {
        let left = Kind::Removing.left(common_dir).into_iter();
        left.filter_map(|journal| {
            let removed = Removed::from_record(&journal.record)?;
            Some(Removing { journal, removed })
        })
        .collect()
    }

    /// Is there nothing left to do but to delete what was renamed away?
    pub fn is_over(&self) -> bool {
        self.journal.marked(OVER)
    }

    /// Where the directory may have been renamed to.
    pub fn trash(&self) -> Vec<PathBuf> {
        self.record().paths("trash").collect()
    }

    fn record(&self) -> &Record {
        &self.journal.record
    }

    /// Where the directory is now, if it was renamed and not deleted.
    fn renamed(&self) -> Option<PathBuf> {
        self.trash().into_iter().find(|path| is_there(path))
    }

    /// Does git still know the worktree by the admin files that this is about?
    fn registered(&self) -> bool {
        let file = self.record().path("git-dir").map(|dir| dir.join("gitdir"));
        let named = file.and_then(|file| fs::read(file).ok());
        named.is_some_and(|named| {
            let noted = self.record().get("gitdir");
            noted.is_some_and(|noted| *noted == named)
        })
    }

    /// Ends it: nothing is left.
    ///
    /// # Errors
    /// The journal cannot be deleted.
    pub fn done(self) -> Result<()> {
        self.journal.done()
    }

    /// Ends it as if nothing had been done.
    ///
    /// # Errors
    /// The snapshot cannot be deleted.
    pub fn roll_back(self, common_dir: &Path) -> Result<()> {
        snapshot::discard(common_dir, &self.removed.id)?;
        self.done()
    }

    /// Removes the worktree, once all is kept that has to be. Returns whether its branch went too.
    ///
    /// # Errors
    /// A file cannot be read, git fails, the directory cannot be renamed, or something has been written since the
    /// worktree was looked at; all is as before then.
    pub fn carry_out(self, repo: &Repo, git_dir: &Path, contents: &Contents) -> Result<bool> {
        let common_dir = &repo.common_dir;
        let renamed = || {
            snapshot::write(common_dir, git_dir, &self.removed, contents)?;
            let turn = unfinished::turn(repo)?;
            self.rename().map(|()| turn)
        };
        match renamed() {
            Ok(turn) => self.forward(repo, &turn),
            Err(error) => {
                self.roll_back(common_dir)?;
                Err(error)
            }
        }
    }

    /// Renames the worktree away, to the first place noted that is on the same file system.
    fn rename(&self) -> Result<()> {
        let path = &self.removed.path;
        let mut failed = std::io::Error::from(ErrorKind::NotFound);
        for trash in self.trash() {
            let folder = trash.parent().map_or(Ok(()), fs::create_dir_all);
            match folder.and_then(|()| fs::rename(path, &trash)) {
                Ok(()) => return Ok(()),
                Err(e) => failed = e,
            }
        }
        Err(failed).with_context(|| format!("could not rename '{}'", path.display()))
    }

    /// Goes on from where the directory has been renamed. Returns whether the branch was deleted.
    fn forward(mut self, repo: &Repo, _: &Turn) -> Result<bool> {
        let path = &self.removed.path;
        if let Some(trash) = self
            .renamed()
            .filter(|_| self.registered() && !is_there(path))
            && let Err(error) = self.forget(&repo.common_dir, &trash)
        {
            fs::rename(&trash, path).with_context(|| {
                let (from, to) = (trash.display(), path.display());
                format!("could not rename '{from}' back to '{to}'")
            })?;
            self.roll_back(&repo.common_dir)?;
            return Err(error);
        }
        self.journal.mark(FORGOTTEN)?;
        let branch = self.removed.branch.as_ref();
        let deleted = match (branch, &self.removed.head) {
            (Some(branch), Some(head)) if self.removed.branch_deleted => {
                delete_branch(repo, branch.as_bstr(), head)
            }
            _ => false,
        };
        self.journal.mark(OVER)?;
        Ok(deleted)
    }

    /// Lets git forget the worktree, whose directory is no longer where git looks for it, unless somebody wrote to it.
    fn forget(&self, common_dir: &Path, trash: &Path) -> Result<()> {
        let Removed { name, path, .. } = &self.removed;
        let checked = self.record().text("checked").and_then(|n| n.parse().ok());
        if let Some(file) = checked.and_then(|checked| written_since(trash, checked)) {
            let file = file.strip_prefix(trash).unwrap_or(&file).display();
            let message = format!("'{file}' was written to while '{name}' was being removed");
            return Err(Failure::new(Exit::Refused, message)
                .hint("end the program that works there, then try again")
                .into());
        }
        let mut git = Git::changing(common_dir).args(["worktree", "remove"]);
        if self.record().has("stale-lock") {
            git = git.args(["--force", "--force"]);
        }
        git.args([Path::new("--"), path])
            .run()
            .context("git did not forget the worktree")
    }

    /// Ends what was interrupted. Returns what was done, in words.
    fn end(self, repo: &Repo, turn: &Turn) -> Result<String> {
        let Removed { name, path, .. } = self.removed.clone();
        if self.journal.marked(FORGOTTEN) || self.renamed().is_some() {
            self.forward(repo, turn)?;
            return Ok(format!("'{name}' is removed: that had been interrupted"));
        }
        if is_there(&path) && self.registered() {
            self.roll_back(&repo.common_dir)?;
            return Ok(format!(
                "'{name}' was about to be removed, and is still there"
            ));
        }
        // Somebody else moved it; the snapshot may be all that is left.
        self.done()?;
        Ok(format!("'{name}' was about to be removed, and is gone"))
    }
}

/// Goes on with removals that were interrupted. Returns what was done, in words.
pub fn resume(repo: &Repo, turn: &Turn) -> Vec<String> {
    let left = Removing::left(&repo.common_dir).into_iter();
    left.filter(|removing| !removing.is_over())
        .map(|removing| removing.end(repo, turn))
        .map(|ended| ended.unwrap_or_else(|error| format!("{error:#}")))
        .collect()
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A moment in nanoseconds since 1970.
fn nanos(time: SystemTime) -> u128 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_nanos()
}

/// A file below `dir` that has been changed since.
fn written_since(dir: &Path, nanos: u64) -> Option<PathBuf> {
    let since = Duration::from_nanos(nanos);
    let since = (i64::try_from(since.as_secs()).ok()?, since.subsec_nanos());
    let mut directories = vec![dir.to_owned()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                if !reproducible(entry.file_name().as_bytes()) {
                    directories.push(entry.path());
                }
            } else if (meta.ctime(), meta.ctime_nsec()) > (since.0, since.1.into())
                && (meta.is_file() || meta.is_symlink())
            {
                return Some(entry.path());
            }
        }
    }
    None
}

/// Deletes the branch if it is as it was and nobody else uses it. What cannot be done is said: the worktree is gone by
/// now, and a branch too many harms nobody.
fn delete_branch(repo: &Repo, branch: &BStr, head: &str) -> bool {
    let name = branch_ref(branch);
    let name = name.to_os_str_lossy();
    let delete = || {
        let entries = repo.entries()?;
        let mut meant = entries.iter().filter_map(Entry::branch_meant);
        ensure!(!meant.any(|meant| meant == branch), "it is checked out");
        let deleted = git::patiently(|| {
            let git = Git::at(&repo.common_dir).args(["update-ref", "-m", "treehop remove", "-d"]);
            git.args([&*name, head.as_ref()])
        });
        // An interrupted run may have got so far.
        deleted.map(drop).or_else(|error| {
            let there = git::has_ref(&repo.common_dir, &name);
            if there { Err(error) } else { Ok(()) }
        })
    };
    if let Err(error) = delete() {
        say!("the branch {branch} is kept: {error:#}");
        return false;
    }
    remove_settings(repo, branch);
    true
}

fn remove_settings(repo: &Repo, branch: &BStr) {
    let left = repo.branch_settings(branch);
    if left.is_ok_and(|left| !left.is_empty()) {
        let section = [b"branch.", branch.as_bytes()].concat();
        // Without the branch they mean nothing.
        let _ = git::patiently(|| {
            let git = Git::at(&repo.common_dir).args(["config", "--local", "--remove-section"]);
            git.args([section.to_os_str_lossy()])
        });
    }
}
