//! The stash, which all worktrees share: which entries were made on which branch.

use std::collections::HashMap;

use gix::bstr::{BString, ByteSlice};

use super::Repo;
use crate::file;
use crate::git::Git;

/// How many entries were made on each branch, as far as their messages say: `git stash store` writes others.
pub fn by_branch(repo: &Repo) -> HashMap<BString, usize> {
    let mut counts = HashMap::new();
    let log = file::small(repo.common_dir.join("logs/refs/stash"));
    let messages = match log {
        // OLD NEW NAME <MAIL> TIME ZONE, tab, message.
        Ok(log) => log
            .lines()
            .filter_map(|line| Some(line.split_once_str("\t")?.1.into()))
            .collect(),
        Err(_) if repo.foreign_format => ask_git(repo),
        Err(_) => vec![],
    };
    for message in messages {
        if let Some(branch) = made_on(&message) {
            *counts.entry(branch).or_default() += 1;
        }
    }
    counts
}

/// `WIP on BRANCH: …`, or `On BRANCH: …` where a message was given; a branch holds no colon.
fn made_on(message: &BString) -> Option<BString> {
    let rest = message
        .strip_prefix(b"WIP on ")
        .or_else(|| message.strip_prefix(b"On "))?;
    let (branch, _) = rest.split_once_str(": ")?;
    (branch != b"(no branch)").then(|| branch.into())
}

/// For a format that has no such file.
fn ask_git(repo: &Repo) -> Vec<BString> {
    let git =
        Git::at(&repo.common_dir).args(["reflog", "show", "--format=%gs", "refs/stash", "--"]);
    let said = git.read().unwrap_or_default();
    said.lines().map(BString::from).collect()
}
