//! What lies in a worktree, seen by somebody who is about to remove it: what is not committed, what git tracks, and
//! what it ignores.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use gix::bstr::{BStr, BString, ByteSlice};

use crate::git::Git;
use crate::repo::changes::{self, Changes};

/// How many bytes of ignored files are kept for `undo`, in all.
const KEEP_BYTES: u64 = 10_000_000;
/// How many ignored files are kept.
const KEEP_FILES: usize = 5_000;

/// Directories that tools fill and can fill again. Only what git ignores is looked at with these in mind.
const REPRODUCIBLE: [&str; 53] = [
    ".angular",
    ".astro",
    ".bundle",
    ".cache",
    ".dart_tool",
    ".direnv",
    ".eggs",
    ".gradle",
    ".hypothesis",
    ".mypy_cache",
    ".next",
    ".nox",
    ".nuxt",
    ".nyc_output",
    ".parcel-cache",
    ".pnpm-store",
    ".pytest_cache",
    ".ruff_cache",
    ".sass-cache",
    ".stack-work",
    ".svelte-kit",
    ".terraform",
    ".tox",
    ".turbo",
    ".venv",
    ".vite",
    ".yarn",
    ".zig-cache",
    "CMakeFiles",
    "Carthage",
    "DerivedData",
    "Pods",
    "__pycache__",
    "__pypackages__",
    "_build",
    "bower_components",
    "build",
    "coverage",
    "deps",
    "dist",
    "dist-newstyle",
    "elm-stuff",
    "htmlcov",
    "jspm_packages",
    "node_modules",
    "site-packages",
    "target",
    "vendor",
    "venv",
    "virtualenv",
    "zig-cache",
    "zig-out",
    ".DS_Store",
];

/// An entry of the index.
#[derive(Debug)]
pub struct Tracked {
    /// Relative to the top, with slashes.
    pub path: BString,
    /// As git writes it: `100644`, `100755`, `120000`, `160000`.
    pub mode: String,
    /// The object, in hexadecimal.
    pub id: String,
    /// 0, or 1 to 3 in a conflict.
    pub stage: u8,
}

impl Tracked {
    /// Is it a submodule?
    pub fn is_submodule(&self) -> bool {
        self.mode == "160000"
    }
}

/// What lies in a worktree.
#[derive(Debug)]
pub struct Contents {
    /// What is not committed, as numbers.
    pub changes: Changes,
    /// The index, in its order: by path, then stage.
    pub tracked: Vec<Tracked>,
    /// An entry of the index is in a conflict, or marked so that git does not look at its file (assume-unchanged,
    /// skip-worktree): more than HEAD can give back.
    pub marked: bool,
    /// What git ignores: files, and directories with a slash at their end.
    pub ignored: HashSet<BString>,
    /// Directories that are repositories of their own and not tracked, relative to the top.
    pub repositories: Vec<BString>,
    /// Ignored files that are kept, relative to the top.
    pub kept: Vec<BString>,
    /// Ignored files that are too much to be kept, with their sizes, the largest first.
    pub lost: Vec<(BString, u64)>,
}

