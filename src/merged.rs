//! Is the work of a branch somewhere else already? Found out from the repository alone, no forge is asked.

use std::iter::{once, once_with};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};

use crate::git::{Git, branch_ref};
use crate::repo::{Repo, graph, objects};

/// How the commits of a branch came to be elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// They are there themselves.
    Merged,
    /// Each has its equal there.
    Rebased,
    /// One commit there, or several, do the same as all of them.
    Squashed,
}

/// Where the commits of a branch are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How they got there.
    pub how: How,
    /// The branch that has them, such as `main` or `origin/main`.
    pub into: BString,
    /// The commit that this one stands at.
    pub at: String,
    /// Is that the default branch (here or on a remote), and not only the branch's own upstream?
    pub default: bool,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.how {
            How::Merged => "in",
            How::Rebased => "rebased into",
            How::Squashed => "squashed into",
        };
        write!(f, "{how} {}", self.into)
    }
}

/// Where the commits of `branch`, which stands at `tip`, are in the `default` branch or else its upstream.
/// `None`: nowhere, or not all of them.
///
/// # Errors
/// Git fails.
pub fn find(
    repo: &Repo,
    branch: &BStr,
    tip: &str,
    default: Option<&BString>,
) -> Result<Option<Place>> {
    let own = branch_ref(branch);
    let base = |name: BString| {
        let at = repo.object(&name).filter(|_| name != own)?;
        Some((name, at))
    };
    let place = |how, (name, at): (BString, String), default| {
        let short = ["refs/heads/", "refs/remotes/"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix.as_bytes()));
        Ok(Some(Place {
            how,
            into: short.unwrap_or(&name).into(),
            at,
            default,
        }))
    };
    // The cheap question first, of both.
    let mut bases = vec![];
    if let Some(default) = default {
        let local = branch_ref(default);
        let origin = || [b"refs/remotes/origin/", &default[..]].concat().into();
        let remote = || upstream(repo, &local).unwrap_or_else(origin);
        let names = once(local.clone()).chain(once_with(remote));
        for base in names.filter_map(base) {
            if contains(repo, &base.1, tip)? {
                return place(How::Merged, base, true);
            }
            bases.push(base);
        }
    }
    for base in bases {
        if let Some(how) = equal(repo, &base.1, tip)? {
            return place(how, base, true);
        }
    }
    match upstream(repo, &own).and_then(base) {
        Some(base) if contains(repo, &base.1, tip)? => place(How::Merged, base, false),
        _ => Ok(None),
    }
}

/// Does a branch or a tag hold this commit, here or on a remote?
///
/// # Errors
/// Git fails.
pub fn held(repo: &Repo, commit: &str) -> Result<bool> {
    let refs = Git::at(&repo.common_dir)
        .args(["for-each-ref", "--count=1", "--contains", commit])
        .args(["refs/heads/", "refs/remotes/", "refs/tags/"])
        .read()?;
    Ok(!refs.is_empty())
}

/// Did anybody ever commit on the branch? One that has just been made is "merged" as well, and nobody means it.
///
/// Its log tells. Where there is none (a bare repository keeps none), or it began as somebody else's branch, it is
/// commits that the default branch got by a merge.
///
/// # Errors
/// Git fails.
pub fn has_own_work(repo: &Repo, branch: &BStr, tip: &str, place: &Place) -> Result<bool> {
    if place.how != How::Merged {
        return Ok(true);
    }
    let name = branch_ref(branch);
    let git = || Git::at(&repo.common_dir);
    let log = git()
        .args(["log", "--walk-reflogs", "--format=%gs"])
        .args([&*name.to_os_str_lossy(), "--".as_ref()])
        .read()
        .unwrap_or_default();
    // All other movements follow somebody else's commits.
    let works = [&b"commit"[..], b"cherry-pick", b"revert", b"am"];
    let by_hand = |line: &[u8]| {
        works.iter().any(|work| line.starts_with(work)) || line.contains_str(": Merge made")
    };
    if log.lines().any(by_hand) {
        return Ok(true);
    }
    let theirs = upstream(repo, &name).is_some_and(|name| !name.ends_with(&place.into));
    if !log.is_empty() && !theirs {
        return Ok(false);
    }
    let line = git()
        .args(["rev-list", "--first-parent", &place.at, "--"])
        .read()?;
    Ok(!line.lines().any(|id| id == tip.as_bytes()))
}

