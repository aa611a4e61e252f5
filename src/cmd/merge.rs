//! `treehop merge`: a worktree's branch into another, then the worktree goes.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};
use gix::bstr::BString;
use serde::Serialize;

use crate::cli;
use crate::error::{Exit, Failure};
use crate::merging::{How, Plan, Source, Target, many};
use crate::reader::Reader;
use crate::removal::{Done, Surroundings, trash};
use crate::repo::Repo;
use crate::search::Search;
use crate::{output, unfinished, worktree};

#[derive(Serialize)]
struct What {
    merged: Merged,
    removed: Vec<Done>,
}

/// What was merged, or with `--dry-run` would be.
#[derive(Serialize)]
struct Merged {
    #[serde(serialize_with = "worktree::text")]
    from: BString,
    #[serde(serialize_with = "worktree::text")]
    into: BString,
    how: How,
    /// Where the target stood.
    before: String,
    /// Where it stands; `None`: a commit that is not made yet.
    after: Option<String>,
    /// How many commits came from the branch.
    commits: usize,
    /// How many files changed.
    files: usize,
}

/// Runs `treehop merge`.
pub fn run(args: &cli::Merge) -> Result<()> {
    let dir = super::current_dir()?;
    let (mut search, mut at) = choose(args, &dir)?;
    let repo = &search.repos[0].repo;
    if !args.dry_run {
        let resumed = unfinished::resume(repo)?;
        if args.pull {
            Target::find(repo, &repo.entries()?, args.into.as_deref())?.fetch(repo)?;
        }
        if resumed || args.pull {
            (search, at) = choose(args, &dir)?;
        }
    }
    let (repo, entries) = (&search.repos[0].repo, &search.repos[0].entries);
    let around = Surroundings::new(repo, entries);
    let source = Source::of(&around, at)?;
    let target = Target::find(repo, entries, args.into.as_deref())?;
    let plan = Plan::new(repo, source, target, args)?;
    let around = knowing(around, &plan, &plan.base);
    let mut places = entries.iter().enumerate();
    if let Some((at, entry)) = places.find(|(_, e)| Some(&*e.path) == plan.target.path())
        && let Some(session) = around.session(at)
    {
        let name = &entry.name;
        say!("a session is live in '{name}', whose files change under it: {session}");
    }
    // What is not in the target is kept.
    let goes = !args.keep && (plan.merged || plan.how != How::Nothing);
    let checked = goes.then(|| around.check(at, false, false).map_err(or_keep));
    let checked = checked.transpose()?;
    let (merged, done) = if args.dry_run {
        let merged = Merged::planned(&plan);
        merged.say("would merge");
        (merged, checked.map(|checked| checked.carry_out(repo, true)))
    } else {
        let (how, after) = plan.carry_out(repo, args)?;
        let merged = Merged::new(&plan, how, Some(after));
        merged.say("merged");
        let done = checked.map(|_| remove(&plan, &merged));
        (merged, done)
    };
    let removed = Vec::from_iter(done.transpose()?);
    let cd = (around.landing(&dir, &removed)).filter(|_| !args.dry_run);
    let info = Reader::new(repo, entries, &cli::Show::default()).repo();
    output::whole(&info, What { merged, removed }, cd, &args.fields)
}

/// The repository, and the one worktree in it that the query means.
fn choose(args: &cli::Merge, dir: &Path) -> Result<(Search, usize)> {
    let mut words: Vec<BString> = args.query.iter().map(|w| w.as_bytes().into()).collect();
    if words.is_empty() {
        words.push("@".into());
    }
    let search = Search::new(words, dir, false)?;
    let (repo, at) = search.one(dir)?;
    Ok((search.only(repo), at))
}

/// The removal gets to know that the branch is in the target, which stands at `at`.
fn knowing<'a>(around: Surroundings<'a>, plan: &Plan, at: &str) -> Surroundings<'a> {
    if plan.how == How::Nothing {
        return around;
    }
    let into = &plan.target.branch;
    around.knowing(&plan.source.tip, plan.place(), into, at)
}

/// Removes the worktree of what was merged.
fn remove(plan: &Plan, merged: &Merged) -> Result<Done> {
    let (path, after) = (&plan.source.path, merged.after.as_deref());
    let remove = || {
        // Read anew: what was read before knows nothing of the merge.
        let repo = Repo::discover(path)?;
        let entries = repo.entries()?;
        let mut places = entries.iter();
        let at = places.position(|entry| entry.path == *path);
        let at = at.context("git does not list it any more")?;
        let around = knowing(
            Surroundings::new(&repo, &entries),
            plan,
            after.unwrap_or(&plan.base),
        );
        let done = around.check(at, false, false)?.carry_out(&repo, false);
        trash::empty_behind(&repo.common_dir);
        done
    };
    remove().map_err(|error| {
        let failure = error.downcast_ref::<Failure>();
        let exit = failure.map_or(Exit::Failed, |failure| failure.exit);
        let hint = failure.and_then(|failure| failure.hint.clone());
        let Merged { from, into, .. } = merged;
        let message = format!("'{from}' is in {into}, but its worktree stays: {error:#}");
        let hint = hint.unwrap_or_else(|| "wmerge again removes it".into());
        Failure::new(exit, message).hint(hint).into()
    })
}

/// What stands against the removal does not against the merge.
fn or_keep(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) => {
            let hint = failure
                .hint
                .clone()
                .map(|hint| format!("{hint}; or wmerge --keep"));
            failure
                .hint(hint.unwrap_or_else(|| "wmerge --keep".into()))
                .into()
        }
        Err(error) => error,
    }
}

impl Merged {
    fn new(plan: &Plan, how: How, after: Option<String>) -> Self {
        Merged {
            from: plan.source.branch.clone(),
            into: plan.target.branch.clone(),
            how,
            before: plan.target.tip.clone(),
            after,
            commits: plan.commits,
            files: plan.files,
        }
    }

    /// As it will most likely be.
    fn planned(plan: &Plan) -> Self {
        let after = match plan.how {
            How::Nothing => Some(plan.base.clone()),
            How::FastForward => Some(plan.source.tip.clone()),
            _ => None,
        };
        Merged::new(plan, plan.how, after)
    }

    fn say(&self, verb: &str) {
        let Merged { from, into, .. } = self;
        if self.how == How::Nothing {
            say!("nothing to merge: {into} has all of '{from}'");
            return;
        }
        let (commits, files) = (many(self.commits, "commit"), many(self.files, "file"));
        say!(
            "{verb} '{from}' into {into}: {}, {commits}, {files} changed",
            self.how.words()
        );
    }
}
