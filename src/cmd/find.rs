//! `treehop find`: the worktree that a query means.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gix::bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::cli;
use crate::output::{self, Found, Row};
use crate::reader::Reader;
use crate::search::{At, Search};
use crate::worktree::{RepoInfo, Worktree};
use crate::{places, plain, tab};

#[derive(Serialize)]
struct Match {
    repo: RepoInfo,
    worktree: Worktree,
    #[serde(serialize_with = "crate::worktree::path")]
    cd: PathBuf,
    #[serde(flatten)]
    found: Found,
}

impl Match {
    fn row(&self) -> Row<'_> {
        Row {
            repo: &self.repo,
            worktree: &self.worktree,
            cd: Some(&self.cd),
            found: Some(&self.found),
            launch: None,
        }
    }
}

#[derive(Serialize)]
struct Matches {
    schema: u8,
    matches: Vec<Match>,
}

/// Runs `treehop find`.
pub fn run(args: &cli::Find) -> Result<()> {
    let words: Vec<BString> = args.query.iter().map(|w| w.as_bytes().into()).collect();
    let dir = super::current_dir()?;
    let search = Search::new(words, &dir, args.partial)?;
    let found = search.decide(args.all, &dir)?;
    let present = search.present(&found)?;
    match present.as_slice() {
        several if args.all => print_all(&search, several, &dir, args),
        [at] => {
            let searched = &search.repos[at.0];
            let reader = Reader::new(&searched.repo, &searched.entries, &args.show);
            let cd = search.landing(*at, &dir, args.subdir);
            let document = reader.document(at.1, (!args.tab).then(|| cd.clone()))?;
            if args.tab {
                tab::open(&cd, document.worktree.name.as_bstr(), None)?;
            }
            output::one(&document, &args.show)
        }
        several => Err(search.ambiguous(several)),
    }
}

/// Prints all matches.
fn print_all(search: &Search, found: &[At], dir: &Path, args: &cli::Find) -> Result<()> {
    let mut matches = vec![];
    for (at, searched) in search.repos.iter().enumerate() {
        let chosen: Vec<_> = found
            .iter()
            .filter(|(repo, _)| *repo == at)
            .map(|(_, entry)| *entry)
            .collect();
        let reader = Reader::new(&searched.repo, &searched.entries, &args.show);
        for (entry, worktree) in chosen.iter().zip(reader.worktrees(&chosen)?) {
            let found = Found {
                query: search.query((at, *entry)),
                description: describe(&worktree),
            };
            matches.push(Match {
                repo: reader.repo(),
                worktree,
                cd: search.landing((at, *entry), dir, args.subdir),
                found,
            });
        }
    }
    if args.show.fields.is_empty() {
        return output::json(&Matches {
            schema: output::SCHEMA,
            matches,
        });
    }
    output::fields(matches.iter().map(Match::row), &args.show.fields)
}

/// One line for Tab: where it is, and what its session does.
fn describe(worktree: &Worktree) -> String {
    let mut line = places::shown(&worktree.path);
    for session in worktree.claude.live.iter().flatten() {
        let _ = write!(
            line,
            " · claude {}",
            session.status.as_deref().unwrap_or("running")
        );
    }
    plain::line(&line)
}
