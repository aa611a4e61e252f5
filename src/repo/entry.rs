//! The worktrees of a repository, as its admin files (`worktrees/ID/…`) name them.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};

use super::discover::pointer;
use super::refs::Refs;
use super::{Head, Repo};
use crate::git::Git;
use crate::{file, parallel, plain};

/// From so many worktrees on their files are read by several threads.
pub const MANY: usize = 64;

/// One worktree, before anything that costs more is asked about it.
#[derive(Debug)]
pub struct Entry {
    /// What people call it (DESIGN: the base name without the repository's).
    pub name: BString,
    /// Its directory; the repository itself where the main one is bare.
    pub path: PathBuf,
    /// Its own git directory.
    pub git_dir: PathBuf,
    /// Is it the main one?
    pub main: bool,
    /// What git said, where it had to be asked.
    asked: Option<Asked>,
    /// The names of the files in its git directory: one read of it is cheaper than a look for each.
    files: OnceLock<Vec<OsString>>,
}

/// What else `git worktree list` says.
#[derive(Debug, Default)]
struct Asked {
    head: Head,
    locked: Option<String>,
    prunable: Option<String>,
}

impl Entry {
    fn new(path: PathBuf, git_dir: PathBuf, main: bool) -> Self {
        Entry {
            name: BString::default(),
            path,
            git_dir,
            main,
            asked: None,
            files: OnceLock::new(),
        }
    }

    /// Was there a file of that name in its git directory when that was looked at first?
    pub fn has(&self, file: &str) -> bool {
        let names = || {
            std::fs::read_dir(&self.git_dir)
                .into_iter()
                .flatten()
                .flatten()
                .map(|f| f.file_name())
        };
        self.files
            .get_or_init(|| names().collect())
            .iter()
            .any(|name| name == file)
    }

    /// What it has checked out.
    pub fn head(&self, repo: &Repo) -> Head {
        self.head_in(&repo.refs)
    }

    /// The same by the refs of its repository.
    pub fn head_in(&self, refs: &Refs) -> Head {
        self.asked
            .as_ref()
            .map_or_else(|| refs.head(&self.git_dir), |asked| asked.head.clone())
    }

    /// Why it is locked, possibly with no words; `None` when it is not.
    pub fn locked(&self) -> Option<String> {
        match &self.asked {
            Some(asked) => asked.locked.clone(),
            None if self.main || !self.has("locked") => None,
            None => file::small(self.git_dir.join("locked"))
                .ok()
                .map(|words| words.trim_ascii().to_str_lossy().into_owned()),
        }
    }

    /// Why git would forget it: its directory is gone, and it is not locked.
    pub fn prunable(&self) -> Option<String> {
        match &self.asked {
            Some(asked) => asked.prunable.clone(),
            None if self.main || self.path.join(".git").exists() || self.locked().is_some() => None,
            None => Some("gitdir file points to non-existent location".into()),
        }
    }

    /// The operation that is under way and, in a rebase, the branch that it moves.
    pub fn operation(&self) -> (Option<&'static str>, Option<BString>) {
        for dir in ["rebase-merge", "rebase-apply"] {
            if self.has(dir) {
                let branch = file::small(self.git_dir.join(dir).join("head-name")).ok();
                let branch = branch.and_then(|b| {
                    b.trim_ascii()
                        .strip_prefix(b"refs/heads/")
                        .map(BString::from)
                });
                return (Some("rebase"), branch);
            }
        }
        let marks = [
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
        ];
        if let Some((_, operation)) = marks.into_iter().find(|(mark, _)| self.has(mark)) {
            return (Some(operation), None);
        }
        if self.has("sequencer") {
            // Paused between two commits: the heads above are gone, the list of what is left is there.
            match file::small(self.git_dir.join("sequencer/todo")) {
                Ok(todo) if todo.starts_with(b"revert") => return (Some("revert"), None),
                Ok(_) => return (Some("cherry-pick"), None),
                Err(_) => {}
            }
        }
        (self.has("BISECT_LOG").then_some("bisect"), None)
    }

    /// The branch that is checked out, or that a rebase will put back.
    pub fn branch_meant(&self) -> Option<BString> {
        let branch = match &self.asked {
            Some(asked) => asked.head.branch.clone(),
            None => super::refs::branch(&self.git_dir),
        };
        branch.or_else(|| self.operation().1)
    }
}