/// The full name of the upstream of a branch, by its own full name.
pub fn upstream(repo: &Repo, name: &BString) -> Option<BString> {
    let out = Git::at(&repo.common_dir)
        .args(["for-each-ref", "--format=%(refname)%00%(upstream)"])
        .args([name.to_os_str_lossy()])
        .read()
        .ok()?;
    // The pattern `refs/heads/a` fits `refs/heads/a/b` too, which cannot be there beside it.
    let upstream = out.trim_ascii_end().split(|b| *b == 0).nth(1)?;
    (!upstream.is_empty()).then(|| upstream.into())
}

/// Is `tip` in the history of `base`?
fn contains(repo: &Repo, base: &str, tip: &str) -> Result<bool> {
    if repo.foreign_format {
        let missing = Git::at(&repo.common_dir)
            .args(["rev-list", "-n1", tip, "--not", base, "--"])
            .read()?;
        return Ok(missing.is_empty());
    }
    let id = |hex: &str| {
        ObjectId::from_hex(hex.as_bytes()).with_context(|| format!("'{hex}' is no commit"))
    };
    let store = objects::open(&repo.common_dir)?;
    Ok(graph::ahead_behind(&store, id(tip)?, id(base)?)?.0 == 0)
}

/// Does the history of `base` do all that the commits up to `tip` do?
fn equal(repo: &Repo, base: &str, tip: &str) -> Result<Option<How>> {
    let scratch = Scratch::new(&repo.common_dir)?;
    let git = |args: &[&str]| -> Option<String> {
        let out = scratch.git(&repo.common_dir).args(args).read().ok()?;
        Some(out.trim_ascii().to_str_lossy().into_owned())
    };
    // Unrelated histories have no base.
    let Some(fork) = git(&["merge-base", base, tip]) else {
        return Ok(None);
    };
    let tree = |commit: &str| git(&["rev-parse", "--verify", &format!("{commit}^{{tree}}")]);
    let (before, after) = (tree(&fork), tree(tip));
    let all_there = |commit: &str| {
        let commits = git(&["cherry", base, commit])?;
        (!commits.is_empty() && commits.lines().all(|line| line.starts_with("- "))).then_some(())
    };
    // A merge may hold work of its own, which `git cherry` passes over.
    let merges = git(&["rev-list", "-n1", "--merges", tip, "--not", base, "--"]);
    if merges.is_some_and(|merges| merges.is_empty()) && all_there(tip).is_some() {
        return Ok(Some(How::Rebased));
    }
    // Commits that undo each other are nowhere, although merging them would change nothing.
    if before.is_none() || before == after {
        return Ok(None);
    }
    let together = git(&["merge-tree", "--write-tree", base, tip]);
    if together.is_some() && together == tree(base) {
        return Ok(Some(How::Squashed));
    }
    // The base may have moved on in the same lines: look for one commit that is the whole branch.
    let whole = after.and_then(|tree| git(&["commit-tree", &tree, "-p", &fork, "-m", "whole"]));
    Ok(whole
        .and_then(|commit| all_there(&commit))
        .map(|()| How::Squashed))
}

/// A folder for the objects that a question makes, so that asking leaves nothing in the repository. One at a time.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, for the repository at `common_dir`.
    ///
    /// # Errors
    /// The git directory cannot be written.
    pub fn new(common_dir: &Path) -> Result<Self> {
        let dir = common_dir.join(format!("treehop/objects-{}", std::process::id()));
        crate::file::closed_folder(&dir)
            .with_context(|| format!("could not create '{}'", dir.display()))?;
        Ok(Scratch(dir))
    }

    fn git(&self, common_dir: &Path) -> Git {
        self.writing(Git::at(common_dir), common_dir)
    }

    /// `git` with this as the place for what it makes.
    pub fn writing(&self, git: Git, common_dir: &Path) -> Git {
        let objects = common_dir.join("objects");
        let objects = objects.as_os_str().as_encoded_bytes();
        // Quoted as in C, since a path may hold the colon that lies between two.
        let mut quoted = vec![b'"'];
        for byte in objects {
            quoted.extend(format!("\\{byte:03o}").bytes());
        }
        quoted.push(b'"');
        // As young as it is: git walks the history by date.
        git.own(jiff::Timestamp::now().as_second())
            .env("GIT_OBJECT_DIRECTORY", &self.0)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted.to_os_str_lossy())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
