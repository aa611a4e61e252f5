//! What a merge would do, found out without doing it.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gix::bstr::{BStr, BString, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::merged::Scratch;
use crate::removal::contents::below;
use crate::repo::Repo;

/// What comes of it.
#[derive(Debug)]
pub enum Outcome {
    /// The tree that all of it gives.
    Tree(String),
    /// Files that cannot be merged.
    Conflicts(Vec<BString>),
}

/// Asks git, in a place for objects of its own.
#[derive(Debug)]
pub struct Asking<'a> {
    repo: &'a Repo,
    /// A worktree: its `.gitattributes` say how files are merged.
    dir: &'a Path,
    scratch: Scratch,
}

impl<'a> Asking<'a> {
    /// Prepares it.
    ///
    /// # Errors
    /// The git directory cannot be written.
    pub fn new(repo: &'a Repo, dir: &'a Path) -> Result<Self> {
        let scratch = Scratch::new(&repo.common_dir)?;
        Ok(Asking { repo, dir, scratch })
    }

    fn git(&self, args: &[&str]) -> Git {
        let git = Git::in_dir(self.dir).here_only();
        self.scratch.writing(git, &self.repo.common_dir).args(args)
    }

    fn text(&self, args: &[&str]) -> Result<String> {
        let out = self.git(args).read()?;
        Ok(out.trim_ascii().to_str_lossy().into_owned())
    }

    /// Where two histories part; `None`: they have nothing in common.
    ///
    /// # Errors
    /// Git fails.
    pub fn fork(&self, ours: &str, theirs: &str) -> Result<Option<String>> {
        let (status, out) = self.git(&["merge-base", ours, theirs]).ask()?;
        match status {
            0 => Ok(Some(out.trim_ascii().to_str_lossy().into_owned())),
            1 => Ok(None),
            _ => bail!("git does not say where {ours} and {theirs} part"),
        }
    }

    /// How many commits `theirs` has that `ours` lacks.
    ///
    /// # Errors
    /// Git fails.
    pub fn ahead(&self, ours: &str, theirs: &str) -> Result<usize> {
        let count = self.text(&["rev-list", "--count", theirs, "--not", ours, "--"])?;
        count.parse().context("git does not count")
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// There is no such commit.
    pub fn tree(&self, commit: &str) -> Result<String> {
        self.text(&["rev-parse", "--verify", &format!("{commit}^{{tree}}")])
    }

    /// Merges `theirs` into `ours`.
    ///
    /// # Errors
    /// Git fails, or is too old for the question.
    pub fn merge(&self, ours: &str, theirs: &str) -> Result<Outcome> {
        let question = [
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--no-messages",
        ];
        let (status, out) = self.git(&question).args([ours, theirs]).ask()?;
        let mut parts = out.trim_end_with(|c| c == '\n').split(|b| *b == 0);
        let tree = parts.next().unwrap_or_default().to_str_lossy().into_owned();
        match status {
            0 => Ok(Outcome::Tree(tree)),
            1 => {
                let files = parts.take_while(|part| !part.is_empty());
                Ok(Outcome::Conflicts(files.map(BString::from).collect()))
            }
            129 => {
                let message = "this git cannot say whether a merge would conflict";
                let hint = "git 2.38 or newer can";
                Err(Failure::new(Exit::Failed, message).hint(hint).into())
            }
            _ => bail!("git cannot say whether a merge would conflict"),
        }
    }

    /// Puts the commits of `tip` upon `base` one after the other, as a rebase does.
    ///
    /// # Errors
    /// As [`Asking::merge`].
    pub fn rebase(&self, base: &str, tip: &str) -> Result<Outcome> {
        let range = format!("{base}...{tip}");
        let which = [
            "rev-list",
            "--right-only",
            "--cherry-pick",
            "--no-merges",
            "--topo-order",
            "--reverse",
            "--parents",
        ];
        let commits = self.git(&which).args([&range, "--"]).read()?;
        let mut tree = self.tree(base)?;
        for line in commits.lines() {
            let line = line.to_str()?;
            // The first commit of all: git itself has to try.
            let Some((commit, parent)) = line.split_once(' ') else {
                continue;
            };
            // A commit beside this one makes its parent the base, which older git cannot be told otherwise.
            let so_far = self.text(&["commit-tree", &tree, "-p", parent, "-m", "so far"])?;
            match self.merge(&so_far, commit)? {
                Outcome::Tree(next) => tree = next,
                conflicts @ Outcome::Conflicts(_) => return Ok(conflicts),
            }
        }
        Ok(Outcome::Tree(tree))
    }

    /// How many files lie between two trees.
    ///
    /// # Errors
    /// Git fails.
    pub fn files(&self, from: &str, to: &str) -> Result<usize> {
        let diff = ["diff-tree", "-r", "-z", "-M", "--name-only", from, to, "--"];
        let names = self.git(&diff).read()?;
        Ok(names.find_iter(b"\0").count())
    }

    /// What in the worktree `dir` would be overwritten on the way from one tree to another, although git neither tracks
    /// it nor shows it as changed: git itself takes an ignored file for nobody's.
    ///
    /// # Errors
    /// Git fails.
    pub fn in_the_way(&self, dir: &Path, from: &str, to: &str) -> Result<Vec<BString>> {
        let diff = ["diff-tree", "-r", "-z", "--no-renames", "--name-status"];
        let changed = self.git(&diff).args([from, to, "--"]).read()?;
        let index = Git::in_dir(dir).here_only().args(["ls-files", "-z", "-v"]);
        let index = index.read()?;
        let tracked: HashMap<&BStr, u8> = (index.split(|b| *b == 0))
            .filter_map(|line| Some((line.get(2..)?.as_bstr(), line[0])))
            .collect();
        let there = |path: &[u8]| below(dir, path).symlink_metadata().ok();
        let mut found = vec![];
        let mut parts = changed.split(|b| *b == 0);
        while let (Some(status), Some(path)) = (parts.next(), parts.next()) {
            let path = path.as_bstr();
            match tracked.get(path) {
                // Assume-unchanged or skip-worktree: nobody has looked whether it is changed.
                Some(tag) if *tag == b'S' || tag.is_ascii_lowercase() => {
                    found.extend(there(path).map(|_| path.to_owned()));
                }
                None if status == b"A" => found.extend(blocking(dir, path, &tracked)),
                _ => {}
            }
        }
        found.dedup();
        Ok(found)
    }
}

/// What lies where the new file `path` is to be.
fn blocking(dir: &Path, path: &BStr, tracked: &HashMap<&BStr, u8>) -> Option<BString> {
    let slashes = path.find_iter(b"/");
    for end in slashes.chain([path.len()]) {
        let part = path[..end].as_bstr();
        let meta = below(dir, part).symlink_metadata().ok()?;
        if !meta.is_dir() {
            return (!tracked.contains_key(part)).then(|| part.to_owned());
        }
    }
    untracked_below(dir, path.to_owned(), tracked)
}

/// A file in the directory `path` that git does not track.
fn untracked_below(dir: &Path, path: BString, tracked: &HashMap<&BStr, u8>) -> Option<BString> {
    let mut directories = vec![path];
    while let Some(path) = directories.pop() {
        for entry in below(dir, &path).read_dir().ok()?.flatten() {
            let name = entry.file_name();
            let path = [&path[..], b"/", name.as_encoded_bytes()].concat();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(path.into());
            } else if !tracked.contains_key(path.as_bstr()) {
                return Some(path.into());
            }
        }
    }
    None
}
