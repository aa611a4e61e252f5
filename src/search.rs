//! Looking for worktrees: in which repositories, by which words (DESIGN, "What QUERY means").

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::Result;
use gix::bstr::{BString, ByteSlice};

use crate::error::{Exit, Failure};
use crate::query::{self, Target};
use crate::repo::Repo;
use crate::repo::entry::{self, Entry};
use crate::{claude, known, parallel, plain, shell};

/// A repository that is searched.
#[derive(Debug)]
pub struct Searched {
    /// It.
    pub repo: Repo,
    /// Its worktrees, the main one first.
    pub entries: Vec<Entry>,
}

/// One worktree: which repository, which entry.
pub type At = (usize, usize);

impl Searched {
    fn open(repo: Repo) -> Result<Self> {
        let entries = repo.entries()?;
        Ok(Searched { repo, entries })
    }

    fn targets(&self) -> Vec<Target> {
        parallel::each(entry::MANY, &self.entries, |e| Target {
            branch: e.branch_meant(),
            name: e.name.clone(),
            base: entry::base_name(&e.path),
        })
    }
}

/// What is searched, and for what.
#[derive(Debug)]
pub struct Search {
    /// The repositories.
    pub repos: Vec<Searched>,
    words: Vec<BString>,
    /// The query named a repository, so that answers have to as well.
    named: bool,
    /// The first of `repos` is the one that one stands in.
    inside: bool,
}

impl Search {
    /// Looks at `words` from `dir` (absolute). `partial`: the last one is still being typed.
    ///
    /// # Errors
    /// Without a word outside any repository, with the name of an unknown one, or as [`Repo::discover`] where git
    /// refuses the one that `dir` is in.
    pub fn new(mut words: Vec<BString>, dir: &Path, partial: bool) -> Result<Self> {
        let here = match Repo::discover(dir) {
            Ok(repo) => Some(repo),
            Err(e)
                if e.downcast_ref::<Failure>()
                    .is_some_and(|f| f.exit == Exit::NotFound) =>
            {
                None
            }
            Err(e) => return Err(e),
        };
        if let Some(repo) = &here {
            known::remember(repo);
        }
        let inside = here.is_some();
        if let [word] = words.as_slice()
            && let Some(elsewhere) = repository_of_path(word, here.as_ref(), dir)
        {
            let repos = vec![Searched::open(elsewhere)?];
            return Ok(Search {
                repos,
                words,
                named: false,
                inside: false,
            });
        }
        // The name of a directory may hold a colon, too.
        let colon = words
            .first()
            .filter(|word| !is_path(word))
            .and_then(|word| word.find_byte(b':'));
        let Some(colon) = colon else {
            let repos = match here {
                Some(repo) => vec![Searched::open(repo)?],
                None if words.is_empty() => {
                    let failure = Failure::new(Exit::NotFound, "not in a git repository");
                    return Err(failure
                        .hint("cd to one; wcd REPO: goes to one used before")
                        .into());
                }
                None => known()
                    .into_iter()
                    .filter_map(|repo| Searched::open(repo).ok())
                    .collect(),
            };
            return Ok(Search {
                repos,
                words,
                named: !inside,
                inside,
            });
        };
        let name: BString = words[0][..colon].into();
        // Tab puts the repository in front of each answer, so that a later word may have it too.
        for word in &mut words {
            *word = word[word.find_byte(b':').map_or(0, |colon| colon + 1)..].into();
        }
        if words.len() == 1 && words[0].is_empty() && !partial {
            words = vec!["^".into()];
        }
        let mut known = known();
        if let Some(repo) =
            here.filter(|repo| known.iter().all(|k| k.common_dir != repo.common_dir))
        {
            known.push(repo);
        }
        let targets: Vec<_> = known
            .iter()
            .map(|k| Target {
                name: k.name(),
                ..Target::default()
            })
            .collect();
        let chosen = query::decide(std::slice::from_ref(&name), &targets);
        if chosen.is_empty() {
            let message = format!("no repository used before is called '{name}'");
            return Err(Failure::new(Exit::NotFound, message)
                .hint(format!("cd to it once: {}", names(&targets)))
                .into());
        }
        let mut at = 0..;
        known.retain(|_| at.next().is_some_and(|at: usize| chosen.contains(&at)));
        let repos = known
            .into_iter()
            .filter_map(|repo| Searched::open(repo).ok())
            .collect();
        Ok(Search {
            repos,
            words,
            named: true,
            inside: false,
        })
    }

    /// The same search in the repository at `repo` alone.
    #[must_use]
    pub fn only(mut self, repo: usize) -> Self {
        self.repos.swap(0, repo);
        self.repos.truncate(1);
        self
    }

