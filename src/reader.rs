//! Filling in what is known of worktrees: only what was asked for, and what many share only once.

use std::path::{Path, PathBuf};

use anyhow::Result;
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};

use crate::claude::{self, Session};
use crate::cli::Show;
use crate::output::{self, Document};
use crate::parallel;
use crate::repo::entry::{Entry, MANY};
use crate::repo::{Head, Repo, changes, graph, objects, stash};
use crate::session;
use crate::venv::{self, Venv};
use crate::worktree::{Commit, Reason, RepoInfo, Standing, Upstream, Worktree, prompt};

/// The values that are read from `HEAD`.
const NEED_HEAD: [&str; 9] = [
    "branch", "head", "detached", "prompt", "model", "commit", "upstream", "default", "stashes",
];

/// The keys that cost more: they come with `--full`, or named.
const COSTLY: [&str; 6] = [
    "commit",
    "upstream",
    "default",
    "changes",
    "stashes",
    "claude.last",
];

impl Show {
    /// Is the value `key` to be printed? (`claude` asks for `claude.live` too, and so does `claude.live.pid`.)
    pub fn wants(&self, key: &str) -> bool {
        let within = |a: &str, b: &str| {
            a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'))
        };
        if self.fields.is_empty() {
            return self.full || !COSTLY.contains(&key);
        }
        self.fields
            .iter()
            .any(|field| within(field, key) || within(key, field))
    }

    /// Is anything to be printed for which the registry of sessions is read?
    pub fn wants_sessions(&self) -> bool {
        self.wants("claude.live") || self.wants("description")
    }
}

/// What is filled in, and for which worktrees one after the other.
#[derive(Debug)]
pub struct Reader<'a> {
    repo: &'a Repo,
    entries: &'a [Entry],
    show: &'a Show,
    sessions: Vec<Session>,
}

impl<'a> Reader<'a> {
    /// Prepares what all worktrees share.
    pub fn new(repo: &'a Repo, entries: &'a [Entry], show: &'a Show) -> Self {
        let sessions = show.wants_sessions().then(claude::live);
        Self::knowing(sessions.unwrap_or_default(), repo, entries, show)
    }

    /// The same where the sessions that are live anywhere are known already.
    pub fn knowing(
        sessions: Vec<Session>,
        repo: &'a Repo,
        entries: &'a [Entry],
        show: &'a Show,
    ) -> Self {
        Reader {
            repo,
            entries,
            show,
            sessions,
        }
    }

    /// The repository.
    pub fn repo(&self) -> RepoInfo {
        let default = self
            .show
            .wants("repo.default_branch")
            .then(|| self.default_branch())
            .flatten();
        RepoInfo {
            name: self.repo.name(),
            root: self.repo.root(),
            git_dir: self.repo.common_dir.clone(),
            bare: self.repo.bare,
            default_branch: default,
        }
    }

    fn default_branch(&self) -> Option<BString> {
        self.repo
            .default_branch(|| match self.entries.first().filter(|entry| entry.main) {
                Some(main) => main.head(self.repo).branch,
                None => self.repo.head(&self.repo.common_dir).branch,
            })
    }

