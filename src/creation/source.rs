//! What a new worktree is to check out, found out before anything is made.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};

use crate::cli;
use crate::creation::carry::Changes;
use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::remote::{self, Request};
use crate::repo::Repo;
use crate::repo::entry::Entry;

/// What is checked out.
#[derive(Debug)]
pub enum Source {
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
    pub fn branch(&self) -> Option<(&BString, bool)> {
        match self {
            Source::Commit { .. } => None,
            Source::Branch { branch, .. } => Some((branch, false)),
            made => Some((made.what(), true)),
        }
    }

    /// What names the directory.
    pub fn what(&self) -> &BString {
        match self {
            Source::Branch { branch, .. }
            | Source::New { branch, .. }
            | Source::Remote { branch, .. }
            | Source::Request { branch, .. } => branch,
            Source::Commit { from, .. } => from,
        }
    }

    /// The commit that is checked out.
    pub fn commit(&self, repo: &Repo) -> Option<String> {
        match self {
            Source::Branch { branch, .. } => repo.object(&[b"refs/heads/", &branch[..]].concat()),
            Source::New { at, .. } => at.clone(),
            Source::Remote { at, .. } | Source::Commit { at, .. } => Some(at.clone()),
            Source::Request { request, .. } => Some(request.id.clone()),
        }
    }

    /// The pull request that the branch is.
    pub fn number(&self) -> Option<u64> {
        match self {
            Source::Request { number, .. } => Some(*number),
            Source::Branch { number, .. } => *number,
            _ => None,
        }
    }

    /// What a new branch, or the worktree without one, begins at, in words.
    pub fn from(&self) -> Option<BString> {
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

/// Where one stands.
pub struct Here {
    /// The worktrees of the repository.
    pub entries: Vec<Entry>,
    /// Which of them; a bare repository counts.
    at: usize,
    bare: bool,
    common_dir: PathBuf,
}

impl Here {
    /// Looks around.
    ///
    /// # Errors
    /// As [`Repo::entries`].
    pub fn new(repo: &Repo) -> Result<Self> {
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

    /// The worktree that one stands in; the first one in a bare repository.
    pub fn entry(&self) -> &Entry {
        &self.entries[self.at]
    }

    /// Git as the user would run it here, except that it waits for the locks of others.
    pub fn git(&self) -> Git {
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
    pub fn reading(&self) -> Git {
        if self.bare {
            Git::at(&self.common_dir)
        } else {
            Git::in_dir(&self.entry().path).here_only()
        }
    }

    /// What is not committed there, to be carried along.
    ///
    /// # Errors
    /// [`Exit::Refused`] in a bare repository, or as [`Changes::read`].
    pub fn changes(&self) -> Result<Changes> {
        if self.bare {
            let message = "there are no changes to carry in a bare repository";
            return Err(Failure::new(Exit::Refused, message)
                .hint("without --carry")
                .into());
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
pub enum Asked {
    Branch(BString),
    Request(u64, Option<BString>),
    Commit(BString),
}

impl Asked {
    /// Reads the command line.
    ///
    /// # Errors
    /// [`Exit::Usage`]
    pub fn new(args: &cli::New, repo: &Repo) -> Result<Self> {
        if args.model.as_ref().is_some_and(String::is_empty) {
            return Err(Failure::new(Exit::Usage, "--model is empty")
                .hint("--model opus")
                .into());
        }
        if let Some(number) = args.pr {
            return Ok(Asked::Request(number, None));
        }
        if let Some(words) = &args.detach {
            if args.model.is_some() {
                let message = "without a branch no model can be remembered";
                return Err(Failure::new(Exit::Usage, message)
                    .hint("wclaude --model MODEL, once it is there")
                    .into());
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
            Failure::new(Exit::Usage, format!("'{word}' is no pull request")).hint("wnew pr:12")
        })?;
        if args.base.is_some() {
            return Err(Failure::new(Exit::Usage, "--base is for new branches")
                .hint("without --base")
                .into());
        }
        Ok(Asked::Request(number, remote))
    }

    /// The pull request that is asked for, fetched unless its branch is there.
    pub fn request(&self, repo: &Repo) -> Result<Option<Source>> {
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
    pub fn fetch(&self, args: &cli::New, repo: &Repo) -> Result<Vec<BString>> {
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

    /// What is to be checked out; `absent`: the remotes that were asked and do not have it.
    ///
    /// # Errors
    /// There is no such thing, or it is to be named more exactly.
    pub fn source(
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
        && let Some(default) = repo.default_branch(|| None)
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

/// Makes sure that no worktree has the branch.
///
/// # Errors
/// [`Exit::Refused`] with the one that has.
pub fn free(repo: &Repo, entries: &[Entry], branch: &BString) -> Result<()> {
    let has = |entry: &&Entry| {
        entry.branch_meant().as_ref() == Some(branch) && !(entry.main && repo.bare)
    };
    let Some(entry) = entries.iter().find(has) else {
        return Ok(());
    };
    let path = entry.path.display();
    let (message, hint) = if entry.path.is_dir() {
        let message = format!("'{branch}' is checked out already: {path}");
        (message, format!("wcd {branch}, or wclaude {branch}"))
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
    let named = gix::refs::FullName::try_from(full).is_ok();
    if named && !branch.starts_with(b"-") && branch != "HEAD" && branch != "@" {
        return Ok(());
    }
    let words: Vec<_> = branch
        .split_str(" ")
        .filter(|word| !word.is_empty())
        .collect();
    let joined = gix::bstr::join("-", words).into();
    let hint = if *branch != joined && valid(&joined).is_ok() {
        format!("wnew {joined}")
    } else {
        "git help check-ref-format".to_owned()
    };
    let message = format!("'{branch}' is no valid name for a branch");
    Err(Failure::new(Exit::Usage, message).hint(hint).into())
}

fn local(repo: &Repo, branch: &BString) -> bool {
    let name = [b"refs/heads/", &branch[..]].concat();
    repo.object(&name).is_some()
}

/// A setting of git's own.
pub fn setting(repo: &Repo, key: &str) -> Option<BString> {
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
