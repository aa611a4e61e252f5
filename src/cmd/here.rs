//! `treehop here`: the worktree of the current directory.

use anyhow::Result;

use crate::cli;
use crate::error::{Exit, Failure};
use crate::known;
use crate::output::{self, Document};
use crate::reader::Reader;
use crate::repo::Repo;

/// Runs `treehop here`.
pub fn run(args: &cli::Here) -> Result<()> {
    let repo = Repo::discover(&super::current_dir()?)?;
    known::remember(&repo);
    let entries = repo.entries()?;
    let Some(at) = entries
        .iter()
        .position(|entry| entry.git_dir == repo.git_dir)
    else {
        let message = format!(
            "git does not list the worktree of '{}'",
            repo.git_dir.display()
        );
        return Err(Failure::new(Exit::NotFound, message)
            .hint("git worktree repair")
            .into());
    };
    let reader = Reader::new(&repo, &entries, &args.show);
    let worktree = reader.worktrees(&[at])?.remove(0);
    output::one(
        &Document {
            schema: output::SCHEMA,
            repo: reader.repo(),
            worktree,
            cd: None,
        },
        &args.show,
    )
}
