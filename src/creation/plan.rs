//! What `treehop new` is about to make, written down before it makes anything, and how what is half-made is taken back:
//! by the run itself, or after a kill by whoever comes next.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::{self, Git, branch_ref};
use crate::journal::{Journal, Kind, Record, Turn};
use crate::removal::trash::delete;
use crate::repo::Repo;
use crate::repo::discover::pointer;

/// The step after which the directory is known to be this run's own.
const CLAIMED: &str = "claimed";

/// What is to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
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
}

impl Plan {
    fn record(&self) -> Record {
        let mut record = Record::default();
        record.add_path("directory", &self.directory);
        record.add_flag("existed", self.existed);
        record.add_path("topmost", &self.topmost);
        record.add("branch", &self.branch);
        record.add("base", &self.base);
        record.add("setting", &self.settings);
        record
    }

    fn from_record(record: &Record) -> Option<Self> {
        let text = |value: &BString| value.to_str_lossy().into_owned();
        Some(Plan {
            directory: record.path("directory")?,
            existed: record.has("existed"),
            topmost: record.path("topmost")?,
            branch: record.get("branch").cloned(),
            base: record.get("base").map(text),
            settings: record.all("setting").map(text).collect(),
        })
    }
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

/// A worktree that is being made.
#[derive(Debug)]
pub struct Making {
    journal: Journal,
    plan: Plan,
}

impl Making {
    /// Writes down what is planned.
    ///
    /// # Errors
    /// [`Exit::Refused`] where another run is making the same; or the git directory cannot be written.
    pub fn begin(repo: &Repo, plan: Plan, _: &Turn) -> Result<Self> {
        for other in plans(repo) {
            let what = if other.directory == plan.directory {
                plan.directory.display().to_string()
            } else {
                match &plan.branch {
                    Some(branch) if other.branch.as_ref() == Some(branch) => branch.to_string(),
                    _ => continue,
                }
            };
            let message = format!("another treehop is making '{what}' now");
            return Err(Failure::new(Exit::Refused, message)
                .hint("wait until that is done")
                .into());
        }
        let record = plan.record();
        for number in 0.. {
            // Two containers may have a process of the same number.
            let id = format!("{}-{number}", std::process::id());
            let begun = Journal::begin(&repo.common_dir, Kind::Making, &id, &record)?;
            if let Some(journal) = begun {
                return Ok(Making { journal, plan });
            }
        }
        anyhow::bail!("no name is left for a journal")
    }

    /// Makes the directory, and so makes sure that nobody else has it.
    ///
    /// # Errors
    /// [`Exit::Refused`] where it is there; or it cannot be made.
    pub fn claim(&mut self) -> Result<()> {
        let directory = &self.plan.directory;
        if !self.plan.existed {
            let parent = directory.parent().unwrap_or(directory);
            let context = || format!("could not create '{}'", directory.display());
            fs::create_dir_all(parent).with_context(context)?;
            match fs::create_dir(directory) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(taken(directory)),
                made => made.with_context(context)?,
            }
        }
        self.journal.mark(CLAIMED)
    }

    /// All is made.
    pub fn done(self) {
        // Whoever finds it finds the worktree complete as well.
        let _ = self.journal.done();
    }

    /// Takes back what was made.
    ///
    /// # Errors
    /// Something cannot be removed; the next run tries again.
    pub fn undo(self, repo: &Repo, by: By) -> Result<()> {
        let turn = Turn::wait(&repo.common_dir)?;
        let Making { journal, plan } = self;
        let journal = journal.settle()?;
        if let Some(said) = (Making { journal, plan }).end(repo, by, &turn)? {
            say!("treehop: {said}");
        }
        Ok(())
    }

