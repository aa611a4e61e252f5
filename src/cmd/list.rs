//! `treehop list`: all worktrees of the repository.

use anyhow::Result;
use serde::Serialize;

use crate::cli::{self, Format};
use crate::output::{self, Row};
use crate::reader::Reader;
use crate::repo::Repo;
use crate::worktree::{RepoInfo, Worktree};
use crate::{known, table};

#[derive(Serialize)]
struct Document {
    schema: u8,
    repo: RepoInfo,
    worktrees: Vec<Worktree>,
}

/// Runs `treehop list`.
pub fn run(mut args: cli::List) -> Result<()> {
    args.show.full |= args.show.format == Format::Table;
    let repo = Repo::discover(&super::current_dir()?)?;
    known::remember(&repo);
    let entries = repo.entries()?;
    let reader = Reader::new(&repo, &entries, &args.show);
    let (info, all) = (reader.repo(), (0..entries.len()).collect::<Vec<_>>());
    let worktrees = reader.worktrees(&all)?;
    if !args.show.fields.is_empty() {
        let rows = worktrees.iter().map(|worktree| Row {
            repo: &info,
            worktree,
            cd: None,
            found: None,
            launch: None,
        });
        return output::fields(rows, &args.show.fields);
    }
    match args.show.format {
        Format::Table => output::styled(&table::of(&worktrees)),
        Format::Json => output::json(&Document {
            schema: output::SCHEMA,
            repo: info,
            worktrees,
        }),
    }
}
