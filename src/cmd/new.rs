//! `treehop new`: a worktree for a branch, or nothing at all.
//!
//! What is to be made is found out first and written down (see [`crate::creation::plan`]); then git makes the worktree, without
//! files, while other runs wait; then it checks out the files, which is what `git worktree add` does too, but while others
//! do the same. Up to the end of that (and of `--carry`) whatever goes wrong takes all of it back. From then on the
//! worktree stays: when the repository's `post-checkout` hook fails, that is said, and the status is 0.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::cli::{self, Format};
use crate::creation::candidates;
use crate::creation::checkout::{self, Checkout};
use crate::creation::place::{self, Names};
use crate::creation::plan::{By, Making, Plan, taken};
use crate::creation::source::{self, Asked, Here, Source};
use crate::error::{Exit, Failure};
use crate::output::{self, Document, Launch, Row};
use crate::reader::Reader;
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::setup::{self, Extent, Step};
use crate::{interrupt, known, tab, unfinished};

/// What `new` prints: what `find` does, and what was made.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    document: Document,
    created: Created,
    steps: Vec<Step>,
    /// The claude that the shell is to run there.
    launch: Option<Launch>,
}

/// What was made.
#[derive(Serialize)]
pub struct Created {
    /// The branch, or the commit without one.
    #[serde(skip)]
    what: BString,
    /// Is the branch new?
    branch: bool,
    /// What the new branch, or the worktree without one, begins at.
    #[serde(serialize_with = "crate::worktree::text_or_null")]
    from: Option<BString>,
    /// The pull request that the branch is.
    pub pr: Option<u64>,
}

impl Created {
    /// A branch that is new by a slip of the fingers should be seen at once.
    fn say(&self, directory: &Path, fork: Option<&Path>) {
        let is = match (self, &self.from) {
            (Created { branch: true, .. }, _) if fork.is_some() => {
                let from = fork.and_then(Path::file_name).unwrap_or_default();
                format!("a new branch with what '{}' holds", from.display())
            }
            (
                Created {
                    pr: Some(number), ..
                },
                _,
            ) => format!("pull request {number}"),
            (Created { branch: true, .. }, Some(from)) => format!("a new branch from {from}"),
            (Created { branch: true, .. }, None) => "a new branch".to_owned(),
            (_, Some(_)) => "checked out without a branch".to_owned(),
            (_, None) => "your branch".to_owned(),
        };
        say!("'{}' is {is}: {}", self.what, directory.display());
    }
}

/// Runs `treehop new`.
pub fn run(args: &cli::New) -> Result<()> {
    let dir = super::current_dir()?;
    if args.tab {
        tab::check()?;
    }
    // A fork begins with what another worktree holds.
    let fork = args.fork.as_deref();
    let fork = fork.map(super::claude::latest).transpose()?;
    let fork = fork.map(|(worktree, _)| worktree);
    let from = fork.as_deref().unwrap_or(&dir);
    let repo = Repo::discover(from)?;
    known::remember(&repo);
    if args.candidates {
        return candidates::print(&repo, args);
    }
    let (directory, created) = worktree(args, &dir, from, repo)?;
    created.say(&directory, fork.as_deref());
    let steps = set_up(args, &directory, created.pr)?;
    let launch = (args.claude || fork.is_some()).then(|| Launch {
        args: args.claude_args.len(),
        fork: fork.clone(),
    });
    print(args, from, &directory, created, steps, launch)
}

/// Makes the worktree that `args` ask for in `dir`, as if in `from`, which is in `repo`. All that is left to do then is to
/// set it up.
///
/// # Errors
/// It is refused or fails, and nothing of it is left.
pub fn worktree(
    args: &cli::New,
    dir: &Path,
    from: &Path,
    mut repo: Repo,
) -> Result<(PathBuf, Created)> {
    if unfinished::resume(&repo)? {
        repo = Repo::discover(from)?;
    }
    let asked = Asked::new(args, &repo)?;
    let changes = (args.carry || args.fork.is_some())
        .then(|| Here::new(&repo)?.changes())
        .transpose()?;
    // What takes long is done before others are kept waiting.
    let request = asked.request(&repo)?;
    let absent = asked.fetch(args, &repo)?;

    let turn = unfinished::turn(&repo)?;
    let here = Here::new(&repo)?;
    let source = match request {
        Some(request) => request,
        None => asked.source(args, &repo, &here, &absent)?,
    };
    if let Some((branch, false)) = source.branch() {
        source::free(&repo, &here.entries, branch)?;
    }
    if let Some(changes) = &changes {
        changes.fit(source.commit(&repo).as_deref())?;
    }
    let directory = directory(args, &repo, dir, &source)?;
    let plan = plan(&repo, &here.entries, &source, directory.clone())?;
    // Up to here Ctrl-C simply ends it.
    interrupt::watch()?;
    let mut making = Making::begin(&repo, plan, &turn)?;

    let mut whole = false;
    let checkout = Checkout::new(&repo, &source, &directory);
    let made = checkout::make(&repo, &here, &source, &checkout, &mut making).and_then(|()| {
        drop(turn);
        checkout.files()?;
        whole = true;
        changes.map_or(Ok(()), |changes| changes.put(&directory))
    });
    if let Err(error) = made {
        let by = if whole { By::ItselfWhole } else { By::Itself };
        let error = interrupt::check().err().unwrap_or(error);
        return Err(match making.undo(&repo, by) {
            Ok(()) => error,
            Err(left) => {
                eprintln!("what was begun is taken back by the next run of treehop: {left:#}");
                error
            }
        });
    }
    making.done();
    if let (Some(model), Some((branch, _))) = (&args.model, source.branch())
        && let Err(error) = checkout::set(&repo, branch, "treehopModel", OsStr::new(model))
    {
        say!("treehop: could not remember the model: {error:#}");
    }
    checkout.hook(&repo);
    interrupt::check().map_err(|_| {
        let name = directory.display();
        Failure::new(Exit::Failed, format!("interrupted; '{name}' is complete"))
            .hint(format!("wcd {name}"))
    })?;
    let created = Created {
        what: source.what().clone(),
        branch: source.branch().is_some_and(|(_, new)| new),
        from: source.from(),
        pr: source.number(),
    };
    Ok((directory, created))
}