    /// Takes away what there is of it, unless it is complete. Returns what there is to say.
    fn end(self, repo: &Repo, by: By, _: &Turn) -> Result<Option<String>> {
        let plan = &self.plan;
        let shown = plan.directory.display();
        let complete = self.take_back(repo, by)?;
        let said = if complete {
            (by == By::Later).then(|| {
                format!("making '{shown}' was interrupted after its checkout: it stays, wsetup sets it up")
            })
        } else if plan.directory.exists() && !plan.existed {
            Some(format!(
                "'{shown}' was left half-made, and stays: it holds files that are not git's"
            ))
        } else {
            (by == By::Later).then(|| format!("took away '{shown}', which was half-made"))
        };
        self.journal.done()?;
        Ok(said)
    }

    /// Can itself be interrupted and begun again: what shows that the directory is half-made goes after the directory.
    /// Returns whether it is complete, and stays.
    fn take_back(&self, repo: &Repo, by: By) -> Result<bool> {
        let plan = &self.plan;
        let admin = self.admin(repo);
        if let Some(admin) = &admin
            && self.complete(admin)
            && by != By::ItselfWhole
        {
            unlock(admin);
            return Ok(true);
        }
        self.remove_directory(repo, admin.as_deref(), by == By::ItselfWhole)?;
        for above in plan.directory.ancestors().skip(1) {
            if !above.starts_with(&plan.topmost) || fs::remove_dir(above).is_err() {
                break;
            }
        }
        let nameless = || {
            let mut admins = admin_directories(repo).into_iter();
            admins.find(|admin| by == By::Later && self.claimed() && self.nameless(repo, admin))
        };
        if let Some(admin) = admin.or_else(nameless) {
            delete(&admin)?;
            let _ = fs::remove_dir(repo.common_dir.join("worktrees"));
        }
        self.remove_branch(repo, by)?;
        Ok(false)
    }

    fn claimed(&self) -> bool {
        self.journal.marked(CLAIMED)
    }

    /// The admin directory that git made for it.
    fn admin(&self, repo: &Repo) -> Option<PathBuf> {
        let dot_git = self.plan.directory.join(".git");
        admin_directories(repo)
            .into_iter()
            .find(|admin| pointer(&admin.join("gitdir"), b"").is_some_and(|at| at == dot_git))
    }

    /// Git writes the index when all files are there. Without a commit there is none; its own lock goes at the end.
    fn complete(&self, admin: &Path) -> bool {
        let unborn = self.plan.branch.is_some() && self.plan.base.is_none();
        admin.join("index").is_file()
            || unborn && admin.join("HEAD").is_file() && !admin.join("locked").exists()
    }

    fn remove_directory(&self, repo: &Repo, admin: Option<&Path>, force: bool) -> Result<()> {
        let Plan {
            directory, existed, ..
        } = &self.plan;
        let admin_of_it = pointer(&directory.join(".git"), b"gitdir: ")
            .filter(|admin| admin.starts_with(repo.common_dir.join("worktrees")));
        let gits = match (admin, &admin_of_it) {
            (Some(_), _) => true,
            // Git took its entry away before it was killed.
            (None, Some(named)) => !named.exists(),
            (None, None) => false,
        };
        if self.claimed() && gits && (force || self.holds_only_gits(repo)) {
            delete(directory)?;
        } else if !existed {
            // Without content nobody misses it; with content that is not git's it is somebody's work.
            let _ = fs::remove_dir(directory);
        }
        if *existed && !directory.exists() {
            fs::create_dir(directory)
                .with_context(|| format!("could not create '{}'", directory.display()))?;
        }
        Ok(())
    }