/// Reads the admin files.
pub fn read(repo: &Repo) -> Result<Vec<Entry>> {
    let admin = repo.common_dir.join("worktrees");
    let ids = match std::fs::read_dir(&admin) {
        Ok(ids) => ids.flatten().map(|id| id.path()).collect::<Vec<_>>(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => vec![],
        Err(e) => return Err(e).with_context(|| format!("could not read '{}'", admin.display())),
    };
    // Without a gitdir file git does not list it either.
    let entries = parallel::each(MANY, &ids, |id| linked(id.clone()));
    let entries = entries.into_iter().flatten().collect();
    let main = Entry::new(repo.main_path(), repo.common_dir.clone(), true);
    Ok(named(repo, main, entries))
}

/// The linked worktree with this git directory.
fn linked(git_dir: PathBuf) -> Option<Entry> {
    let dot_git = pointer(&git_dir.join("gitdir"), b"")?;
    let path = match dot_git.parent() {
        Some(parent) if dot_git.ends_with(".git") => parent.to_owned(),
        _ => dot_git,
    };
    // Git writes real paths; only a relative one has to be resolved.
    let dots = path.components().any(|part| part == Component::ParentDir);
    let path = if dots {
        path.canonicalize().unwrap_or(path)
    } else {
        path
    };
    Some(Entry::new(path, git_dir, false))
}

/// The worktree that one stands in.
pub fn read_one(repo: &Repo) -> Option<Entry> {
    let repo_name = repo.name();
    if repo.git_dir == repo.common_dir {
        let mut main = Entry::new(repo.main_path(), repo.common_dir.clone(), true);
        main.name = repo_name;
        return Some(main);
    }
    let mut entry = linked(repo.git_dir.clone())?;
    let base = base_name(&entry.path);
    let short = short_name(base.clone(), &repo_name);
    // Git names the folder of another after its directory too, with a number behind where that is taken: so only
    // what is called alike needs to be read. (One that `git worktree move` renamed is not found here.)
    let alike = |id: &OsString| {
        let id = BString::from(id.as_bytes());
        let stem = id.trim_end_with(|c| c.is_ascii_digit());
        [&id[..], stem]
            .into_iter()
            .any(|name| short_name(name.into(), &repo_name) == short)
    };
    let ids = std::fs::read_dir(repo.common_dir.join("worktrees"))
        .into_iter()
        .flatten()
        .flatten();
    let mut others = ids
        .filter(|id| alike(&id.file_name()) && id.path() != entry.git_dir)
        .filter_map(|id| linked(id.path()));
    let taken = short == repo_name
        || others.any(|other| short_name(base_name(&other.path), &repo_name) == short);
    entry.name = if taken { base } else { short };
    Some(entry)
}

/// Asks git, for formats that only it reads.
pub fn ask_git(repo: &Repo) -> Result<Vec<Entry>> {
    let out = Git::looking(&repo.common_dir)
        .args(["worktree", "list", "--porcelain", "-z"])
        .read()?;
    let admin: HashMap<PathBuf, PathBuf> = std::fs::read_dir(repo.common_dir.join("worktrees"))
        .map(|ids| ids.flatten().map(|id| id.path()).collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|git_dir| {
            Some((
                pointer(&git_dir.join("gitdir"), b"")?.parent()?.to_owned(),
                git_dir,
            ))
        })
        .collect();
    let mut entries: Vec<Entry> = vec![];
    for line in out.split_str(b"\0") {
        let (key, value) = line.split_once_str(b" ").unwrap_or((line, b""));
        let text = || value.to_str_lossy().into_owned();
        if key == b"worktree" {
            let path = PathBuf::from(OsStr::from_bytes(value));
            entries.push(if entries.is_empty() {
                Entry::new(repo.main_path(), repo.common_dir.clone(), true)
            } else {
                let git_dir = admin
                    .get(&path)
                    .cloned()
                    .unwrap_or_else(|| path.join(".git"));
                Entry::new(path, git_dir, false)
            });
        }
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        let asked = entry.asked.get_or_insert_default();
        match key {
            b"HEAD" => asked.head.id = Some(text()).filter(|id| id.bytes().any(|b| b != b'0')),
            b"branch" => asked.head.branch = value.strip_prefix(b"refs/heads/").map(BString::from),
            b"detached" => asked.head.detached = true,
            b"locked" => asked.locked = Some(text()),
            b"prunable" => asked.prunable = Some(text()),
            _ => {}
        }
    }
    anyhow::ensure!(!entries.is_empty(), "git lists no worktree");
    let main = entries.remove(0);
    Ok(named(repo, main, entries))
}

/// Puts them in order and gives them their names.
fn named(repo: &Repo, main: Entry, mut linked: Vec<Entry>) -> Vec<Entry> {
    linked.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    let mut entries = vec![main];
    entries.append(&mut linked);
    let repo_name = repo.name();
    let mut seen: HashMap<BString, usize> = HashMap::new();
    for entry in &mut entries {
        entry.name = if entry.main {
            repo_name.clone()
        } else {
            short_name(base_name(&entry.path), &repo_name)
        };
        *seen.entry(entry.name.clone()).or_default() += 1;
    }
    for entry in entries.iter_mut().filter(|e| seen[&e.name] > 1 && !e.main) {
        entry.name = base_name(&entry.path);
    }
    entries
}

fn short_name(base: BString, repo: &BString) -> BString {
    match base.strip_prefix(&repo[..]).and_then(|rest| {
        rest.strip_prefix(b"-")
            .or(rest.strip_prefix(b"_"))
            .or(rest.strip_prefix(b"."))
    }) {
        Some(rest) if !rest.is_empty() => rest.into(),
        _ => base,
    }
}

/// The last part of `path`, plain: it is shown in prompts and on screens.
pub fn base_name(path: &Path) -> BString {
    let name = path.file_name().unwrap_or(path.as_os_str()).as_bytes();
    plain::bytes(name.as_bstr())
}
