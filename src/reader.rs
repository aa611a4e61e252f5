//! Filling in what is known of worktrees: only what was asked for, and what many share only once.

use std::path::{Path, PathBuf};

use anyhow::Result;
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};

use crate::claude::{self, Session};
use crate::cli::Show;
use crate::repo::entry::Entry;
use crate::repo::{Head, Repo, changes, graph, objects, stash};
use crate::session;
use crate::venv;
use crate::worktree::{Claude, Commit, Reason, RepoInfo, Standing, Upstream, Worktree, prompt};

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
}

/// What is filled in, and for which worktrees one after the other.
#[derive(Debug)]
pub struct Reader<'a> {
    repo: &'a Repo,
    entries: &'a [Entry],
    show: &'a Show,
    sessions: Vec<(usize, Session)>,
}

impl<'a> Reader<'a> {
    /// Prepares what all worktrees share.
    pub fn new(repo: &'a Repo, entries: &'a [Entry], show: &'a Show) -> Self {
        let mut reader = Reader {
            repo,
            entries,
            show,
            sessions: vec![],
        };
        if show.wants("claude.live") || show.wants("description") {
            reader.sessions = session::live(entries);
        }
        reader
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
        let main = match self.entries.first().filter(|entry| entry.main) {
            Some(main) => main.head(self.repo).branch,
            None => self.repo.head(&self.repo.common_dir).branch,
        };
        self.repo.default_branch(main.as_ref())
    }

    fn roots(&self) -> Vec<&'a Path> {
        self.entries.iter().map(|e| e.path.as_path()).collect()
    }

    /// The worktrees at `chosen`, with all that was asked for.
    ///
    /// # Errors
    /// Git fails where it had to be asked.
    pub fn worktrees(&self, chosen: &[usize]) -> Result<Vec<Worktree>> {
        let mut worktrees: Vec<_> = chosen.iter().map(|at| self.cheap(*at)).collect();
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

    /// All that comes without `--full`.
    fn cheap(&self, at: usize) -> Worktree {
        let (entry, wants) = (&self.entries[at], |key| self.show.wants(key));
        let bare = entry.main && self.repo.bare;
        let prunable = if wants("prunable") {
            entry.prunable()
        } else {
            None
        };
        let head = if NEED_HEAD.iter().any(|key| wants(key)) {
            entry.head(self.repo)
        } else {
            Head::default()
        };
        let (operation, rebased) = if wants("operation") || wants("prompt") {
            entry.operation()
        } else {
            (None, None)
        };
        let venv = if (wants("venv") || wants("venv_refused")) && !bare {
            venv::find(
                &entry.path,
                &entry.git_dir.join("index"),
                &self.repo.settings().venv(),
            )
        } else {
            venv::Venv::default()
        };
        let model = head
            .branch
            .as_ref()
            .filter(|_| wants("model"))
            .and_then(|b| self.repo.settings().model(b.as_bstr()));
        let here = self.sessions.iter().filter(|(of, _)| *of == at);
        let live = (wants("claude.live") || wants("description"))
            .then(|| here.map(|(_, s)| s.clone()).collect());
        Worktree {
            name: entry.name.clone(),
            path: entry.path.clone(),
            git_dir: entry.git_dir.clone(),
            main: entry.main,
            current: self.repo.git_dir == entry.git_dir,
            detached: head.detached,
            locked: if wants("locked") {
                entry.locked().map(|reason| Reason { reason })
            } else {
                None
            },
            prunable: prunable.map(|reason| Reason { reason }),
            operation,
            venv: venv.path,
            venv_refused: venv.refused,
            model,
            prompt: prompt(
                &entry.name,
                rebased.as_ref().or(head.branch.as_ref()),
                head.id.as_deref(),
                operation,
            ),
            claude: Claude { live, last: None },
            branch: head.branch,
            head: head.id,
            ..Worktree::default()
        }
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

/// Counts changes, as many worktrees at a time as there are processors: each is a walk over its own files.
fn count_changes(foreign_format: bool, worktrees: &mut [Worktree]) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(worktrees.len());
    let jobs: Vec<Option<PathBuf>> = worktrees
        .iter()
        .map(|w| w.path.join(".git").exists().then(|| w.path.clone()))
        .collect();
    let count = |path: &Path| match if foreign_format {
        None
    } else {
        objects::open(path).ok()
    } {
        Some(repo) => changes::changes(&repo).or_else(|_| changes::ask_git(path)),
        None => changes::ask_git(path),
    };
    let work = || {
        let take = || jobs.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let mut done = vec![];
        while let Some(job) = take() {
            if let Some(path) = job {
                done.push((path, count(path)));
            }
        }
        done
    };
    let counted: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .flatten()
            .collect()
    });
    for (path, changes) in counted {
        // A worktree that cannot be read (somebody else's, damaged) keeps null; the others are still of use.
        if let (Some(worktree), Ok(changes)) =
            (worktrees.iter_mut().find(|w| w.path == *path), changes)
        {
            worktree.changes = Some(changes);
        }
    }
}
