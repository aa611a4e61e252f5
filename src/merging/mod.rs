//! Merging a worktree's branch into another: all is found out first, then done in a way that can be taken back.

mod asking;
pub mod doing;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::cli;
use crate::error::{Exit, Failure};
use crate::git::{Git, branch_ref};
use crate::merged;
use crate::plain;
use crate::removal::{Surroundings, counted};
use crate::repo::Repo;
use crate::repo::changes::{self, Changes};
use crate::repo::entry::Entry;
use crate::shell::quoted;
use asking::{Asking, Outcome};

/// How a branch gets into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The other one moves on to it.
    FastForward,
    /// By a commit that joins both.
    Merge,
    /// By one commit that does all that it did.
    Squash,
    /// It is put upon the other one, which then moves on to it.
    Rebase,
    /// It is there already, or has nothing to give.
    Nothing,
}

impl How {
    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            How::FastForward => "fast-forward",
            How::Merge => "merge commit",
            How::Squash => "squashed",
            How::Rebase => "rebased",
            How::Nothing => "nothing to do",
        }
    }
}

/// The branch that is merged.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub branch: BString,
    /// Where it stands.
    pub tip: String,
    /// The worktree that has it checked out.
    pub path: PathBuf,
    name: BString,
}

/// The branch that is merged into.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub branch: BString,
    /// Where it stands.
    pub tip: String,
    /// The worktree that has it checked out, by name and path.
    place: Option<(BString, PathBuf)>,
    upstream: Option<Upstream>,
}

/// What the target follows.
#[derive(Debug)]
struct Upstream {
    /// In full.
    name: BString,
    tip: String,
    /// Commits that the target lacks.
    ahead: usize,
    /// Does the target have some that it lacks?
    diverged: bool,
}

impl Upstream {
    fn short(&self) -> BString {
        let name = ["refs/remotes/", "refs/heads/"]
            .iter()
            .find_map(|prefix| self.name.strip_prefix(prefix.as_bytes()));
        name.unwrap_or(&self.name).into()
    }
}

/// A merge that nothing stands against.
#[derive(Debug)]
pub struct Plan {
    /// What is merged.
    pub source: Source,
    /// What it is merged into.
    pub target: Target,
    /// How that will most likely go: git's settings have a say.
    pub how: How,
    /// Where the target stands when the merge begins.
    pub base: String,
    /// Is all of it in the target already?
    pub merged: bool,
    /// How many commits the target lacks.
    pub commits: usize,
    /// How many files change.
    pub files: usize,
    /// The files afterwards.
    tree: String,
    /// Take the upstream first.
    pull: bool,
}

fn refused(message: String, hint: impl Into<String>) -> anyhow::Error {
    Failure::new(Exit::Refused, message).hint(hint).into()
}

/// `git -C DIR`, for a hint.
fn git_in(dir: &Path) -> String {
    format!("git -C {}", quoted(dir))
}

fn shown(branch: &BString) -> String {
    quoted(OsStr::from_bytes(branch))
}

impl Source {
    /// The branch of the worktree at `at`.
    ///
    /// # Errors
    /// It is the main worktree, or gone, has no branch, or something is under way in it.
    pub fn of(around: &Surroundings, at: usize) -> Result<Self> {
        let entry = &around.entries[at];
        let (name, path) = (&entry.name, &entry.path);
        if entry.main {
            let message = format!("'{name}' is the main worktree, which others are merged into");
            return Err(refused(message, "wmerge NAME"));
        }
        if !path.join(".git").exists() {
            let message = format!("the directory of '{name}' is gone: {}", path.display());
            return Err(Failure::new(Exit::NotFound, message).hint("wprune").into());
        }
        around.at_rest(at)?;
        let head = entry.head(around.repo);
        let Some(branch) = head.branch else {
            let message = format!("'{name}' is detached, so there is no branch to merge");
            let hint = format!("{} switch -c BRANCH", git_in(path));
            return Err(refused(message, hint));
        };
        let Some(tip) = head.id else {
            return Err(refused(
                format!("'{branch}' has no commit yet"),
                "commit first",
            ));
        };
        Ok(Source {
            branch,
            tip,
            path: path.clone(),
            name: name.clone(),
        })
    }
}