    fn roots(&self) -> Vec<&'a Path> {
        self.entries.iter().map(|e| e.path.as_path()).collect()
    }

    /// The worktrees at `chosen`, with all that was asked for.
    ///
    /// # Errors
    /// Git fails where it had to be asked.
    pub fn worktrees(&self, chosen: &[usize]) -> Result<Vec<Worktree>> {
        let mut worktrees = self.cheap(chosen);
        if self.show.wants_sessions() {
            for worktree in &mut worktrees {
                worktree.claude.live = Some(vec![]);
            }
            for (of, session) in session::live_in(chosen, &self.sessions, self.entries) {
                if let Some(at) = chosen.iter().position(|at| *at == of) {
                    worktrees[at]
                        .claude
                        .live
                        .get_or_insert_default()
                        .push(session);
                }
            }
        }
        if self.show.wants("claude.last") {
            let mut last = claude::last(&self.roots());
            for (at, worktree) in chosen.iter().zip(&mut worktrees) {
                worktree.claude.last = last.remove(at);
            }
        }
        if ["commit", "upstream", "default"]
            .iter()
            .any(|key| self.show.wants(key))
        {
            self.history(&mut worktrees)?;
        }
        if self.show.wants("changes") {
            count_changes(self.repo.foreign_format, &mut worktrees);
        }
        if self.show.wants("stashes") {
            let made = stash::by_branch(self.repo);
            for worktree in &mut worktrees {
                let count = |branch| made.get(branch).copied().unwrap_or_default();
                worktree.stashes = worktree.branch.as_ref().map(count);
            }
        }
        Ok(worktrees)
    }

    /// The document about the worktree at `at`, from which the shell goes to `cd`.
    ///
    /// # Errors
    /// As [`Reader::worktrees`].
    pub fn document(&self, at: usize, cd: Option<PathBuf>) -> Result<Document> {
        Ok(Document {
            schema: output::SCHEMA,
            repo: self.repo(),
            worktree: self.worktrees(&[at])?.remove(0),
            cd,
        })
    }

    /// All that comes without `--full`, but for sessions and what needs the settings.
    fn cheap(&self, chosen: &[usize]) -> Vec<Worktree> {
        // What threads may share of it all: the repository itself holds settings, which they may not.
        let (entries, show, refs) = (self.entries, self.show, &self.repo.refs);
        let (bare, current) = (self.repo.bare, &self.repo.git_dir);
        let wants = |key| show.wants(key);
        let any = |keys: &[&str]| keys.iter().any(|key| show.wants(key));
        let names = if any(&["venv", "venv_refused"]) {
            self.repo.settings().venv()
        } else {
            vec![]
        };
        let read = |at: &usize| {
            let entry = &entries[*at];
            let head = if any(&NEED_HEAD) {
                entry.head_in(refs)
            } else {
                Head::default()
            };
            let (operation, rebased) = if any(&["operation", "prompt"]) {
                entry.operation()
            } else {
                (None, None)
            };
            let venv = if entry.main && bare {
                Venv::default()
            } else {
                venv::find(&entry.path, &entry.git_dir, &names)
            };
            let reason = |reason| Reason { reason };
            Worktree {
                name: entry.name.clone(),
                path: entry.path.clone(),
                git_dir: entry.git_dir.clone(),
                main: entry.main,
                current: *current == entry.git_dir,
                detached: head.detached,
                locked: wants("locked")
                    .then(|| entry.locked())
                    .flatten()
                    .map(reason),
                prunable: wants("prunable")
                    .then(|| entry.prunable())
                    .flatten()
                    .map(reason),
                operation,
                venv: venv.path,
                venv_refused: venv.refused,
                prompt: prompt(
                    &entry.name,
                    rebased.as_ref().or(head.branch.as_ref()),
                    head.id.as_deref(),
                    operation,
                ),
                branch: head.branch,
                head: head.id,
                ..Worktree::default()
            }
        };
        let mut worktrees = parallel::each(MANY, chosen, read);
        if wants("model") {
            for worktree in &mut worktrees {
                let branch = worktree.branch.as_ref();
                worktree.model = branch.and_then(|b| self.repo.settings().model(b.as_bstr()));
            }
        }
        worktrees
    }

    fn history(&self, worktrees: &mut [Worktree]) -> Result<()> {
        if self.repo.foreign_format {
            history_from_git(self.repo, self.default_branch().as_ref(), worktrees);
            return Ok(());
        }
        let store = objects::open(&self.repo.common_dir)?;
        let id_of = |name: &[u8]| ObjectId::from_hex(self.repo.resolve(name)?.as_bytes()).ok();
        // What was merged on the remote may not be in the local default branch yet.
        let default: Vec<ObjectId> = match self.default_branch() {
            Some(branch) => [&b"refs/heads/"[..], b"refs/remotes/origin/"]
                .into_iter()
                .filter_map(|prefix| id_of(&[prefix, &branch].concat()))
                .collect(),
            None => vec![],
        };
        for worktree in worktrees {
            let Some(id) = worktree
                .head
                .as_ref()
                .and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok())
            else {
                continue;
            };
            if self.show.wants("commit") {
                worktree.commit = commit(&store, id).ok();
            }
            if let Some((base, remote)) =
                default.split_first().filter(|_| self.show.wants("default"))
            {
                worktree.default = standing(&store, id, *base, remote).ok();
            }
            if let Some(branch) = worktree
                .branch
                .as_ref()
                .filter(|_| self.show.wants("upstream"))
            {
                worktree.upstream = upstream(&store, id, branch, id_of).ok().flatten();
            }
        }
        Ok(())
    }
}

/// How `id` stands to `base` and what the remotes have of it.
fn standing(
    store: &gix::Repository,
    id: ObjectId,
    base: ObjectId,
    remotes: &[ObjectId],
) -> Result<Standing> {
    let (ahead, behind) = graph::ahead_behind(store, id, base)?;
    let mut merged = ahead == 0;
    for remote in remotes.iter().filter(|remote| **remote != base) {
        merged = merged || graph::ahead_behind(store, id, *remote)?.0 == 0;
    }
    Ok(Standing {
        ahead,
        behind,
        merged,
    })
}