/// Sets it up as far as that is wanted: a stranger's code gets neither an installation nor what `.worktreeinclude` names.
fn set_up(args: &cli::New, directory: &Path, pr: Option<u64>) -> Result<Vec<Step>> {
    if pr.is_some() && !args.setup {
        return Ok(vec![]);
    }
    let extent = if args.no_setup {
        Extent::Copy
    } else {
        Extent::All
    };
    setup::worktree(directory, extent)
}

fn print(
    args: &cli::New,
    dir: &Path,
    directory: &Path,
    created: Created,
    steps: Vec<Step>,
    launch: Option<Launch>,
) -> Result<()> {
    // Read anew: what was read before does not know it.
    let repo = Repo::discover(dir)?;
    let entries = repo.entries()?;
    let at = entries
        .iter()
        .position(|entry| entry.path == directory)
        .with_context(|| format!("git does not list '{}'", directory.display()))?;
    let reader = Reader::new(&repo, &entries, &args.show);
    let mut document = reader.document(at, Some(directory.into()))?;
    let mut launch = launch;
    if args.tab {
        let launch = launch.take().map(|launch| claude_in(launch, args));
        tab::open(
            directory,
            document.worktree.name.as_bstr(),
            launch.as_deref(),
        )?;
        document.cd = None;
    }
    if !args.show.fields.is_empty() {
        let row = Row {
            repo: &document.repo,
            worktree: &document.worktree,
            cd: document.cd.as_deref(),
            found: None,
            launch: launch.as_ref(),
        };
        return output::fields(std::iter::once(row), &args.show.fields);
    }
    if args.show.format == Format::Table {
        return output::one(&document, &args.show);
    }
    output::json(&Made {
        document,
        created,
        steps,
        launch,
    })
}

/// What `treehop claude` gets in a window of its own.
fn claude_in(launch: Launch, args: &cli::New) -> Vec<OsString> {
    let fork = launch.fork.into_iter();
    let fork = fork.flat_map(|from| ["--fork".into(), from.into_os_string()]);
    fork.chain(["@".into()])
        .chain(args.claude_args.iter().cloned())
        .collect()
}

/// Where the new worktree goes.
fn directory(args: &cli::New, repo: &Repo, dir: &Path, source: &Source) -> Result<PathBuf> {
    let directory = if let Some(path) = &args.path {
        if path.as_os_str().is_empty() {
            return Err(Failure::new(Exit::Usage, "--path is empty")
                .hint("without --path it goes where treehop.path says")
                .into());
        }
        place::absolute(path, dir)?
    } else {
        let branch = source.what();
        let name = match &args.name {
            Some(name) => place::chosen(name)?,
            None => place::slug(branch.as_bstr()),
        };
        let names = Names {
            repo: repo.name(),
            branch: branch.clone(),
            name,
        };
        place::expand(repo.settings().path().as_bstr(), &names, &repo.root())?
    };
    Ok(directory)
}

/// What the journal is to say, once it is clear that the place is free.
fn plan(repo: &Repo, entries: &[Entry], source: &Source, directory: PathBuf) -> Result<Plan> {
    if let Some(gone) = entries.iter().find(|entry| entry.path == directory)
        && !directory.exists()
    {
        let message = format!("'{}' was the worktree '{}'", directory.display(), gone.name);
        return Err(Failure::new(Exit::Refused, message)
            .hint("wprune forgets it")
            .into());
    }
    let existed = directory.symlink_metadata().is_ok();
    let empty = || std::fs::read_dir(&directory).is_ok_and(|mut names| names.next().is_none());
    if existed && !empty() {
        return Err(taken(&directory));
    }
    let topmost = directory
        .ancestors()
        .take_while(|above| !above.exists())
        .last()
        .unwrap_or(&directory)
        .into();
    let branch = source
        .branch()
        .filter(|(_, new)| *new)
        .map(|(branch, _)| branch.clone());
    let unset = |branch: &BString| {
        let mut keys = vec!["remote", "merge", "rebase", "treehopPr"];
        keys.retain(|key| !repo.has_branch_setting(branch, key));
        keys.into_iter().map(str::to_owned)
    };
    Ok(Plan {
        existed,
        topmost,
        settings: branch.iter().flat_map(unset).collect(),
        base: branch.as_ref().and_then(|_| source.commit(repo)),
        branch,
        directory,
    })
}
