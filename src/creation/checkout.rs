//! Making the worktree with git, and what git does once it is there.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};
use gix::bstr::BString;

use super::plan::Making;
use super::source::{Here, Source, setting};
use crate::error::{Exit, Failure};
use crate::git::{self, Git};
use crate::repo::Repo;
use crate::{interrupt, remote};

/// Makes the branch and the worktree.
pub fn make(
    repo: &Repo,
    here: &Here,
    source: &Source,
    checkout: &Checkout,
    making: &mut Making,
) -> Result<()> {
    making.claim()?;
    interrupt::check()?;
    // The settings of a stranger's branch stand before anything could be run there.
    if let Some((branch, _)) = source.branch()
        && let Some(number) = source.number()
    {
        set(repo, branch, "treehopPr", OsStr::new(&number.to_string()))?;
    }
    let mut git = checkout
        .git(here.git())
        .args(["worktree", "add", "--quiet"]);
    if source.commit(repo).is_some() {
        git = git.args(["--no-checkout"]);
    }
    let directory = checkout.directory;
    let text = OsStr::from_bytes;
    git = match source {
        Source::Branch { branch, .. } => git.args([directory.as_os_str(), text(branch)]),
        Source::New {
            branch, at: None, ..
        } => git.args([
            OsStr::new("--orphan"),
            OsStr::new("-b"),
            text(branch),
            directory.as_os_str(),
        ]),
        Source::New {
            branch,
            from,
            track: true,
            ..
        } => {
            // By itself, since the lock of the configuration has to be waited for.
            branch_of(here, branch, from, None)?;
            git.args([directory.as_os_str(), text(branch)])
        }
        Source::New { branch, from, .. } => {
            if from != "HEAD" {
                git = git.args(["--no-track"]);
            }
            git.args([
                OsStr::new("-b"),
                text(branch),
                directory.as_os_str(),
                text(from),
            ])
        }
        Source::Remote { branch, remote, .. } => {
            let theirs = remote::tracking(remote, branch);
            if remote::tracked(repo, remote, branch) {
                branch_of(here, branch, &theirs, Some("--track"))?;
            } else {
                // Git refuses to follow what it does not fetch by itself, as in a bare clone.
                branch_of(here, branch, &theirs, Some("--no-track"))?;
                let merge = [b"refs/heads/", &branch[..]].concat();
                set(repo, branch, "remote", text(remote))?;
                set(repo, branch, "merge", text(&merge))?;
            }
            git.args([directory.as_os_str(), text(branch)])
        }
        Source::Request {
            branch, request, ..
        } => {
            // So that `git pull` brings what is new in it.
            set(repo, branch, "remote", text(&request.remote))?;
            set(repo, branch, "merge", text(&request.name))?;
            let add = [OsStr::new("--no-track"), OsStr::new("-b"), text(branch)];
            git.args(add)
                .args([directory.as_os_str(), OsStr::new(&request.id)])
        }
        Source::Commit { at, .. } => git.args([
            OsStr::new("--detach"),
            directory.as_os_str(),
            OsStr::new(at),
        ]),
    };
    interrupt::check()?;
    failing(git.run(), directory)
}

/// What git does once the worktree is there.
pub struct Checkout<'a> {
    directory: &'a Path,
    /// The commit; `None`: there are no files.
    commit: Option<String>,
    /// Are there people to tell how far it is?
    loud: bool,
    /// A relative `core.hooksPath` leads into the worktree: its hooks are a stranger's.
    no_hooks: bool,
}

impl<'a> Checkout<'a> {
    /// What is to be checked out at `directory`.
    pub fn new(repo: &Repo, source: &Source, directory: &'a Path) -> Self {
        let relative = |path: BString| !path.starts_with(b"/") && !path.starts_with(b"~");
        Checkout {
            directory,
            commit: source.commit(repo),
            loud: std::io::stderr().is_terminal(),
            no_hooks: source.number().is_some()
                && setting(repo, "core.hooksPath").is_some_and(relative),
        }
    }

    fn git(&self, git: Git) -> Git {
        if self.no_hooks {
            return git.args(["-c", "core.hooksPath=/dev/null"]);
        }
        git
    }

    /// Checks the files out.
    ///
    /// # Errors
    /// Git fails, or Ctrl-C came.
    pub fn files(&self) -> Result<()> {
        interrupt::check()?;
        if self.commit.is_none() {
            return Ok(());
        }
        let mut git = self.git(Git::changing(self.directory));
        git = git.args(["reset", "--hard", "--no-recurse-submodules"]);
        if !self.loud {
            git = git.args(["--quiet"]);
        }
        // It would print the commit's subject as it is, and that is somebody else's.
        failing(git.work(), self.directory)
    }

    /// Runs the hook `post-checkout`, as `git worktree add` does. It cannot undo anything, so neither do we.
    pub fn hook(&self, repo: &Repo) {
        let Some(commit) = self.commit.as_deref().filter(|_| !self.no_hooks) else {
            return;
        };
        let usual = repo.common_dir.join("hooks/post-checkout");
        if interrupt::check().is_err() || !(usual.exists() || repo.settings().hooks_moved()) {
            return;
        }
        let before = "0".repeat(commit.len());
        let run = Git::changing(self.directory)
            .args(["hook", "run", "--ignore-missing", "post-checkout", "--"])
            .args([&before, commit, "1"])
            .run();
        if let Err(error) = run
            && interrupt::check().is_ok()
        {
            let said = error.to_string();
            say!(
                "treehop: the hook post-checkout failed, the worktree is complete{}{said}",
                if said.is_empty() { "" } else { ": " }
            );
        }
    }
}

/// Makes a branch without a worktree.
fn branch_of(here: &Here, branch: &BString, from: &BString, how: Option<&str>) -> Result<()> {
    let git = || here.reading().args(["branch", "--quiet"]);
    let text = |name: &BString| OsStr::from_bytes(name).to_owned();
    let made = git()
        .args(how)
        .args(["--".into(), text(branch), text(from)]);
    let done = made.read().or_else(|error| {
        // The branch is there then, and only its settings are not.
        if !git::config_locked(&error) {
            return Err(error);
        }
        let upstream = [b"--set-upstream-to=", &from[..]].concat();
        git::patiently(|| git().args([text(&upstream.clone().into()), "--".into(), text(branch)]))
    });
    done.map(drop)
        .with_context(|| format!("could not make the branch '{branch}'"))
}

/// Remembers something with the branch.
pub fn set(repo: &Repo, branch: &BString, key: &str, value: &OsStr) -> Result<()> {
    let name = [b"branch.", &branch[..], b".", key.as_bytes()].concat();
    let name = OsStr::from_bytes(&name);
    git::patiently(|| {
        let git = Git::at(&repo.common_dir).args(["config", "--local"]);
        git.args([name, value])
    })
    .map(drop)
    .with_context(|| format!("could not remember '{}'", name.display()))
}

/// Git has said why on the screen.
fn failing(done: Result<()>, directory: &Path) -> Result<()> {
    done.map_err(|error| {
        if !error.is::<git::Failed>() {
            return error;
        }
        let message = format!("git could not make the worktree '{}'", directory.display());
        Failure::new(Exit::Failed, message).into()
    })
}