    /// The worktree at a place.
    pub fn entry(&self, (repo, entry): At) -> &Entry {
        &self.repos[repo].entries[entry]
    }

    fn all(&self) -> Vec<At> {
        let of = |(at, searched): (usize, &Searched)| {
            (0..searched.entries.len())
                .map(move |e| (at, e))
                .collect::<Vec<_>>()
        };
        self.repos.iter().enumerate().flat_map(of).collect()
    }

    /// The worktrees of the tier that decides.
    ///
    /// # Errors
    /// `@` and `!` where there is none.
    pub fn decide(&self, all: bool, dir: &Path) -> Result<Vec<At>> {
        let mains = || (0..self.repos.len()).map(|at| (at, 0)).collect();
        match self.words.as_slice() {
            [] if all => Ok(self.all()),
            [] => Ok(mains()),
            [word] if *word == "^" => Ok(mains()),
            [word] if *word == "@" => {
                let current = |searched: &Searched| {
                    searched
                        .entries
                        .iter()
                        .position(|e| self.inside && e.git_dir == searched.repo.git_dir)
                };
                let found = self.repos.first().and_then(current).map(|at| vec![(0, at)]);
                found.ok_or_else(|| {
                    Failure::new(Exit::NotFound, "not in a worktree")
                        .hint("cd to one, or name it")
                        .into()
                })
            }
            [word] if *word == "!" => self.waiting(dir),
            [word] if *word == "-" => {
                let message = "this shell was in no other worktree before";
                Err(Failure::new(Exit::NotFound, message).hint("wcd -i").into())
            }
            words => {
                let targets: Vec<_> = self.repos.iter().flat_map(Searched::targets).collect();
                let places = self.all();
                let decided: Vec<At> = query::decide(words, &targets)
                    .into_iter()
                    .map(|at| places[at])
                    .collect();
                match (decided.as_slice(), words) {
                    (_, [word]) if is_path(word) => Ok(self
                        .holding(&expand(word, dir))
                        .map_or(decided, |at| vec![at])),
                    // A relative path that is also what a branch begins with is the branch.
                    ([], [word]) => Ok(self.holding(&expand(word, dir)).into_iter().collect()),
                    _ => Ok(decided),
                }
            }
        }
    }

    /// The one worktree that is meant, from `dir`.
    ///
    /// # Errors
    /// [`Exit::NotFound`] where there is none, [`Exit::Ambiguous`] where there are several; or as [`Search::decide`].
    pub fn one(&self, dir: &Path) -> Result<At> {
        let found = self.present(&self.decide(false, dir)?)?;
        match found.as_slice() {
            [at] => Ok(*at),
            several => Err(self.ambiguous(several)),
        }
    }

    /// Those of `found` that have a directory.
    ///
    /// # Errors
    /// There is none: nothing was found, or what was found is gone.
    pub fn present(&self, found: &[At]) -> Result<Vec<At>> {
        let there = |at: &At| self.entry(*at).path.is_dir();
        let present: Vec<At> = found.iter().copied().filter(there).collect();
        match (present.is_empty(), found.first()) {
            (false, _) => Ok(present),
            (true, None) => Err(self.nothing()),
            (true, Some(gone)) => {
                let entry = self.entry(*gone);
                let message = format!(
                    "the directory of '{}' is gone: {}",
                    entry.name,
                    entry.path.display()
                );
                Err(Failure::new(Exit::NotFound, message).hint("wprune").into())
            }
        }
    }

    /// The worktree that holds `path`.
    fn holding(&self, path: &Path) -> Option<At> {
        let path = path.canonicalize().ok()?;
        let all = self.all();
        let roots: Vec<_> = all
            .iter()
            .map(|at| self.entry(*at).path.as_path())
            .collect();
        claude::innermost(&roots, &path).map(|at| all[at])
    }

    /// The worktree whose session waits longest; from one that waits, the next.
    fn waiting(&self, dir: &Path) -> Result<Vec<At>> {
        let mut sessions = claude::live();
        sessions.retain(|s| s.status.as_deref() == Some("waiting"));
        sessions.sort_by(|a, b| a.since.cmp(&b.since));
        let mut waiting: Vec<At> = vec![];
        for at in sessions.iter().filter_map(|s| self.holding(&s.cwd)) {
            if !waiting.contains(&at) {
                waiting.push(at);
            }
        }
        let next = self
            .holding(dir)
            .and_then(|here| waiting.iter().position(|at| *at == here))
            .map_or(0, |at| at + 1);
        match waiting.get(next).or(waiting.first()) {
            Some(at) => Ok(vec![*at]),
            None => Err(
                Failure::new(Exit::NotFound, "no session waits for an answer")
                    .hint("wls shows which ones are busy, and which are idle")
                    .into(),
            ),
        }
    }