fn commit(store: &gix::Repository, id: ObjectId) -> Result<Commit> {
    let commit = store.find_commit(id)?;
    let subject = commit
        .message_raw()?
        .lines()
        .next()
        .unwrap_or_default()
        .into();
    let time = jiff::Timestamp::from_second(commit.time()?.seconds)?.to_string();
    Ok(Commit {
        sha: id.to_string(),
        subject,
        time,
    })
}

fn upstream(
    store: &gix::Repository,
    id: ObjectId,
    branch: &BString,
    id_of: impl Fn(&[u8]) -> Option<ObjectId>,
) -> Result<Option<Upstream>> {
    use gix::remote::Direction::Fetch;
    let Ok(full) = gix::refs::FullName::try_from(
        [b"refs/heads/", branch.as_bytes()]
            .concat()
            .as_bstr()
            .to_owned(),
    ) else {
        return Ok(None);
    };
    let local = || {
        // A branch of this repository as upstream (remote "."): gix knows no tracking ref for it.
        let remote = store.branch_remote_name(branch.as_bstr(), Fetch)?;
        (remote.as_bstr() == ".").then(|| store.branch_remote_ref_name(full.as_ref(), Fetch))?
    };
    let Some(Ok(name)) = store
        .branch_remote_tracking_ref_name(full.as_ref(), Fetch)
        .or_else(local)
    else {
        return Ok(None);
    };
    let short = name.shorten().to_owned();
    Ok(Some(match id_of(name.as_bstr()) {
        Some(theirs) => {
            let (ahead, behind) = graph::ahead_behind(store, id, theirs)?;
            Upstream {
                name: short,
                ahead: Some(ahead),
                behind: Some(behind),
                gone: false,
            }
        }
        None => Upstream {
            name: short,
            ahead: None,
            behind: None,
            gone: true,
        },
    }))
}

/// The same from git, for formats that only it reads: two processes for each worktree.
fn history_from_git(repo: &Repo, default: Option<&BString>, worktrees: &mut [Worktree]) {
    use crate::git::Git;
    let git = |args: &[&str]| -> Option<String> {
        let out = Git::looking(&repo.common_dir).args(args).read().ok()?;
        Some(String::from_utf8_lossy(&out).trim_end().to_owned())
    };
    let between = |left: &str, right: &str| -> Option<(usize, usize)> {
        let counts = git(&[
            "rev-list",
            "--left-right",
            "--count",
            &format!("{left}...{right}"),
            "--",
        ])?;
        let (ahead, behind) = counts.split_once('\t')?;
        Some((ahead.parse().ok()?, behind.parse().ok()?))
    };
    for worktree in worktrees {
        let Some(head) = worktree.head.clone() else {
            continue;
        };
        worktree.commit = git(&["log", "-1", "--no-show-signature", "--format=%ct %s", &head])
            .and_then(|line| {
                let (time, subject) = line.split_once(' ')?;
                let time = jiff::Timestamp::from_second(time.parse().ok()?)
                    .ok()?
                    .to_string();
                Some(Commit {
                    sha: head.clone(),
                    subject: subject.into(),
                    time,
                })
            });
        worktree.default = default
            .and_then(|branch| between(&head, &format!("refs/heads/{branch}")))
            .map(|(ahead, behind)| Standing {
                ahead,
                behind,
                merged: ahead == 0,
            });
        let tracked = worktree.branch.as_ref().and_then(|branch| {
            git(&[
                "for-each-ref",
                "--format=%(upstream:short)%00%(upstream)",
                &format!("refs/heads/{branch}"),
            ])
        });
        worktree.upstream = tracked
            .as_deref()
            .and_then(|line| line.split_once('\0'))
            .and_then(|(short, full)| {
                let counts = between(&head, full);
                let (ahead, behind) = counts.unzip();
                (!full.is_empty()).then(|| Upstream {
                    name: short.into(),
                    ahead,
                    behind,
                    gone: counts.is_none(),
                })
            });
    }
}

/// Counts changes, several worktrees at a time: each is a walk over its own files.
fn count_changes(foreign_format: bool, worktrees: &mut [Worktree]) {
    let paths: Vec<PathBuf> = worktrees.iter().map(|w| w.path.clone()).collect();
    let count = |path: &PathBuf| {
        if !path.join(".git").exists() {
            return None;
        }
        let repo = objects::open(path).ok().filter(|_| !foreign_format);
        let own = repo.and_then(|repo| changes::changes(&repo).ok());
        // A worktree that cannot be read (somebody else's, damaged) keeps null; the others are still of use.
        own.or_else(|| changes::ask_git(path).ok())
    };
    for (worktree, changes) in worktrees.iter_mut().zip(parallel::each(2, &paths, count)) {
        worktree.changes = changes;
    }
}
