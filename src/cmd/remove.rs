//! `treehop remove`: worktrees go, and their branches where the work is elsewhere.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Result;
use gix::bstr::BString;
use serde::Serialize;

use crate::cli;
use crate::error::{Exit, Failure};
use crate::output;
use crate::reader::Reader;
use crate::removal::{Done, Surroundings, trash};
use crate::search::Search;
use crate::unfinished;

#[derive(Serialize)]
struct What {
    removed: Vec<Done>,
}

/// Runs `treehop remove`.
pub fn run(args: &cli::Remove) -> Result<()> {
    let dir = super::current_dir()?;
    let (mut search, mut chosen) = choose(args, &dir)?;
    if !args.dry_run && unfinished::resume(&search.repos[0].repo)? {
        // What was interrupted may have been this.
        (search, chosen) = choose(args, &dir)?;
    }
    let searched = &search.repos[0];
    let repo = &searched.repo;
    let around = Surroundings::new(repo, &searched.entries);
    // All of them are looked at before the first goes.
    let checked = chosen
        .iter()
        .map(|at| around.check(*at, args.force, args.keep_branch));
    let plans = all_or_none(checked.collect())?;
    let mut removed = vec![];
    for plan in &plans {
        let done = plan.carry_out(repo, args.dry_run);
        removed.push(done.map_err(|error| after(&removed, error))?);
    }
    let mut cd = None;
    if !args.dry_run {
        trash::empty_behind(&repo.common_dir);
        cd = around.landing(&dir, &removed);
    }
    let show = cli::Show::default();
    let info = Reader::new(repo, &searched.entries, &show).repo();
    output::whole(&info, What { removed }, cd, &args.fields)
}

/// The repository, and the worktrees in it that the queries mean, each once.
fn choose(args: &cli::Remove, dir: &Path) -> Result<(Search, Vec<usize>)> {
    let queries = match args.query.as_slice() {
        [] => vec![BString::from("@")],
        words => words.iter().map(|word| word.as_bytes().into()).collect(),
    };
    let mut first: Option<Search> = None;
    let mut chosen = vec![];
    for query in queries {
        let search = Search::new(vec![query], dir, false)?;
        let found = search.decide(false, dir)?;
        let (repo, at) = match found.as_slice() {
            [] => return Err(search.nothing()),
            [at] => *at,
            several => return Err(search.ambiguous(several)),
        };
        let search = search.only(repo);
        if !chosen.contains(&at) {
            chosen.push(at);
        }
        match &first {
            Some(first) if first.repos[0].repo.common_dir != search.repos[0].repo.common_dir => {
                let message = "these worktrees belong to different repositories";
                return Err(Failure::new(Exit::Usage, message)
                    .hint("wrm those of one at a time")
                    .into());
            }
            Some(_) => {}
            None => first = Some(search),
        }
    }
    let search = first.ok_or_else(|| Failure::new(Exit::Usage, "which worktree?").hint("wls"))?;
    Ok((search, chosen))
}

/// What all of `results` hold, or one failure that says what stands against which.
fn all_or_none<T>(results: Vec<Result<T>>) -> Result<Vec<T>> {
    let several = results.len() > 1;
    let (mut good, mut bad) = (vec![], vec![]);
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(error) => bad.push(error),
        }
    }
    let Some(first) = bad.first().filter(|_| several) else {
        return bad.into_iter().next().map_or(Ok(good), Err);
    };
    let failure = first.downcast_ref::<Failure>();
    let mut message = String::from("nothing was removed:");
    for error in &bad {
        let _ = write!(message, "\n  {error:#}");
    }
    let exit = failure.map_or(Exit::Failed, |failure| failure.exit);
    let hint = failure.and_then(|failure| failure.hint.clone());
    let whole = Failure::new(exit, message);
    Err(match hint.filter(|_| bad.len() == 1) {
        Some(hint) => whole.hint(hint),
        None => whole,
    }
    .into())
}

/// A failure that came when others had been removed.
fn after(removed: &[Done], error: anyhow::Error) -> anyhow::Error {
    if removed.is_empty() {
        return error;
    }
    let names: Vec<_> = removed.iter().map(|done| done.name.to_string()).collect();
    let exit = error
        .downcast_ref::<Failure>()
        .map_or(Exit::Failed, |failure| failure.exit);
    let message = format!("{error:#}; removed before that: {}", names.join(", "));
    Failure::new(exit, message).hint("wundo --list").into()
}