impl Target {
    /// The branch `into`, or the main worktree's.
    ///
    /// # Errors
    /// There is none, or its worktree cannot be merged into.
    pub fn find(repo: &Repo, entries: &[Entry], into: Option<&OsStr>) -> Result<Self> {
        let main = &entries[0];
        let branch: BString = match into {
            Some(into) => into.as_bytes().into(),
            None => main.branch_meant().with_context(|| {
                let message = format!("'{}' is detached: merge into which branch?", main.name);
                Failure::new(Exit::Refused, message).hint("wmerge --into BRANCH")
            })?,
        };
        let name = branch_ref(&branch);
        let Some(tip) = repo.object(&name) else {
            let message = format!("there is no branch '{branch}' with a commit");
            return Err(Failure::new(Exit::NotFound, message)
                .hint("git branch --list")
                .into());
        };
        let holding = |entry: &&Entry| entry.branch_meant().as_ref() == Some(&branch);
        let mut worktrees = entries.iter().filter(|entry| !(entry.main && repo.bare));
        let place = worktrees.find(holding);
        if let Some(entry) = place {
            if let Some(operation) = entry.operation().0 {
                let message = format!("'{}' is in the middle of a {operation}", entry.name);
                let hint = format!("{} {operation} --abort, or finish it", git_in(&entry.path));
                return Err(refused(message, hint));
            }
            if !entry.path.join(".git").exists() {
                let gone = entry.path.display();
                let message = format!("the worktree of '{branch}' is gone: {gone}");
                return Err(Failure::new(Exit::NotFound, message).hint("wprune").into());
            }
        }
        Ok(Target {
            place: place.map(|entry| (entry.name.clone(), entry.path.clone())),
            upstream: None,
            branch,
            tip,
        })
    }

    /// The directory that has it checked out.
    pub fn path(&self) -> Option<&Path> {
        self.place.as_ref().map(|(_, path)| path.as_path())
    }

    /// Brings what the remote of its upstream has.
    ///
    /// # Errors
    /// It has no upstream, or the remote does not answer.
    pub fn fetch(&self, repo: &Repo) -> Result<()> {
        let settings = repo.branch_settings(&self.branch)?;
        let mut remotes = settings.iter().filter(|(key, _)| key == "remote");
        let Some((_, remote)) = remotes.next_back() else {
            let message = format!("'{}' has no upstream to pull from", self.branch);
            let branch = shown(&self.branch);
            let hint = format!("git branch --set-upstream-to=origin/{branch} {branch}");
            return Err(Failure::new(Exit::Failed, message).hint(hint).into());
        };
        let dir = self.path().unwrap_or(&repo.common_dir);
        let git = Git::changing(dir).args(["fetch", "--", &*remote.to_str_lossy()]);
        git.run()
            .with_context(|| format!("could not fetch from '{remote}'"))
    }

    /// Looks where its upstream is.
    fn follow(&mut self, repo: &Repo, asking: &Asking) -> Result<()> {
        let name = merged::upstream(repo, &branch_ref(&self.branch));
        let Some((tip, name)) = name.and_then(|name| Some((repo.object(&name)?, name))) else {
            return Ok(());
        };
        let ahead = asking.ahead(&self.tip, &tip)?;
        let diverged = ahead > 0 && asking.ahead(&tip, &self.tip)? > 0;
        self.upstream = Some(Upstream {
            name,
            tip,
            ahead,
            diverged,
        });
        Ok(())
    }

    /// Where the merge begins: with `pull`, at the upstream. What is not pulled is said.
    fn base(&self, pull: bool) -> Result<(String, BString)> {
        let own = || (self.tip.clone(), self.branch.clone());
        let Some(upstream) = self.upstream.as_ref().filter(|up| up.ahead > 0) else {
            return Ok(own());
        };
        let (short, branch) = (upstream.short(), &self.branch);
        if !pull {
            let commits = many(upstream.ahead, "commit");
            say!("{short} is {commits} ahead of {branch}; wmerge --pull takes them first");
            return Ok(own());
        }
        if upstream.diverged {
            let message = format!("{branch} and {short} have both moved on: nothing was merged");
            let hint = match self.path() {
                Some(dir) => format!("{} rebase {}", git_in(dir), shown(&short)),
                None => format!("wnew {}", shown(branch)),
            };
            return Err(refused(message, hint));
        }
        Ok((upstream.tip.clone(), short))
    }
}

