//! What `treehop new` is about to make, written down before it makes anything, so that whoever comes next can take
//! away what a kill left half-made.
//!
//! A file for each run lies in `treehop/` in the git directory. The run, and every program that it starts, holds a
//! lock on it: a file that nobody holds was left behind, also where git lived on after its parent had gone.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use rustix::fs::FlockOperation;

use crate::error::{Exit, Failure};
use crate::git::{self, Git};
use crate::repo::Repo;
use crate::repo::discover::pointer;

/// How the files begin; another number for another form.
const FORM: &[u8] = b"treehop new 1";
/// The last field, without which a file was not written to its end: nothing was begun.
const END: &[u8] = b"planned";
/// Added when the directory is known to be this run's own.
const CLAIMED: &[u8] = b"claimed\0";
/// How long the programs that git started may take to end after it.
const LINGER: Duration = Duration::from_secs(2);

/// What is planned.
#[derive(Debug, Default)]
pub struct Record {
    /// The worktree's directory, a real path.
    pub directory: PathBuf,
    /// It is there already, and empty.
    pub existed: bool,
    /// The topmost directory that has to be made for it.
    pub topmost: PathBuf,
    /// The branch that is made too.
    pub branch: Option<BString>,
    /// Where it begins; `None`: without a commit.
    pub base: Option<String>,
    /// The settings `branch.<branch>.*` that the branch may get and that were not there before.
    pub settings: Vec<String>,
    /// The directory is known to be this run's own.
    pub claimed: bool,
}

/// Who takes something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The run itself: git, which ended in good order, has removed what it knows of.
    Itself,
    /// The run itself, and also a worktree that is complete, since something else failed: nobody else has seen it.
    ItselfWhole,
    /// A later run, after a kill.
    Later,
}

/// What became of a run that was interrupted.
enum Left {
    /// The checkout was complete: the worktree stays.
    Complete,
    /// What there was of it is gone.
    Nothing,
}

impl Record {
    fn write(&self) -> Vec<u8> {
        let flag = |set: bool| if set { &b"1"[..] } else { b"" };
        let settings = self.settings.join(" ");
        let fields = [
            FORM,
            self.directory.as_os_str().as_bytes(),
            flag(self.existed),
            self.topmost.as_os_str().as_bytes(),
            self.branch.as_ref().map(|b| &b[..]).unwrap_or_default(),
            self.base.as_deref().unwrap_or_default().as_bytes(),
            settings.as_bytes(),
            END,
            b"",
        ];
        fields.join(&b'\0')
    }

    fn read(content: &[u8]) -> Option<Self> {
        let fields: Vec<_> = content.split_str(b"\0").collect();
        let [
            form,
            directory,
            existed,
            topmost,
            branch,
            base,
            settings,
            END,
            claimed,
            ..,
        ] = fields.as_slice()
        else {
            return None;
        };
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        (*form == FORM).then(|| Record {
            directory: path(directory),
            existed: !existed.is_empty(),
            topmost: path(topmost),
            branch: Some(BString::from(*branch)).filter(|b| !b.is_empty()),
            base: base
                .to_str()
                .ok()
                .filter(|b| !b.is_empty())
                .map(str::to_owned),
            settings: settings
                .fields()
                .map(|key| key.to_str_lossy().into_owned())
                .collect(),
            claimed: *claimed == CLAIMED.trim_end_with(|c| c == '\0'),
        })
    }

    /// The admin directory that git made for it.
    fn admin(&self, repo: &Repo) -> Option<PathBuf> {
        let dot_git = self.directory.join(".git");
        admin_directories(repo)
            .into_iter()
            .find(|admin| pointer(&admin.join("gitdir"), b"").is_some_and(|at| at == dot_git))
    }

    /// Git writes the index when all files are there. Without a commit there is none; its own lock goes at the end.
    fn complete(&self, admin: &Path) -> bool {
        let unborn = self.branch.is_some() && self.base.is_none();
        admin.join("index").is_file()
            || unborn && admin.join("HEAD").is_file() && !admin.join("locked").exists()
    }