    /// Where a shell goes: around a bare repository rather than into it; with `subdir`, to the directory that it is
    /// in now, as far as that exists there.
    pub fn landing(&self, at: At, dir: &Path, subdir: bool) -> PathBuf {
        let entry = self.entry(at);
        let top = if entry.main {
            self.repos[at.0].repo.root()
        } else {
            entry.path.clone()
        };
        if !subdir {
            return top;
        }
        let below = self
            .holding(dir)
            .and_then(|here| dir.strip_prefix(&self.entry(here).path).ok())
            .unwrap_or(Path::new(""));
        let mut deepest_first = below
            .ancestors()
            .filter(|below| !below.as_os_str().is_empty());
        let place =
            deepest_first.find_map(|below| Some(top.join(below)).filter(|place| place.is_dir()));
        place.unwrap_or(top)
    }

    /// What to type to get exactly this worktree.
    pub fn query(&self, at: At) -> BString {
        let entry = self.entry(at);
        // It is shown and typed: a branch that cannot be has its worktree's name instead.
        let branch = entry
            .branch_meant()
            .filter(|branch| !branch.chars().any(plain::hidden));
        let own = branch.unwrap_or_else(|| entry.name.clone());
        if self.named {
            [&self.repos[at.0].repo.name()[..], b":", &own]
                .concat()
                .into()
        } else {
            own
        }
    }

    fn typed(&self) -> BString {
        gix::bstr::join(" ", &self.words).into()
    }

    /// Says that nothing matches and, where only a worktree is missing, what makes it.
    pub fn nothing(&self) -> anyhow::Error {
        let typed = self.typed();
        let branch = self
            .repos
            .iter()
            .any(|searched| searched.repo.has_branch(&typed));
        if branch && !typed.is_empty() {
            let message = format!("no worktree has the branch '{typed}' checked out");
            return Failure::new(Exit::NotFound, message)
                .hint(format!("wnew {}", shell::quoted(OsStr::from_bytes(&typed))))
                .into();
        }
        let failure = Failure::new(Exit::NotFound, format!("no worktree matches '{typed}'"));
        let hint = match self.closest() {
            Some(at) => format!("did you mean {}?", self.query(at)),
            None if self.repos.is_empty() => "cd to a repository".to_owned(),
            None => "wls".to_owned(),
        };
        failure.hint(hint).into()
    }

    /// The worktree whose name or branch looks most like what was typed, if one does.
    fn closest(&self) -> Option<At> {
        let typed = self.typed().to_string();
        let likeness = |target: Target| {
            let branch = target.branch.unwrap_or_default().to_string();
            let last = branch.rsplit('/').next().unwrap_or_default();
            let names = [&*target.name.to_string(), &branch, last];
            let all = names.map(|name| strsim::jaro(&typed, name));
            all.into_iter().fold(0.0, f64::max)
        };
        let likely = self.repos.iter().flat_map(Searched::targets).map(likeness);
        let best = likely.zip(self.all()).max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 > 0.8).then_some(best.1)
    }

    /// Says which ones match.
    pub fn ambiguous(&self, found: &[At]) -> anyhow::Error {
        let mut message = format!("'{}' could be any of {}:", self.typed(), found.len());
        for at in found {
            let query = self.query(*at);
            let _ = write!(message, "\n  {query}\t{}", self.entry(*at).path.display());
        }
        Failure::new(Exit::Ambiguous, message)
            .hint("type more of it, or pick: wcd -i")
            .into()
    }
}

/// The repositories used before that still open.
fn known() -> Vec<Repo> {
    known::repositories()
        .iter()
        .filter_map(|path| Repo::discover(path).ok())
        .collect()
}

fn names(targets: &[Target]) -> String {
    targets
        .iter()
        .map(|t| t.name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Is `word` written as a path, which no branch can be?
fn is_path(word: &BString) -> bool {
    [&b"/"[..], b"./", b"../", b"~/"]
        .iter()
        .any(|start| word.starts_with(start))
        || *word == "."
        || *word == ".."
        || *word == "~"
}

fn expand(word: &BString, dir: &Path) -> PathBuf {
    match (word.strip_prefix(b"~"), dirs::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_with(|c| c == '/').to_path_lossy()),
        _ => dir.join(PathBuf::from(OsString::from_vec(word.to_vec()))),
    }
}

/// The other repository that a path leads into.
fn repository_of_path(word: &BString, here: Option<&Repo>, dir: &Path) -> Option<Repo> {
    if !is_path(word) {
        return None;
    }
    let repo = Repo::discover(&expand(word, dir).canonicalize().ok()?).ok()?;
    (here.is_none_or(|here| here.common_dir != repo.common_dir)).then_some(repo)
}