/// A path below `root` from git's bytes.
pub fn below(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

impl Contents {
    /// Looks at the worktree `root`.
    ///
    /// # Errors
    /// Git fails, or a directory cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let git = |args: &[&str]| Git::in_dir(root).here_only().args(args).read();
        // Neither setting may hide anything or run a program.
        let status = || {
            git(&[
                "-c",
                "core.fsmonitor=false",
                "status",
                "--porcelain=v2",
                "-z",
                "--untracked-files=all",
                "--ignored=matching",
                "--ignore-submodules=none",
                "--no-renames",
            ])
        };
        let (status, tracked) = std::thread::scope(|scope| {
            let status = scope.spawn(status);
            let tracked = git(&["ls-files", "-z", "-v", "--stage"]);
            (status.join(), tracked)
        });
        let status = status
            .map_err(|_| anyhow::anyhow!("git status was not read"))?
            .context("could not look for changes")?;
        let (tracked, marked) = index(&tracked.context("could not read the index")?)?;
        let mut contents = Contents {
            changes: changes::parse(&status)?,
            tracked,
            marked,
            ignored: HashSet::new(),
            repositories: vec![],
            kept: vec![],
            lost: vec![],
        };
        for record in status.split(|byte| *byte == 0) {
            if let Some(path) = record.strip_prefix(b"! ") {
                contents.ignored.insert(path.into());
            } else if let Some(path) = record
                .strip_prefix(b"? ")
                .and_then(|p| p.strip_suffix(b"/"))
            {
                contents.repositories.push(path.into());
            }
        }
        contents.sort_ignored(root)?;
        Ok(contents)
    }

    /// Is there more than HEAD can give back?
    pub fn changed(&self) -> bool {
        let Changes {
            staged,
            modified,
            untracked,
            conflicted,
        } = self.changes;
        staged + modified + untracked + conflicted > 0
    }

    /// Decides which ignored files are kept: the smallest first, none that a tool makes again.
    fn sort_ignored(&mut self, root: &Path) -> Result<()> {
        let mut found = vec![];
        for path in &self.ignored {
            let mut parts = path.split(|b| *b == b'/').filter(|part| !part.is_empty());
            if parts.any(reproducible) {
                continue;
            }
            match path.strip_suffix(b"/") {
                Some(dir) => {
                    ignored_below(root, dir.as_bstr(), &mut found, &mut self.repositories)?;
                }
                None => found.extend(file(root, path.clone())),
            }
        }
        found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let mut sum = 0;
        for (path, size) in found {
            sum += size;
            if sum <= KEEP_BYTES && self.kept.len() < KEEP_FILES {
                self.kept.push(path);
            } else {
                self.lost.push((path, size));
            }
        }
        self.kept.sort();
        self.lost.reverse();
        Ok(())
    }

    /// Work in submodules and in repositories that lie in the worktree: no snapshot of treehop's holds it.
    pub fn unsaved(&self, root: &Path, git_dir: &Path) -> Result<Option<String>> {
        for submodule in self.tracked.iter().filter(|entry| entry.is_submodule()) {
            let dir = below(root, &submodule.path);
            let what = if dir.join(".git").symlink_metadata().is_ok() {
                unsaved(&dir)?
            } else if fs::read_dir(&dir).is_ok_and(|mut names| names.next().is_some()) {
                Some("files, but is not checked out")
            } else {
                None
            };
            if let Some(what) = what {
                return Ok(Some(format!(
                    "its submodule '{}' has {what}",
                    submodule.path
                )));
            }
        }
        // Those of other branches have a git directory here too.
        for module in git_dirs(&git_dir.join("modules")) {
            if unpushed(&module)? {
                let name = module.strip_prefix(git_dir).unwrap_or(&module);
                let message = format!(
                    "its submodule in '{}' has commits that no remote has",
                    name.display()
                );
                return Ok(Some(message));
            }
        }
        for path in &self.repositories {
            if let Some(what) = unsaved(&below(root, path))? {
                return Ok(Some(format!("the repository '{path}' in it has {what}")));
            }
        }
        Ok(None)
    }
}

/// Reads what `git ls-files -z -v --stage` prints; `true`: something is marked.
fn index(output: &[u8]) -> Result<(Vec<Tracked>, bool)> {
    let (mut tracked, mut marked) = (vec![], false);
    for record in output
        .split(|b| *b == 0)
        .filter(|record| !record.is_empty())
    {
        let parsed = record.split_once_str(b"\t").and_then(|(about, path)| {
            let mut about = about.to_str().ok()?.split(' ');
            marked |= about.next()? != "H";
            Some(Tracked {
                path: path.into(),
                mode: about.next()?.into(),
                id: about.next()?.into(),
                stage: about.next()?.parse().ok()?,
            })
        });
        let Some(entry) = parsed else {
            bail!("git ls-files said '{}'", record.as_bstr());
        };
        // What is read and written is below the top.
        let mut parts = entry.path.split(|b| *b == b'/');
        ensure!(
            !parts.any(|part| [&b""[..], b".", b"..", b".git"].contains(&part)),
            "the index is damaged: it holds '{}'",
            entry.path
        );
        tracked.push(entry);
    }
    Ok((tracked, marked))
}

