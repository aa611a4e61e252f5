//! `treehop find`: the worktree that a query means.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::Result;
use gix::bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::claude;
use crate::cli::{self, Show};
use crate::error::{Exit, Failure};
use crate::known;
use crate::output::{self, Document, Found, Row};
use crate::query::{self, Target};
use crate::repo::Repo;
use crate::repo::entry::{self, Entry};
use crate::worktree::{Reader, RepoInfo, Worktree};

/// A repository that is searched.
struct Searched {
    repo: Repo,
    entries: Vec<Entry>,
}

/// One worktree: which repository, which entry.
type At = (usize, usize);

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
        Row { repo: &self.repo, worktree: &self.worktree, cd: Some(&self.cd), found: Some(&self.found) }
    }
}

#[derive(Serialize)]
struct Matches {
    schema: u8,
    matches: Vec<Match>,
}

/// Runs `treehop find`.
pub fn run(args: cli::Find) -> Result<()> {
    let words: Vec<BString> = args.query.iter().map(|w| w.as_bytes().into()).collect();
    let dir = super::current_dir()?;
    let here = match Repo::discover(&dir) {
        Ok(repo) => Some(repo),
        Err(e) if e.downcast_ref::<Failure>().is_some_and(|f| f.exit == Exit::NotFound) => None,
        Err(e) => return Err(e),
    };
    if let Some(repo) = &here {
        known::remember(repo);
    }
    let search = Search::new(here, words, &dir)?;
    let found = search.decide(args.all, &dir)?;
    let present: Vec<At> = found.iter().copied().filter(|at| search.entry(*at).path.is_dir()).collect();
    match (present.as_slice(), found.as_slice()) {
        ([], []) => Err(search.nothing()),
        ([], [gone, ..]) => {
            let entry = search.entry(*gone);
            let message = format!("the directory of '{}' is gone: {}", entry.name, entry.path.display());
            Err(Failure::new(Exit::NotFound, message).hint("git worktree prune").into())
        }
        (several, _) if args.all => search.print_all(several, &args.show),
        ([at], _) => {
            let searched = &search.repos[at.0];
            let reader = Reader::new(&searched.repo, &searched.entries, &args.show);
            let worktree = reader.worktrees(&[at.1])?.remove(0);
            let top = searched.landing(at.1);
            let cd = if args.subdir { search.same_place(&top, &dir) } else { top };
            output::one(
                &Document { schema: output::SCHEMA, repo: reader.repo(), worktree, cd: Some(cd) },
                &args.show,
            )
        }
        (several, _) => Err(search.ambiguous(several)),
    }
}

impl Searched {
    fn open(repo: Repo) -> Result<Self> {
        let entries = repo.entries()?;
        Ok(Searched { repo, entries })
    }

    /// Where a shell goes: around a bare repository rather than into it.
    fn landing(&self, at: usize) -> PathBuf {
        if self.entries[at].main { self.repo.root() } else { self.entries[at].path.clone() }
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        self.entries.iter().map(|e| Target {
            branch: e.branch_meant(),
            name: e.name.clone(),
            base: entry::base_name(&e.path),
        })
    }
}

/// What is searched, and for what.
struct Search {
    repos: Vec<Searched>,
    words: Vec<BString>,
    /// The query named a repository, so that answers have to as well.
    named: bool,
    /// The first of `repos` is the one that one stands in.
    inside: bool,
}

impl Search {
    fn new(here: Option<Repo>, mut words: Vec<BString>, dir: &Path) -> Result<Self> {
        let inside = here.is_some();
        if let [word] = words.as_slice() {
            if let Some(elsewhere) = repository_of_path(word, here.as_ref(), dir) {
                return Ok(Search {
                    repos: vec![Searched::open(elsewhere)?],
                    words,
                    named: false,
                    inside: false,
                });
            }
        }
        let colon = words.first().and_then(|word| word.find_byte(b':'));
        let Some(colon) = colon else {
            let repos = match here {
                Some(repo) => vec![Searched::open(repo)?],
                None if words.is_empty() => {
                    let failure = Failure::new(Exit::NotFound, "not in a git repository");
                    return Err(failure.hint("wcd REPO: goes to a repository used before").into());
                }
                None => known().into_iter().filter_map(|repo| Searched::open(repo).ok()).collect(),
            };
            return Ok(Search { repos, words, named: !inside, inside });
        };
        let name: BString = words[0][..colon].into();
        let rest: BString = words[0][colon + 1..].into();
        if rest.is_empty() && words.len() == 1 {
            words.clear();
        } else {
            words[0] = rest;
        }
        let mut known = known();
        if let Some(repo) = here.filter(|repo| known.iter().all(|k| k.common_dir != repo.common_dir)) {
            known.push(repo);
        }
        let targets: Vec<_> = known.iter().map(|k| Target { name: k.name(), ..Target::default() }).collect();
        let chosen = query::decide(&[name.clone()], &targets);
        if chosen.is_empty() {
            let message = format!("no repository used before is called '{name}'");
            return Err(Failure::new(Exit::NotFound, message)
                .hint(format!("cd to it once: {}", names(&targets)))
                .into());
        }
        let mut at = 0..;
        known.retain(|_| at.next().is_some_and(|at: usize| chosen.contains(&at)));
        let repos = known.into_iter().filter_map(|repo| Searched::open(repo).ok()).collect();
        Ok(Search { repos, words, named: true, inside: false })
    }

    fn entry(&self, (repo, entry): At) -> &Entry {
        &self.repos[repo].entries[entry]
    }

    fn all(&self) -> Vec<At> {
        let of = |(at, searched): (usize, &Searched)| {
            (0..searched.entries.len()).map(move |e| (at, e)).collect::<Vec<_>>()
        };
        self.repos.iter().enumerate().flat_map(of).collect()
    }