    /// Does the half-made directory hold nothing but what git put there? Somebody may have begun to work in it.
    fn holds_only_gits(&self, repo: &Repo) -> bool {
        let directory = &self.plan.directory;
        let names = fs::read_dir(directory).into_iter().flatten();
        if names.flatten().all(|entry| entry.file_name() == ".git") {
            return true;
        }
        let head = || repo.head(&self.admin(repo)?).id;
        let Some(commit) = self.plan.base.clone().or_else(head) else {
            return false;
        };
        let index = format!("treehop/index-{}", std::process::id());
        let index = repo.common_dir.join(index);
        let git = || {
            Git::at(&repo.common_dir)
                .env("GIT_WORK_TREE", directory)
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

    /// An admin directory that git had only just begun: it does not name its worktree yet.
    fn nameless(&self, repo: &Repo, admin: &Path) -> bool {
        let directory = &self.plan.directory;
        let (Some(id), Some(name)) = (admin.file_name(), directory.file_name()) else {
            return false;
        };
        let numbered = id.as_bytes().strip_prefix(name.as_bytes());
        numbered.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
            && pointer(&admin.join("gitdir"), b"").is_none()
            && since(admin, self.journal.written())
            // `app-1` with a number behind it may be `app-12`, which another run is making.
            && plans(repo).all(|other| {
                other.directory == *directory || other.directory.file_name() != Some(id)
            })
    }

    fn remove_branch(&self, repo: &Repo, by: By) -> Result<()> {
        let (Some(branch), Some(base)) = (&self.plan.branch, &self.plan.base) else {
            return Ok(());
        };
        let name = branch_ref(branch);
        let lock = [&name, &b".lock"[..]].concat();
        let lock = repo.common_dir.join(OsStr::from_bytes(&lock));
        if by == By::Later && since(&lock, self.journal.written()) {
            let _ = fs::remove_file(lock);
        }
        let elsewhere = repo.entries()?.iter().any(|entry| {
            entry.branch_meant().as_ref() == Some(branch) && !(entry.main && repo.bare)
        });
        if elsewhere {
            return Ok(());
        }
        match repo.object(&name) {
            // Somebody has worked on it.
            Some(at) if at != *base => return Ok(()),
            Some(_) => {
                git::patiently(|| {
                    Git::at(&repo.common_dir)
                        .args(["update-ref", "--no-deref", "-d"])
                        .args([OsStr::from_bytes(&name), OsStr::new(base)])
                })
                .with_context(|| format!("could not delete the branch '{branch}'"))?;
            }
            None => {}
        }
        let unset = |key| unset(repo, branch, key);
        self.plan.settings.iter().try_for_each(unset)
    }
}

/// Takes away what killed runs have left half-made. Returns what there is to say.
pub fn resume(repo: &Repo, turn: &Turn) -> Vec<String> {
    let left = Kind::Making.left(&repo.common_dir).into_iter();
    left.filter_map(|journal| {
        let plan = Plan::from_record(&journal.record)?;
        let ended = Making { journal, plan }.end(repo, By::Later, turn);
        let failed = |error| format!("could not tidy up after an earlier run: {error:#}");
        ended.unwrap_or_else(|error| Some(failed(error)))
    })
    .collect()
}

/// What all runs are making now.
fn plans(repo: &Repo) -> impl Iterator<Item = Plan> {
    let records = Kind::Making.records(&repo.common_dir);
    records.filter_map(|record| Plan::from_record(&record))
}

/// That a directory cannot become a worktree, since there is something.
pub fn taken(directory: &Path) -> anyhow::Error {
    let message = format!("'{}' exists already", directory.display());
    Failure::new(Exit::Refused, message)
        .hint("--name NAME or --path DIR choose another place")
        .into()
}

fn unset(repo: &Repo, branch: &BString, key: &String) -> Result<()> {
    let name = [b"branch.", &branch[..], b".", key.as_bytes()].concat();
    let name = OsStr::from_bytes(&name);
    let unset = git::patiently(|| {
        let git = Git::at(&repo.common_dir);
        git.args(["config", "--local", "--unset-all"]).args([name])
    });
    match unset {
        // Without a word: it was not set.
        Err(error) if !git::wordless(&error) => {
            Err(error).with_context(|| format!("could not remove the setting '{}'", name.display()))
        }
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = Plan {
            directory: OsStr::from_bytes(b"/a b/\xff\n").into(),
            existed: true,
            topmost: "/a b".into(),
            branch: Some("x/'y'".into()),
            base: None,
            settings: vec!["remote".into(), "merge".into()],
        };
        let text = plan.record().encode();
        let record = Record::decode(text.as_bytes()).unwrap();
        assert_eq!(Plan::from_record(&record), Some(plan));
    }
}