/// Is `name` that of something that a tool makes again?
pub fn reproducible(name: &[u8]) -> bool {
    let ends = [&b".pyc"[..], b".egg-info"];
    REPRODUCIBLE.iter().any(|known| known.as_bytes() == name)
        || ends.iter().any(|end| name.ends_with(end))
}

/// Does `dir` say itself that it can be made again: a virtual environment, or a cache (cachedir tagging)?
fn says_reproducible(dir: &Path) -> bool {
    ["pyvenv.cfg", "CACHEDIR.TAG"]
        .iter()
        .any(|name| dir.join(name).is_file())
}

/// The file or link at `path` with its size; anything else (a socket) holds nothing.
fn file(root: &Path, path: BString) -> Option<(BString, u64)> {
    let meta = below(root, &path).symlink_metadata().ok()?;
    (meta.is_file() || meta.is_symlink()).then_some((path, meta.len()))
}

/// The files in an ignored directory, and the repositories.
fn ignored_below(
    root: &Path,
    dir: &BStr,
    found: &mut Vec<(BString, u64)>,
    repositories: &mut Vec<BString>,
) -> Result<()> {
    let path = below(root, dir);
    if says_reproducible(&path) {
        return Ok(());
    }
    if path.join(".git").symlink_metadata().is_ok() {
        repositories.push(dir.into());
        return Ok(());
    }
    let unreadable = || format!("could not read '{}'", path.display());
    for entry in fs::read_dir(&path).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name();
        if reproducible(name.as_bytes()) {
            continue;
        }
        let path: BString = [dir.as_bytes(), b"/", name.as_bytes()].concat().into();
        if entry.file_type().with_context(unreadable)?.is_dir() {
            ignored_below(root, path.as_bstr(), found, repositories)?;
        } else {
            found.extend(file(root, path));
        }
    }
    Ok(())
}

/// What the checkout `dir` of another repository holds that nobody else has.
fn unsaved(dir: &Path) -> Result<Option<&'static str>> {
    let status = Git::in_dir(dir)
        .here_only()
        .args([
            "-c",
            "core.fsmonitor=false",
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=all",
            "--ignore-submodules=none",
        ])
        .read()
        .with_context(|| format!("could not look for changes in '{}'", dir.display()))?;
    if !status.is_empty() {
        return Ok(Some("changes"));
    }
    let git_dir = Git::in_dir(dir)
        .here_only()
        .args(["rev-parse", "--absolute-git-dir"])
        .read()?;
    let git_dir = PathBuf::from(OsStr::from_bytes(git_dir.trim_end_with(|c| c == '\n')));
    Ok(unpushed(&git_dir)?.then_some("commits that no remote has"))
}

/// Does the repository hold a commit, a stash included, that it did not get from a remote?
fn unpushed(git_dir: &Path) -> Result<bool> {
    // `--all` is HEAD too, and nothing in a repository without a commit.
    Git::in_dir(git_dir)
        .here_only()
        .env("GIT_DIR", git_dir)
        .args(["rev-list", "-n1", "--all", "--not", "--remotes", "--tags"])
        .read()
        .map(|commit| !commit.is_empty())
        .with_context(|| format!("could not look for commits in '{}'", git_dir.display()))
}

/// The git directories below `dir`, which hold those of nested submodules in their `modules`.
fn git_dirs(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.join("objects").is_dir() && path.join("HEAD").is_file() {
            found.extend(git_dirs(&path.join("modules")));
            found.push(path);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // A submodule's name may hold slashes.
            found.extend(git_dirs(&path));
        }
    }
    found
}
