//! What has changed in a worktree, as numbers.
//!
//! [`changes`] finds out in one pass over the index and the directories: faster than `git status`, because each
//! directory is opened once, is only looked through where it holds more than git tracks, and the subtrees of HEAD
//! that the index says are the same are never read. [`ask_git`] finds out from git itself, for what the pass gives up
//! on: a file of which only the content can tell, where git may convert that before it stores it, a submodule that is
//! checked out, a sparse index whose directories have appeared or changed, a reference storage or an extension that
//! gix does not know, a directory that may not be read, a path deeper than 512 directories. Converting and looking
//! into submodules would make this program 0.4 MB larger, and is rarely needed.
//!
//! Both follow `git status --untracked-files=normal`: an untracked directory counts as one, and an ignored file not
//! at all. Where they deviate from it, so that numbers mean the same in each configuration:
//! - a file that was renamed and edited counts as two staged changes, one that was only renamed as one, whatever
//!   `status.renames` says;
//! - `status.showUntrackedFiles` is ignored, and so is `core.fsmonitor`: a setting of the repository that would
//!   run a program.
//!
//! Git runs filters (`filter.<name>.clean`) where the attributes name one, the configuration defines it, and the
//! content of a file whose stat data changed has to be compared; the pass never runs any program.
//!
//! The pass alone deviates
//! - where a file was committed as it is, and later attributes would put it through a filter or into another encoding:
//!   here it is the same as long as it is the same, while git counts it once it is touched (of line endings and `$Id$`
//!   git is asked);
//! - where git sees a rename in what is not staged (from a deleted file to one of `git add --intent-to-add`, or, by
//!   mistake, to a conflicted one): here these are two changes;
//! - where git compares times by the second: an edit that kept a file's size within the second of its checkout is
//!   found here whenever the clock's nanoseconds tell it, and a new rule in `.gitattributes` does not count files of
//!   that second as modified before they are touched (git stops to do so a second later);
//! - on a file system that ignores case: a file whose case alone changed counts as untracked too.

mod conversions;
mod directory;
mod staged;
mod worktree;

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gix::bstr::{BStr, ByteSlice};
use gix::index::{Entry, PathStorageRef, State};

use crate::git::Git;
use serde::Serialize;

/// How deep a path may be; git itself gives up at 2,048, and each level takes a descriptor and a piece of the stack.
const MAX_DEPTH: usize = 512;

/// Numbers of paths. A path can be staged and modified at once; a conflicted one is neither.
#[derive(Serialize, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// The index differs from HEAD.
    pub staged: usize,
    /// The worktree differs from the index.
    pub modified: usize,
    /// Neither tracked nor ignored; a directory counts as one.
    pub untracked: usize,
    /// In the middle of a merge and not resolved.
    pub conflicted: usize,
}

/// Counts what has changed in the worktree that `repo` was opened at, by [`open`](crate::repo::objects::open).
/// Nothing is written, the index is not refreshed.
///
/// # Errors
/// Anything that this reader cannot read or does not know: then [`ask_git`] has the answer, or a better message.
pub fn changes(repo: &gix::Repository) -> Result<Changes> {
    let index = repo.index_or_empty().context("could not read the index")?;
    let mut changes = worktree::count(repo, &index)?;
    changes.staged = staged::count(repo, &index)?;
    Ok(changes)
}

/// The entries of an index in their order (by bytes), and safe to ask even where a damaged index has none.
#[derive(Clone, Copy)]
struct Paths<'a> {
    entries: &'a [Entry],
    backing: &'a PathStorageRef,
}

impl<'a> Paths<'a> {
    fn new(index: &'a State) -> Self {
        Paths {
            entries: index.entries(),
            backing: index.path_backing(),
        }
    }

    /// The whole path of an entry.
    fn path(self, position: usize) -> &'a BStr {
        self.entries[position].path_in(self.backing)
    }

    /// What follows the first `prefix` bytes of an entry's path.
    fn below(self, position: usize, prefix: usize) -> Result<&'a [u8]> {
        self.path(position)
            .get(prefix..)
            .context("the index is out of order")
    }

    /// Where the directory ends that the first `length` bytes of the path at `range.start` name, slash included:
    /// always beyond that entry.
    fn end_of_directory(self, range: &Range<usize>, length: usize) -> usize {
        let directory = &self.path(range.start)[..length];
        let rest = &self.entries[range.start + 1..range.end];
        range.start
            + 1
            + rest.partition_point(|entry| entry.path_in(self.backing).starts_with(directory))
    }

    /// Whether `path` is an entry, or, asked for a directory, has entries below it.
    fn tracks(self, range: &Range<usize>, path: &BStr, is_directory: bool) -> bool {
        let entries = &self.entries[range.clone()];
        let first = |wanted: &BStr| {
            let position = entries.partition_point(|entry| entry.path_in(self.backing) < wanted);
            entries
                .get(position)
                .map(|entry| entry.path_in(self.backing))
        };
        first(path) == Some(path)
            || is_directory && {
                let mut directory = path.to_owned();
                directory.push(b'/');
                first(directory.as_bstr()).is_some_and(|found| found.starts_with(&directory))
            }
    }
}

/// Counts what has changed in the worktree `dir` by asking git.
///
/// Nothing is written, no program that the configuration names watches the files, and nothing is fetched.
///
/// # Errors
/// git cannot be run or fails, with what it said.
pub fn ask_git(dir: &Path) -> Result<Changes> {
    let git = Git::looking(dir).args([
        "status",
        "--porcelain=v2",
        "-z",
        "--untracked-files=normal",
        "--find-renames=100%",
    ]);
    parse(&git.read().context("git status failed")?)
}

/// Counts the records of `git status --porcelain=v2 -z`.
///
/// # Errors
/// A record of a kind that is not known.
pub fn parse(output: &[u8]) -> Result<Changes> {
    let mut changes = Changes::default();
    let mut records = output.split(|byte| *byte == 0);
    while let Some(record) = records.next() {
        match record {
            [kind @ (b'1' | b'2'), b' ', staged, modified, ..] => {
                changes.staged += usize::from(*staged != b'.');
                changes.modified += usize::from(*modified != b'.');
                if *kind == b'2' {
                    // The path that it was renamed from is a record of its own.
                    records.next();
                }
            }
            [b'u', b' ', ..] => changes.conflicted += 1,
            [b'?', b' ', ..] => changes.untracked += 1,
            [b'!' | b'#', b' ', ..] | [] => {}
            _ => bail!("git status said '{}'", record.as_bstr()),
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests;
