//! `treehop new`: a worktree for a branch, or nothing at all.
//!
//! What is to be made is found out first and written down (see [`crate::creation::journal`]); then git makes the worktree, without
//! files, while other runs wait; then it checks out the files, which is what `git worktree add` does too, but while others
//! do the same. Up to the end of that (and of `--carry`) whatever goes wrong takes all of it back. From then on the
//! worktree stays: when the repository's `post-checkout` hook fails, that is said, and the status is 0.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::cli::{self, Format};
use crate::creation::candidates;
use crate::creation::carry::Changes;
use crate::creation::place::{self, Names};
use crate::creation::plan::{By, Making, Plan, taken};
use crate::error::{Exit, Failure};
use crate::git::{self, Git};
use crate::output::{self, Document, Launch, Row};
use crate::reader::Reader;
use crate::remote::{self, Request};
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
    /// Is the branch new?
    branch: bool,
    /// What the new branch, or the worktree without one, begins at.
    #[serde(serialize_with = "crate::worktree::text_or_null")]
    from: Option<BString>,
    /// The pull request that the branch is.
    pub pr: Option<u64>,
}

/// What is checked out.
#[derive(Debug)]
enum Source {
    /// A branch that is there; `number`: it is somebody's pull request.
    Branch {
        branch: BString,
        number: Option<u64>,
    },
    /// A new branch; `at` is `None` where there is no commit at all yet.
    New {
        branch: BString,
        from: BString,
        at: Option<String>,
        track: bool,
    },
    /// A new branch that follows a remote's.
    Remote {
        branch: BString,
        remote: BString,
        at: String,
    },
    /// A new branch at a pull request.
    Request {
        branch: BString,
        number: u64,
        request: Request,
    },
    /// No branch.
    Commit { from: BString, at: String },
}

impl Source {
    /// The branch, and whether it is made.
    fn branch(&self) -> Option<(&BString, bool)> {
        match self {
            Source::Commit { .. } => None,
            Source::Branch { branch, .. } => Some((branch, false)),
            made => Some((made.what(), true)),
        }
    }

    /// What names the directory.
    fn what(&self) -> &BString {
        match self {
            Source::Branch { branch, .. }
            | Source::New { branch, .. }
            | Source::Remote { branch, .. }
            | Source::Request { branch, .. } => branch,
            Source::Commit { from, .. } => from,
        }
    }

    /// The commit that is checked out.
    fn commit(&self, repo: &Repo) -> Option<String> {
        match self {
            Source::Branch { branch, .. } => repo.object(&[b"refs/heads/", &branch[..]].concat()),
            Source::New { at, .. } => at.clone(),
            Source::Remote { at, .. } | Source::Commit { at, .. } => Some(at.clone()),
            Source::Request { request, .. } => Some(request.id.clone()),
        }
    }

    /// The pull request that the branch is.
    fn number(&self) -> Option<u64> {
        match self {
            Source::Request { number, .. } => Some(*number),
            Source::Branch { number, .. } => *number,
            _ => None,
        }
    }

