//! `treehop list`: all worktrees of the repository.

use anyhow::Result;
use serde::Serialize;

use crate::cli::{self, Format};
use crate::output::{self, Row};
use crate::reader::Reader;
use crate::repo::Repo;
use crate::worktree::{RepoInfo, Worktree};
use crate::{known, table, watch};

#[derive(Serialize)]
struct Document {
    schema: u8,
    repo: RepoInfo,
    worktrees: Vec<Worktree>,
}

/// Runs `treehop list`.
pub fn run(mut args: cli::List) -> Result<()> {
    args.show.full |= args.watch || args.show.format == Format::Table;
    if args.watch {
        return watch::until_seen(|| picture(&args));
    }
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

/// The table as it is now, read anew, and how to leave.
fn picture(args: &cli::List) -> Result<String> {
    let repo = Repo::discover(&super::current_dir()?)?;
    let entries = repo.entries()?;
    let all: Vec<_> = (0..entries.len()).collect();
    let worktrees = Reader::new(&repo, &entries, &args.show).worktrees(&all)?;
    let dimmed = anstyle::Style::new().dimmed();
    let table = table::of(&worktrees);
    Ok(output::adapted(format!(
        "{table}\n{dimmed}q ends{dimmed:#}\n"
    )))
}