/// A number of things.
pub fn many(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Refuses what is not committed in the worktree called `name`.
fn clean(name: &BString, path: &Path, untracked: bool) -> Result<()> {
    let found = changes::ask_git(path)?;
    let matter = Changes {
        untracked: if untracked { found.untracked } else { 0 },
        ..found
    };
    if matter == Changes::default() {
        return Ok(());
    }
    let message = format!("'{name}' has changes: {}", counted(matter));
    Err(refused(
        message,
        format!("commit them first, in {}", path.display()),
    ))
}

impl Plan {
    /// Finds out what merging `source` into `target` does, and refuses what would harm.
    ///
    /// # Errors
    /// [`Exit::Conflict`] with the files; [`Exit::Refused`]; git fails.
    pub fn new(repo: &Repo, source: Source, mut target: Target, args: &cli::Merge) -> Result<Self> {
        if source.branch == target.branch {
            let message = format!("'{}' cannot be merged into itself", source.branch);
            return Err(Failure::new(Exit::Usage, message)
                .hint("wmerge --into BRANCH")
                .into());
        }
        clean(&source.name, &source.path, true)?;
        if let Some((name, path)) = &target.place {
            clean(name, path, false)?;
        }
        let found = merged::find(
            repo,
            source.branch.as_bstr(),
            &source.tip,
            Some(&target.branch),
        )?;
        let dir = target.path().unwrap_or(&source.path).to_owned();
        let asking = Asking::new(repo, &dir)?;
        target.follow(repo, &asking)?;
        let (base, base_name) = target.base(args.pull)?;
        let mut plan = Plan {
            merged: found.is_some_and(|place| place.at == base),
            how: How::Nothing,
            commits: asking.ahead(&base, &source.tip)?,
            files: 0,
            tree: asking.tree(&base)?,
            pull: base != target.tip,
            source,
            target,
            base,
        };
        if !plan.merged {
            plan.find_out(&asking, &base_name, args)?;
        }
        if plan.how == How::Nothing {
            plan.commits = 0;
        }
        plan.nothing_in_the_way(&asking)?;
        Ok(plan)
    }

    /// How it goes, and what comes of it.
    fn find_out(&mut self, asking: &Asking, base_name: &BString, args: &cli::Merge) -> Result<()> {
        let (source, target) = (&self.source, &self.target);
        let dir = git_in(&source.path);
        let Some(fork) = asking.fork(&self.base, &source.tip)? else {
            let (ours, theirs) = (&target.branch, &source.branch);
            let message = format!("'{theirs}' and {ours} have no history in common");
            let onto = shown(base_name);
            let hint = format!("{dir} merge --allow-unrelated-histories {onto}, then wmerge again");
            return Err(refused(message, hint));
        };
        let forward = fork == self.base;
        self.how = match () {
            () if args.squash => How::Squash,
            () if forward && !args.no_ff => How::FastForward,
            () if args.rebase => How::Rebase,
            () => How::Merge,
        };
        if target.place.is_none() && matches!(self.how, How::Merge | How::Squash) {
            let branch = &target.branch;
            let message =
                format!("no worktree has '{branch}' checked out, so it can only be fast-forwarded");
            let hint = format!("wnew {}, or --rebase", shown(branch));
            return Err(refused(message, hint));
        }
        let outcome = match self.how {
            _ if forward => Outcome::Tree(asking.tree(&source.tip)?),
            How::Rebase => asking.rebase(&self.base, &source.tip)?,
            _ => asking.merge(&self.base, &source.tip)?,
        };
        let before = std::mem::take(&mut self.tree);
        self.tree = match outcome {
            Outcome::Tree(tree) => tree,
            Outcome::Conflicts(files) => return Err(self.conflict(base_name, &files)),
        };
        if self.how == How::Squash && self.tree == before {
            self.how = How::Nothing;
        }
        self.files = asking.files(&self.base, &self.tree)?;
        Ok(())
    }

    /// The failure of a merge that conflicts in `files`.
    fn conflict(&self, base: &BString, files: &[BString]) -> anyhow::Error {
        let Source { branch, path, .. } = &self.source;
        let (verb, does) = match self.how {
            How::Rebase => ("rebase", format!("rebasing '{branch}' onto {base}")),
            _ => (
                "merge",
                format!("merging '{branch}' into {}", self.target.branch),
            ),
        };
        let message = format!("{does} would conflict; nothing was changed");
        let files = files.iter().map(plain::line);
        let hint = format!(
            "{} {verb} {}, resolve it there (or let claude), then wmerge again",
            git_in(path),
            shown(base)
        );
        Failure::new(Exit::Conflict, message)
            .listing(files)
            .hint(hint)
            .into()
    }

    /// No file that git does not know of is where git is going to write.
    fn nothing_in_the_way(&self, asking: &Asking) -> Result<()> {
        let refuse = |name: &BString, files: &[BString]| match files {
            [] => Ok(()),
            files => {
                let message = format!(
                    "these files of '{name}', which git does not track, would be overwritten:"
                );
                let files = files.iter().map(plain::line);
                let failure = Failure::new(Exit::Refused, message).listing(files);
                Err(anyhow::Error::from(
                    failure.hint("move them away, or commit them"),
                ))
            }
        };
        if let Some((name, path)) = &self.target.place {
            if self.pull {
                refuse(
                    name,
                    &asking.in_the_way(path, &self.target.tip, &self.base)?,
                )?;
            }
            refuse(
                name,
                &asking.in_the_way(path, &self.target.tip, &self.tree)?,
            )?;
        }
        if self.how == How::Rebase {
            let Source {
                name, path, tip, ..
            } = &self.source;
            // A rebase begins at the base, and ends with the tree.
            refuse(name, &asking.in_the_way(path, tip, &self.base)?)?;
            refuse(name, &asking.in_the_way(path, tip, &self.tree)?)?;
        }
        Ok(())
    }

    /// Where the source's commits are then, as the removal has to know it.
    pub fn place(&self) -> merged::How {
        match self.how {
            How::Squash => merged::How::Squashed,
            How::Rebase => merged::How::Rebased,
            _ => merged::How::Merged,
        }
    }
}