    fn from(&self) -> Option<BString> {
        match self {
            Source::Branch { .. } | Source::New { at: None, .. } => None,
            Source::New { from, .. } | Source::Commit { from, .. } => Some(from.clone()),
            Source::Remote { branch, remote, .. } => {
                Some([&remote[..], b"/", branch].concat().into())
            }
            Source::Request { request, .. } => Some(request.name.clone()),
        }
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
        free(&repo, &here.entries, branch)?;
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
    let made = make(&repo, &here, &source, &checkout, &mut making).and_then(|()| {
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
            Err(left) => error.context(format!("{left:#}, so the next treehop run tidies up")),
        });
    }
    making.done();
    if let (Some(model), Some((branch, _))) = (&args.model, source.branch())
        && let Err(error) = set(&repo, branch, "treehopModel", OsStr::new(model))
    {
        eprintln!("treehop: could not remember the model: {error:#}");
    }
    checkout.hook(&repo);
    interrupt::check().map_err(|_| {
        let name = directory.display();
        Failure::new(Exit::Failed, format!("interrupted; '{name}' is complete"))
            .hint(format!("wcd {name}"))
    })?;
    let created = Created {
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
    let mut document = Document {
        schema: output::SCHEMA,
        repo: reader.repo(),
        worktree: reader.worktrees(&[at])?.remove(0),
        cd: Some(directory.into()),
    };
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

/// Where one stands.
struct Here {
    entries: Vec<Entry>,
    /// Which of them; a bare repository counts.
    at: usize,
    bare: bool,
    common_dir: PathBuf,
}

impl Here {
    fn new(repo: &Repo) -> Result<Self> {
        let entries = repo.entries()?;
        let at = entries
            .iter()
            .position(|entry| entry.git_dir == repo.git_dir);
        let at = at.unwrap_or(0);
        Ok(Here {
            bare: repo.bare && entries[at].main,
            common_dir: repo.common_dir.clone(),
            entries,
            at,
        })
    }

    fn entry(&self) -> &Entry {
        &self.entries[self.at]
    }

    /// Git as the user would run it here, except that it waits for the locks of others.
    fn git(&self) -> Git {
        let git = if self.bare {
            Git::changing(&self.common_dir).env("GIT_DIR", &self.common_dir)
        } else {
            Git::changing(&self.entry().path)
        };
        git.args(["-c", "core.filesRefLockTimeout=10000"])
            .args(["-c", "core.packedRefsTimeout=10000"])
            .args(["-c", "reftable.lockTimeout=10000"])
    }

    /// Git here, for what is read.
    fn reading(&self) -> Git {
        if self.bare {
            Git::at(&self.common_dir)
        } else {
            Git::in_dir(&self.entry().path).here_only()
        }
    }

    fn changes(&self) -> Result<Changes> {
        if self.bare {
            let message = "there are no changes to carry in a bare repository";
            return Err(Failure::new(Exit::Refused, message).into());
        }
        Changes::read(&self.entry().path)
    }

    /// The commit that `words` mean.
    fn commit(&self, words: &BString) -> Result<String> {
        let nothing = || Failure::new(Exit::NotFound, format!("there is no commit '{words}'"));
        // `-` would be the branch before this one, and only in some of git's commands.
        if words.starts_with(b"-") || words.is_empty() {
            return Err(nothing().into());
        }
        let commit = [&words[..], b"^{commit}"].concat();
        let id = self
            .reading()
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .args([OsStr::from_bytes(&commit)])
            .read()
            .map_err(|_| nothing().hint("--fetch asks the remote"))?;
        Ok(String::from_utf8_lossy(&id).trim_end().to_owned())
    }
}

/// What BRANCH, `--pr` and `--detach` ask for.
enum Asked {
    Branch(BString),
    Request(u64, Option<BString>),
    Commit(BString),
}

impl Asked {
    fn new(args: &cli::New, repo: &Repo) -> Result<Self> {
        if args.model.as_ref().is_some_and(String::is_empty) {
            return Err(Failure::new(Exit::Usage, "--model is empty").into());
        }
        if let Some(number) = args.pr {
            return Ok(Asked::Request(number, None));
        }
        if let Some(words) = &args.detach {
            if args.model.is_some() {
                let message = "without a branch no model can be remembered";
                return Err(Failure::new(Exit::Usage, message).into());
            }
            return Ok(Asked::Commit(words.as_bytes().into()));
        }
        let word = BString::from(args.branch.as_deref().unwrap_or_default().as_bytes());
        let Some(of) = word.strip_prefix(b"pr:") else {
            valid(&word)?;
            return Ok(Asked::Branch(word));
        };
        let (remote, number) = match remote::split(repo, of) {
            Some((remote, number)) => (Some(remote), number),
            None => (None, of.into()),
        };
        let number = number.to_str().ok().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| {
            let message = format!("'{word}' is no pull request: pr:N, with its number");
            Failure::new(Exit::Usage, message)
        })?;
        if args.base.is_some() {
            return Err(Failure::new(Exit::Usage, "--base is for new branches").into());
        }
        Ok(Asked::Request(number, remote))
    }

    /// The pull request that is asked for, fetched unless its branch is there.
    fn request(&self, repo: &Repo) -> Result<Option<Source>> {
        let Asked::Request(number, remote) = self else {
            return Ok(None);
        };
        let branch = BString::from(format!("pr-{number}"));
        if local(repo, &branch) {
            let number = Some(*number);
            return Ok(Some(Source::Branch { branch, number }));
        }
        Ok(Some(Source::Request {
            branch,
            number: *number,
            request: remote::request(repo, *number, remote.as_ref())?,
        }))
    }

    /// With `--fetch`, asks the remotes for what is named; returns those that do not have it.
    fn fetch(&self, args: &cli::New, repo: &Repo) -> Result<Vec<BString>> {
        let mut absent = vec![];
        if !args.fetch {
            return Ok(absent);
        }
        let base = args.base.as_ref().map(|base| base.as_bytes().into());
        match (self, base) {
            (Asked::Branch(branch), None) if !local(repo, branch) => {
                let named = remote::split(repo, branch);
                let asked = match &named {
                    Some((remote, branch)) => vec![(remote.clone(), branch)],
                    None => repo.remotes().into_iter().map(|r| (r, branch)).collect(),
                };
                for (remote, branch) in asked {
                    if !remote::fetch(repo, &remote, branch)? {
                        absent.push(remote);
                    }
                }
                // Most likely new, and then it begins there.
                if let Some(base) = repo.settings().base() {
                    fetch_named(repo, &base)?;
                }
            }
            (_, Some(base)) => fetch_named(repo, &base)?,
            (Asked::Commit(words), _) => fetch_named(repo, words)?,
            _ => {}
        }
        Ok(absent)
    }

    fn source(
        &self,
        args: &cli::New,
        repo: &Repo,
        here: &Here,
        absent: &[BString],
    ) -> Result<Source> {
        let branch = match self {
            Asked::Branch(branch) => branch.clone(),
            Asked::Commit(words) => {
                let at = here.commit(words)?;
                let from = words.clone();
                return Ok(Source::Commit { from, at });
            }
            Asked::Request(..) => anyhow::bail!("a pull request is fetched first"),
        };
        let base = args.base.as_ref().map(|base| base.as_bytes().into());
        if local(repo, &branch) {
            if base.is_some() {
                let message = format!("the branch '{branch}' exists already");
                return Err(Failure::new(Exit::Refused, message)
                    .hint(format!("wnew {branch}"))
                    .into());
            }
            let number = repo.settings().pull_request(branch.as_bstr());
            return Ok(Source::Branch { branch, number });
        }
        if let Some(base) = base {
            return new_branch(repo, here, branch, Some(base));
        }
        let mut remotes = remote::having(repo, &branch);
        remotes.retain(|remote| !absent.contains(remote));
        if remotes.len() > 1
            && let Some(preferred) = setting(repo, "checkout.defaultRemote")
            && remotes.contains(&preferred)
        {
            remotes = vec![preferred];
        }
        match remotes.as_slice() {
            [remote] => follow(repo, remote.clone(), branch),
            [] => match remote::split(repo, &branch) {
                Some((remote, branch)) => named(repo, here, remote, branch, absent),
                None => new_branch(repo, here, branch, repo.settings().base()),
            },
            several => {
                let message = format!("{} remotes have '{branch}':", several.len());
                Err(Failure::new(Exit::Ambiguous, message)
                    .listing(several.iter().map(|remote| format!("{remote}/{branch}")))
                    .hint(format!("wnew {}/{branch}", several[0]))
                    .into())
            }
        }
    }
}

/// `REMOTE/branch`
fn named(
    repo: &Repo,
    here: &Here,
    remote: BString,
    branch: BString,
    absent: &[BString],
) -> Result<Source> {
    let known = repo.object(&remote::tracking(&remote, &branch)).is_some();
    if !known || absent.contains(&remote) {
        let message = format!("'{remote}' has no branch '{branch}'");
        let hint = if absent.contains(&remote) {
            format!("wnew {remote}/{branch} --base HEAD makes a branch of that whole name")
        } else {
            format!("wnew {remote}/{branch} --fetch")
        };
        return Err(Failure::new(Exit::NotFound, message).hint(hint).into());
    }
    if local(repo, &branch) {
        free(repo, &here.entries, &branch)?;
        let message = format!("there is a local branch '{branch}' already");
        return Err(Failure::new(Exit::Refused, message)
            .hint(format!("wnew {branch}"))
            .into());
    }
    valid(&branch)?;
    follow(repo, remote, branch)
}

fn follow(repo: &Repo, remote: BString, branch: BString) -> Result<Source> {
    let at = repo
        .object(&remote::tracking(&remote, &branch))
        .with_context(|| format!("'{remote}/{branch}' is gone"))?;
    Ok(Source::Remote { branch, remote, at })
}

fn new_branch(repo: &Repo, here: &Here, branch: BString, base: Option<BString>) -> Result<Source> {
    if let Some(from) = base.filter(|base| *base != "HEAD") {
        let at = Some(here.commit(&from)?);
        // Git would follow a remote's branch that another one begins at; only where the user said so is that meant.
        let track = setting(repo, "branch.autoSetupMerge").is_some();
        return Ok(Source::New {
            branch,
            from,
            at,
            track,
        });
    }
    let at = match here.entry().head(repo).id {
        None if repo.foreign_format => here.commit(&"HEAD".into()).ok(),
        id => id,
    };
    if at.is_none()
        && let Some(default) = repo.default_branch(None)
    {
        return Err(Failure::new(Exit::Refused, "there is no commit here yet")
            .hint(format!("wnew {branch} --base {default}"))
            .into());
    }
    Ok(Source::New {
        branch,
        from: "HEAD".into(),
        at,
        track: false,
    })
}

/// Where the new worktree goes.
fn directory(args: &cli::New, repo: &Repo, dir: &Path, source: &Source) -> Result<PathBuf> {
    let directory = if let Some(path) = &args.path {
        if path.as_os_str().is_empty() {
            return Err(Failure::new(Exit::Usage, "--path is empty").into());
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

/// Makes the branch and the worktree.
fn make(
    repo: &Repo,
    here: &Here,
    source: &Source,
    checkout: &Checkout,
    making: &mut Making,
) -> Result<()> {
    making.claim()?;
    interrupt::check()?;
    // The settings of a stranger's branch stand before anything could be run there.
    if let Some((branch, _)) = source.branch()
        && let Some(number) = source.number()
    {
        set(repo, branch, "treehopPr", OsStr::new(&number.to_string()))?;
    }
    let mut git = checkout.git(here.git()).args(["worktree", "add"]);
    if !checkout.loud {
        git = git.args(["--quiet"]);
    }
    if source.commit(repo).is_some() {
        git = git.args(["--no-checkout"]);
    }
    let directory = checkout.directory;
    let text = OsStr::from_bytes;
    git = match source {
        Source::Branch { branch, .. } => git.args([directory.as_os_str(), text(branch)]),
        Source::New {
            branch, at: None, ..
        } => git.args([
            OsStr::new("--orphan"),
            OsStr::new("-b"),
            text(branch),
            directory.as_os_str(),
        ]),
        Source::New {
            branch,
            from,
            track: true,
            ..
        } => {
            // By itself, since the lock of the configuration has to be waited for.
            branch_of(here, branch, from, None)?;
            git.args([directory.as_os_str(), text(branch)])
        }
        Source::New { branch, from, .. } => {
            if from != "HEAD" {
                git = git.args(["--no-track"]);
            }
            git.args([
                OsStr::new("-b"),
                text(branch),
                directory.as_os_str(),
                text(from),
            ])
        }
        Source::Remote { branch, remote, .. } => {
            let theirs = remote::tracking(remote, branch);
            if remote::tracked(repo, remote, branch) {
                branch_of(here, branch, &theirs, Some("--track"))?;
            } else {
                // Git refuses to follow what it does not fetch by itself, as in a bare clone.
                branch_of(here, branch, &theirs, Some("--no-track"))?;
                let merge = [b"refs/heads/", &branch[..]].concat();
                set(repo, branch, "remote", text(remote))?;
                set(repo, branch, "merge", text(&merge))?;
            }
            git.args([directory.as_os_str(), text(branch)])
        }
        Source::Request {
            branch, request, ..
        } => {
            // So that `git pull` brings what is new in it.
            set(repo, branch, "remote", text(&request.remote))?;
            set(repo, branch, "merge", text(&request.name))?;
            let add = [OsStr::new("--no-track"), OsStr::new("-b"), text(branch)];
            git.args(add)
                .args([directory.as_os_str(), OsStr::new(&request.id)])
        }
        Source::Commit { at, .. } => git.args([
            OsStr::new("--detach"),
            directory.as_os_str(),
            OsStr::new(at),
        ]),
    };
    interrupt::check()?;
    failing(git.run(), directory)
}

/// Git has said why on the screen.
fn failing(done: Result<()>, directory: &Path) -> Result<()> {
    done.map_err(|error| {
        if !error.is::<git::Failed>() {
            return error;
        }
        let message = format!("git could not make the worktree '{}'", directory.display());
        Failure::new(Exit::Failed, message).into()
    })
}

/// What git does once the worktree is there.
struct Checkout<'a> {
    directory: &'a Path,
    /// The commit; `None`: there are no files.
    commit: Option<String>,
    /// Are there people to tell how far it is?
    loud: bool,
    /// A relative `core.hooksPath` leads into the worktree: its hooks are a stranger's.
    no_hooks: bool,
}

impl<'a> Checkout<'a> {
    fn new(repo: &Repo, source: &Source, directory: &'a Path) -> Self {
        let relative = |path: BString| !path.starts_with(b"/") && !path.starts_with(b"~");
        Checkout {
            directory,
            commit: source.commit(repo),
            loud: std::io::stderr().is_terminal(),
            no_hooks: source.number().is_some()
                && setting(repo, "core.hooksPath").is_some_and(relative),
        }
    }

    fn git(&self, git: Git) -> Git {
        if self.no_hooks {
            return git.args(["-c", "core.hooksPath=/dev/null"]);
        }
        git
    }

    fn files(&self) -> Result<()> {
        interrupt::check()?;
        if self.commit.is_none() {
            return Ok(());
        }
        let mut git = self.git(Git::changing(self.directory));
        git = git.args(["reset", "--hard", "--no-recurse-submodules"]);
        if !self.loud {
            git = git.args(["--quiet"]);
        }
        failing(git.run(), self.directory)
    }

    /// Runs the hook `post-checkout`, as `git worktree add` does. It cannot undo anything, so neither do we.
    fn hook(&self, repo: &Repo) {
        let Some(commit) = self.commit.as_deref().filter(|_| !self.no_hooks) else {
            return;
        };
        let usual = repo.common_dir.join("hooks/post-checkout");
        if interrupt::check().is_err() || !(usual.exists() || repo.settings().hooks_moved()) {
            return;
        }
        let before = "0".repeat(commit.len());
        let run = Git::changing(self.directory)
            .args(["hook", "run", "--ignore-missing", "post-checkout", "--"])
            .args([&before, commit, "1"])
            .run();
        if let Err(error) = run
            && interrupt::check().is_ok()
        {
            let said = error.to_string();
            eprintln!(
                "treehop: the hook post-checkout failed, the worktree is complete{}{said}",
                if said.is_empty() { "" } else { ": " }
            );
        }
    }
}

/// Makes a branch without a worktree.
fn branch_of(here: &Here, branch: &BString, from: &BString, how: Option<&str>) -> Result<()> {
    let git = || here.reading().args(["branch", "--quiet"]);
    let text = |name: &BString| OsStr::from_bytes(name).to_owned();
    let made = git()
        .args(how)
        .args(["--".into(), text(branch), text(from)]);
    let done = made.read().or_else(|error| {
        // The branch is there then, and only its settings are not.
        if !git::config_locked(&error) {
            return Err(error);
        }
        let upstream = [b"--set-upstream-to=", &from[..]].concat();
        git::patiently(|| git().args([text(&upstream.clone().into()), "--".into(), text(branch)]))
    });
    done.map(drop)
        .with_context(|| format!("could not make the branch '{branch}'"))
}

/// Remembers something with the branch.
pub fn set(repo: &Repo, branch: &BString, key: &str, value: &OsStr) -> Result<()> {
    let name = [b"branch.", &branch[..], b".", key.as_bytes()].concat();
    let name = OsStr::from_bytes(&name);
    git::patiently(|| {
        let git = Git::at(&repo.common_dir).args(["config", "--local"]);
        git.args([name, value])
    })
    .map(drop)
    .with_context(|| format!("could not remember '{}'", name.display()))
}

/// A setting of git's own.
fn setting(repo: &Repo, key: &str) -> Option<BString> {
    let git = Git::at(&repo.common_dir);
    let value = git.args(["config", "--get", key]).read().ok()?;
    Some(value.trim_end_with(|c| c == '\n').into())
}

fn fetch_named(repo: &Repo, words: &BString) -> Result<()> {
    if let Some((remote, branch)) = remote::split(repo, words)
        && valid(&branch).is_ok()
    {
        remote::fetch(repo, &remote, &branch)?;
    }
    Ok(())
}

fn local(repo: &Repo, branch: &BString) -> bool {
    let name = [b"refs/heads/", &branch[..]].concat();
    repo.object(&name).is_some()
}

/// Makes sure that no worktree has the branch.
///
/// # Errors
/// [`Exit::Refused`] with the one that has.
fn free(repo: &Repo, entries: &[Entry], branch: &BString) -> Result<()> {
    let has = |entry: &&Entry| {
        entry.branch_meant().as_ref() == Some(branch) && !(entry.main && repo.bare)
    };
    let Some(entry) = entries.iter().find(has) else {
        return Ok(());
    };
    let path = entry.path.display();
    let (message, hint) = if entry.path.is_dir() {
        let message = format!("'{branch}' is checked out already: {path}");
        (message, format!("wcd {branch}"))
    } else {
        let message = format!("'{branch}' was checked out in a worktree that is gone: {path}");
        (message, "wprune forgets it".into())
    };
    Err(Failure::new(Exit::Refused, message).hint(hint).into())
}

/// # Errors
/// [`Exit::Usage`] where git takes no branch of that name.
fn valid(branch: &BString) -> Result<()> {
    let full = BString::from([b"refs/heads/", &branch[..]].concat());
    let valid = gix::refs::FullName::try_from(full).is_ok()
        && !branch.starts_with(b"-")
        && branch != "HEAD"
        && branch != "@";
    if valid {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        format!("'{branch}' is no valid name for a branch"),
    )
    .hint("git help check-ref-format")
    .into())
}
