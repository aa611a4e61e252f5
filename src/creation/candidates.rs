//! The branches that could get a worktree, for Tab.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;

use anyhow::Result;
use gix::bstr::{BStr, BString, ByteSlice};
use serde::Serialize;

use crate::cli;
use crate::git::Git;
use crate::output::{self, Found, Row};
use crate::plain;
use crate::query::{self, Target};
use crate::reader::Reader;
use crate::remote;
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::worktree::Worktree;

#[derive(Serialize)]
struct Candidates {
    schema: u8,
    matches: Vec<Found>,
}

/// Prints the branches without a worktree that begin or look like BRANCH, those with the latest commit first.
///
/// # Errors
/// Git fails.
pub fn print(repo: &Repo, args: &cli::New) -> Result<()> {
    let typed = args.branch.as_deref().unwrap_or_default().as_bytes();
    let entries = repo.entries()?;
    let mut branches = read(repo)?;
    let taken: Vec<_> = entries.iter().filter_map(Entry::branch_meant).collect();
    // What cannot be shown as it is cannot be chosen by eye.
    let fit = |branch: &BString| !taken.contains(branch) && !branch.chars().any(plain::hidden);
    branches.retain(|branch| fit(&branch.query));
    let targets: Vec<_> = branches
        .iter()
        .map(|branch| Target {
            branch: Some(branch.query.clone()),
            ..Target::default()
        })
        .collect();
    let fitting = query::decide(&[typed.into()], &targets);
    let branches: Vec<_> = fitting.iter().map(|at| &branches[*at]).collect();
    if args.show.fields.is_empty() {
        return output::json(&Candidates {
            schema: output::SCHEMA,
            matches: branches.into_iter().cloned().collect(),
        });
    }
    let info = Reader::new(repo, &entries, &args.show).repo();
    let none = Worktree::default();
    let rows = branches.into_iter().map(|found| Row {
        repo: &info,
        worktree: &none,
        cd: None,
        found: Some(found),
        launch: None,
    });
    output::fields(rows, &args.show.fields)
}

/// Local branches, and those of remotes that are not here yet: by their own name where one remote has it.
fn read(repo: &Repo) -> Result<Vec<Found>> {
    let out = Git::looking(&repo.common_dir)
        .env("GIT_DIR", &repo.common_dir)
        .args(["for-each-ref", "--sort=-committerdate"])
        .args([
            "--format=%(refname)%00%(symref)%00%(committerdate:relative) · %(contents:subject)%00",
        ])
        .args(["refs/heads/", "refs/remotes/"])
        .read()?;
    let remotes = repo.remotes();
    let mut parts = out.split_str(b"\0").map(ByteSlice::trim_start);
    let (mut local, mut theirs) = (vec![], vec![]);
    while let (Some(name), Some(link), Some(about)) = (parts.next(), parts.next(), parts.next()) {
        if let Some(branch) = name.strip_prefix(b"refs/heads/") {
            local.push((BString::from(branch), about.as_bstr()));
        } else if link.is_empty()
            && let Some(whole) = name.strip_prefix(b"refs/remotes/")
            && let Some((of, branch)) = remote::split_in(&remotes, whole)
        {
            theirs.push((of, branch, whole.as_bstr(), about.as_bstr()));
        }
    }
    let mut times = HashMap::<&BStr, usize>::new();
    for (_, branch, ..) in &theirs {
        *times.entry(branch).or_default() += 1;
    }
    let found = |query: &BStr, about: String| Found {
        query: query.into(),
        description: plain::line(&about),
    };
    let here = local
        .iter()
        .map(|(name, about)| found(name.as_bstr(), about.to_string()));
    let there = theirs
        .iter()
        .filter(|(_, branch, ..)| local.iter().all(|(name, _)| name != branch))
        .map(|(of, branch, whole, about)| {
            let query = if times[branch] == 1 { branch } else { whole };
            found(query, format!("{of} · {about}"))
        });
    Ok(here.chain(there).collect())
}