    /// Takes away what there is of it, unless it is complete; `begun` is when the record was written. Can itself be
    /// interrupted and begun again: what shows that the directory is half-made goes after the directory.
    fn take_back(&self, repo: &Repo, begun: SystemTime, by: By) -> Result<Left> {
        let admin = self.admin(repo);
        if let Some(admin) = &admin
            && self.complete(admin)
            && by != By::ItselfWhole
        {
            unlock(admin);
            return Ok(Left::Complete);
        }
        self.remove_directory(repo, admin.as_deref(), by == By::ItselfWhole)?;
        for above in self.directory.ancestors().skip(1) {
            if !above.starts_with(&self.topmost) || fs::remove_dir(above).is_err() {
                break;
            }
        }
        let nameless = || {
            let mut admins = admin_directories(repo).into_iter();
            admins
                .find(|admin| by == By::Later && self.claimed && self.nameless(repo, admin, begun))
        };
        if let Some(admin) = admin.or_else(nameless) {
            remove_all(&admin)?;
            let _ = fs::remove_dir(repo.common_dir.join("worktrees"));
        }
        self.remove_branch(repo, begun, by)?;
        Ok(Left::Nothing)
    }

    fn remove_directory(&self, repo: &Repo, admin: Option<&Path>, force: bool) -> Result<()> {
        let admin_of_it = pointer(&self.directory.join(".git"), b"gitdir: ")
            .filter(|admin| admin.starts_with(repo.common_dir.join("worktrees")));
        let gits = match (admin, &admin_of_it) {
            (Some(_), _) => true,
            // Git took its entry away before it was killed.
            (None, Some(named)) => !named.exists(),
            (None, None) => false,
        };
        if self.claimed && gits && (force || self.holds_only_gits(repo)) {
            remove_all(&self.directory)?;
        } else if !self.existed {
            // Without content nobody misses it; with content that is not git's it is somebody's work.
            let _ = fs::remove_dir(&self.directory);
        }
        if self.existed && !self.directory.exists() {
            fs::create_dir(&self.directory)
                .with_context(|| format!("could not create '{}'", self.directory.display()))?;
        }
        Ok(())
    }

    /// Does the half-made directory hold nothing but what git put there? Somebody may have begun to work in it.
    fn holds_only_gits(&self, repo: &Repo) -> bool {
        let names = fs::read_dir(&self.directory).into_iter().flatten();
        if names.flatten().all(|entry| entry.file_name() == ".git") {
            return true;
        }
        let Some(commit) = self.tree(repo) else {
            return false;
        };
        let index = folder(repo).join(format!("index-{}", std::process::id()));
        let git = || {
            Git::at(&repo.common_dir)
                .env("GIT_WORK_TREE", &self.directory)
                .env("GIT_INDEX_FILE", &index)
        };
        let others = git().args(["read-tree", &commit]).read().and_then(|_| {
            git()
                .args(["ls-files", "--others", "-z", "--", ":/"])
                .read()
        });
        let _ = fs::remove_file(&index);
        others.is_ok_and(|others| others.is_empty())
    }

    /// The commit that is being checked out.
    fn tree(&self, repo: &Repo) -> Option<String> {
        let head = || repo.head(&self.admin(repo)?).id;
        self.base.clone().or_else(head)
    }

    /// An admin directory that git had only just begun: it does not name its worktree yet.
    fn nameless(&self, repo: &Repo, admin: &Path, begun: SystemTime) -> bool {
        let (Some(id), Some(name)) = (admin.file_name(), self.directory.file_name()) else {
            return false;
        };
        let numbered = id.as_bytes().strip_prefix(name.as_bytes());
        numbered.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
            && pointer(&admin.join("gitdir"), b"").is_none()
            && since(admin, begun)
            // `app-1` with a number behind it may be `app-12`, which another run is making.
            && files(&folder(repo)).iter().all(|other| {
                Record::read(&fs::read(other).unwrap_or_default())
                    .is_none_or(|other| other.directory == self.directory || other.directory.file_name() != Some(id))
            })
    }