    /// The worktrees of the tier that decides.
    fn decide(&self, all: bool, dir: &Path) -> Result<Vec<At>> {
        let mains = || (0..self.repos.len()).map(|at| (at, 0)).collect();
        match self.words.as_slice() {
            [] if all => Ok(self.all()),
            [] => Ok(mains()),
            [word] if *word == "^" => Ok(mains()),
            [word] if *word == "@" => {
                let current = |searched: &Searched| {
                    searched.entries.iter().position(|e| self.inside && e.git_dir == searched.repo.git_dir)
                };
                let found = self.repos.first().and_then(current).map(|at| vec![(0, at)]);
                found.ok_or_else(|| Failure::new(Exit::NotFound, "not in a worktree").into())
            }
            [word] if *word == "!" => self.waiting(dir),
            words => {
                let targets: Vec<_> = self.repos.iter().flat_map(Searched::targets).collect();
                let places = self.all();
                let decided: Vec<At> =
                    query::decide(words, &targets).into_iter().map(|at| places[at]).collect();
                match (decided.as_slice(), words) {
                    // A relative path that is also what a branch begins with is the branch.
                    ([], [word]) => Ok(self.holding(&dir.join(word.to_path_lossy())).into_iter().collect()),
                    (_, [word]) if is_path(word) => {
                        Ok(self.holding(&expand(word, dir)).map_or(decided, |at| vec![at]))
                    }
                    _ => Ok(decided),
                }
            }
        }
    }

    /// The worktree that holds `path`.
    fn holding(&self, path: &Path) -> Option<At> {
        let path = path.canonicalize().ok()?;
        let all = self.all();
        let roots: Vec<_> = all.iter().map(|at| self.entry(*at).path.as_path()).collect();
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
            None => Err(Failure::new(Exit::NotFound, "no session waits").hint("wls").into()),
        }
    }

    /// The directory below `top` that `dir` is below its own worktree, as far as it exists there.
    fn same_place(&self, top: &Path, dir: &Path) -> PathBuf {
        let inner = self
            .holding(dir)
            .and_then(|at| dir.strip_prefix(&self.entry(at).path).ok())
            .unwrap_or(Path::new(""));
        inner
            .ancestors()
            .map(|inner| top.join(inner))
            .find(|place| place.is_dir())
            .unwrap_or_else(|| top.into())
    }

    fn print_all(&self, found: &[At], show: &Show) -> Result<()> {
        let mut matches = vec![];
        for (at, searched) in self.repos.iter().enumerate() {
            let chosen: Vec<_> =
                found.iter().filter(|(repo, _)| *repo == at).map(|(_, entry)| *entry).collect();
            let reader = Reader::new(&searched.repo, &searched.entries, show);
            for (entry, worktree) in chosen.iter().zip(reader.worktrees(&chosen)?) {
                let found = Found { query: self.query(searched, *entry), description: describe(&worktree) };
                matches.push(Match { repo: reader.repo(), worktree, cd: searched.landing(*entry), found });
            }
        }
        if show.fields.is_empty() {
            return output::json(&Matches { schema: output::SCHEMA, matches });
        }
        output::fields(matches.iter().map(Match::row), &show.fields)
    }

    /// What to type to get exactly this worktree.
    fn query(&self, searched: &Searched, at: usize) -> BString {
        let entry = &searched.entries[at];
        let own = entry.branch_meant().unwrap_or_else(|| entry.name.clone());
        if self.named { [&searched.repo.name()[..], b":", &own].concat().into() } else { own }
    }

    fn typed(&self) -> BString {
        gix::bstr::join(" ", &self.words).into()
    }

    fn nothing(&self) -> anyhow::Error {
        let typed = self.typed();
        let branch = self.repos.iter().any(|searched| searched.repo.has_branch(&typed));
        if branch && !typed.is_empty() {
            let message = format!("no worktree has the branch '{typed}' checked out");
            return Failure::new(Exit::NotFound, message).hint(format!("wnew {typed}")).into();
        }
        Failure::new(Exit::NotFound, format!("no worktree matches '{typed}'")).hint("wls").into()
    }

    fn ambiguous(&self, found: &[At]) -> anyhow::Error {
        let mut message = format!("'{}' could be any of {}:", self.typed(), found.len());
        for at in found {
            let query = self.query(&self.repos[at.0], at.1);
            message += &format!("\n  {query}\t{}", self.entry(*at).path.display());
        }
        Failure::new(Exit::Ambiguous, message).hint("type more of it, or pick: wcd -i").into()
    }
}

/// The repositories used before that still open.
fn known() -> Vec<Repo> {
    known::repositories().iter().filter_map(|path| Repo::discover(path).ok()).collect()
}

fn names(targets: &[Target]) -> String {
    targets.iter().map(|t| t.name.to_string()).collect::<Vec<_>>().join(", ")
}

/// Is `word` written as a path, which no branch can be?
fn is_path(word: &BString) -> bool {
    [&b"/"[..], b"./", b"../", b"~/"].iter().any(|start| word.starts_with(start))
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

/// One line for Tab: where it is, and what its session does.
fn describe(worktree: &Worktree) -> String {
    let path = worktree.path.to_string_lossy();
    let home = dirs::home_dir().map(|home| home.to_string_lossy().into_owned()).filter(|home| home.len() > 1);
    let mut line = match home
        .and_then(|home| path.strip_prefix(&home).filter(|rest| rest.starts_with('/')).map(str::to_owned))
    {
        Some(rest) => format!("~{rest}"),
        None => path.into_owned(),
    };
    for session in worktree.claude.live.iter().flatten() {
        line += &format!(" · claude {}", session.status.as_deref().unwrap_or("running"));
    }
    line.replace(char::is_control, "?")
}