    fn remove_branch(&self, repo: &Repo, begun: SystemTime, by: By) -> Result<()> {
        let (Some(branch), Some(base)) = (&self.branch, &self.base) else {
            return Ok(());
        };
        let name = [b"refs/heads/", &branch[..]].concat();
        let lock = [&name, &b".lock"[..]].concat();
        let lock = repo.common_dir.join(OsStr::from_bytes(&lock));
        if by == By::Later && since(&lock, begun) {
            let _ = fs::remove_file(lock);
        }
        let elsewhere = repo.entries()?.iter().any(|entry| {
            entry.branch_meant().as_ref() == Some(branch) && !(entry.main && repo.bare)
        });
        if elsewhere {
            return Ok(());
        }
        let name = OsStr::from_bytes(&name);
        match repo.object(name.as_bytes()) {
            // Somebody has worked on it.
            Some(at) if at != *base => return Ok(()),
            Some(_) => {
                git::patiently(|| {
                    Git::at(&repo.common_dir)
                        .args(["update-ref", "--no-deref", "-d"])
                        .args([name, OsStr::new(base)])
                })
                .with_context(|| format!("could not delete the branch '{branch}'"))?;
            }
            None => {}
        }
        for key in &self.settings {
            let name = [b"branch.", &branch[..], b".", key.as_bytes()].concat();
            let name = OsStr::from_bytes(&name);
            let unset = git::patiently(|| {
                let git = Git::at(&repo.common_dir);
                git.args(["config", "--local", "--unset-all"]).args([name])
            });
            // Without a word: it was not set.
            let wordless = |e: &anyhow::Error| {
                let failed = e.downcast_ref::<git::Failed>();
                failed.is_some_and(|failed| failed.stderr.is_empty())
            };
            match unset {
                Err(error) if !wordless(&error) => {
                    let what = format!("could not remove the setting '{}'", name.display());
                    return Err(error.context(what));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The plans of all runs. While one holds this nobody else plans, nor has git make or list worktrees: git fails where it
/// reads an entry that another git has only half written.
#[derive(Debug)]
pub struct Plans {
    folder: PathBuf,
    _lock: File,
}

impl Plans {
    /// Waits until nobody else plans, and takes away what was left half-made.
    ///
    /// # Errors
    /// The git directory cannot be written.
    pub fn open(repo: &Repo) -> Result<Self> {
        let folder = folder(repo);
        let context = || format!("could not write '{}'", folder.display());
        fs::create_dir_all(&folder).with_context(context)?;
        let lock = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(lock)
            .with_context(context)?;
        // A file system without locks has to do without.
        let _ = rustix::fs::flock(&lock, FlockOperation::LockExclusive);
        let plans = Plans {
            folder,
            _lock: lock,
        };
        plans.recover(repo);
        Ok(plans)
    }

    fn recover(&self, repo: &Repo) {
        for file in files(&self.folder) {
            let Some(held) = hold(&file) else { continue };
            if let Err(error) = finish(&file, Some(held), repo, By::Later) {
                eprintln!("treehop: could not tidy up after an earlier run: {error:#}");
            }
        }
    }

    /// Writes down what is planned.
    ///
    /// # Errors
    /// [`Exit::Refused`] where another run is making the same; or the git directory cannot be written.
    pub fn begin(&self, record: Record) -> Result<Journal> {
        let others = files(&self.folder).into_iter();
        for other in others.filter_map(|file| Record::read(&fs::read(file).ok()?)) {
            let what = if other.directory == record.directory {
                record.directory.display().to_string()
            } else {
                match &record.branch {
                    Some(branch) if other.branch.as_ref() == Some(branch) => branch.to_string(),
                    _ => continue,
                }
            };
            let message = format!("another treehop is making '{what}' now");
            return Err(Failure::new(Exit::Refused, message).into());
        }
        let own = std::process::id();
        let mut number = 0..;
        let (path, mut file) = loop {
            let name = format!("new-{own}-{}", number.next().unwrap_or(0));
            let path = self.folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                // The number of a process in another container.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => {
                    return Err(e).with_context(|| format!("could not write '{}'", path.display()));
                }
            }
        };
        let _ = rustix::fs::flock(&file, FlockOperation::LockExclusive);
        let written = file.write_all(&record.write());
        if written.is_err() {
            let _ = fs::remove_file(&path);
        }
        written.with_context(|| format!("could not write '{}'", path.display()))?;
        // One descriptor that the programs keep: a duplicate is not closed when they start.
        let shared = rustix::io::dup(&file).context("could not share the journal")?;
        Ok(Journal {
            path,
            file,
            shared,
            record,
        })
    }
}

/// What this run is making.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    shared: OwnedFd,
    record: Record,
}

impl Journal {
    /// Makes the directory, and so makes sure that nobody else has it.
    ///
    /// # Errors
    /// [`Exit::Refused`] where it is there; or it cannot be made.
    pub fn claim(&mut self) -> Result<()> {
        let directory = &self.record.directory;
        if !self.record.existed {
            let parent = directory.parent().unwrap_or(directory);
            let context = || format!("could not create '{}'", directory.display());
            fs::create_dir_all(parent).with_context(context)?;
            match fs::create_dir(directory) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(taken(directory)),
                made => made.with_context(context)?,
            }
        }
        self.record.claimed = true;
        self.file
            .write_all(CLAIMED)
            .with_context(|| format!("could not write '{}'", self.path.display()))
    }

    /// All is made.
    pub fn done(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Takes back what was made.
    ///
    /// # Errors
    /// Something cannot be removed; the next run tries again.
    pub fn undo(self, repo: &Repo, by: By) -> Result<()> {
        let Journal {
            path, file, shared, ..
        } = self;
        drop((file, shared));
        let begun = Instant::now();
        // What git started may still be writing; a filter that hangs does not.
        let mut held = hold(&path);
        while held.is_none() && path.exists() && begun.elapsed() < LINGER {
            std::thread::sleep(Duration::from_millis(10));
            held = hold(&path);
        }
        finish(&path, held, repo, by)
    }
}

/// That a directory cannot become a worktree, since there is something.
pub fn taken(directory: &Path) -> anyhow::Error {
    let message = format!("'{}' exists already", directory.display());
    Failure::new(Exit::Refused, message)
        .hint("--name NAME or --path DIR choose another place")
        .into()
}

/// Takes away what earlier runs of `treehop new` left half-made, first thing in each command that changes worktrees.
/// True: there may have been something, so that what `repo` has read no longer holds.
pub fn recover(repo: &Repo) -> bool {
    if files(&folder(repo)).is_empty() {
        return false;
    }
    if let Err(error) = Plans::open(repo) {
        eprintln!("treehop: could not tidy up after an earlier run: {error:#}");
    }
    true
}

fn folder(repo: &Repo) -> PathBuf {
    repo.common_dir.join("treehop")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_bytes().starts_with(b"new-"))
        .map(|entry| entry.path())
        .collect()
}

/// The file, locked; `None` where somebody else holds it, or it is gone.
fn hold(path: &Path) -> Option<File> {
    let file = File::options().read(true).append(true).open(path).ok()?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    path.exists().then_some(file)
}

/// Takes back what `path`, which is `held` where that was possible, says was begun.
fn finish(path: &Path, held: Option<File>, repo: &Repo, by: By) -> Result<()> {
    let begun = fs::metadata(path)
        .and_then(|m| m.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH);
    if let Some(record) = Record::read(&fs::read(path).unwrap_or_default()) {
        let existed = record.directory.exists();
        let shown = record.directory.display().to_string();
        match record.take_back(repo, begun, by)? {
            Left::Complete if by == By::Later => eprintln!(
                "treehop: making '{shown}' was interrupted after its checkout: it stays, wsetup sets it up"
            ),
            Left::Nothing if record.directory.exists() && !record.existed => {
                eprintln!(
                    "treehop: '{shown}' was left half-made, and stays: it holds files that are not git's"
                );
            }
            Left::Nothing if existed && by == By::Later => {
                eprintln!("treehop: took away '{shown}', which was half-made");
            }
            _ => {}
        }
    }
    let _ = fs::remove_file(path);
    drop(held);
    Ok(())
}

fn admin_directories(repo: &Repo) -> Vec<PathBuf> {
    let ids = fs::read_dir(repo.common_dir.join("worktrees"));
    let ids = ids.into_iter().flatten().flatten();
    ids.map(|id| id.path()).collect()
}

/// Removes the lock that git keeps while it makes a worktree; one that the user set later stays.
fn unlock(admin: &Path) {
    let locked = admin.join("locked");
    // Git writes this right after its lock, and never again.
    let written = fs::metadata(admin.join("commondir")).and_then(|m| m.modified());
    if written.is_ok_and(|written| !since(&locked, written + Duration::from_millis(1))) {
        let _ = fs::remove_file(locked);
    }
}

/// Is `path` there, and not older than `begun`?
fn since(path: &Path, begun: SystemTime) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|m| m.modified());
    changed.is_ok_and(|changed| changed >= begun)
}

fn remove_all(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(e).with_context(|| format!("could not remove '{}'", directory.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = Record {
            directory: OsStr::from_bytes(b"/a b/\xff\n").into(),
            existed: true,
            topmost: "/a b".into(),
            branch: Some("x/'y'".into()),
            base: None,
            settings: vec!["remote".into(), "merge".into()],
            claimed: false,
        };
        let mut written = record.write();
        let read = Record::read(&written).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
        written.extend(CLAIMED);
        assert!(Record::read(&written).unwrap().claimed);
    }

    #[test]
    fn half_a_record_is_none() {
        let written = Record::default().write();
        for length in 0..written.len() {
            assert!(Record::read(&written[..length]).is_none(), "{length}");
        }
    }
}
