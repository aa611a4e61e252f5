//! Finding the repository that a directory belongs to.
//!
//! The layouts that nearly everybody has are read directly, in a few file reads. Whatever is rare or touches
//! safety (variables such as `GIT_DIR`, a bare repository, somebody else's files, another file system) is asked of
//! git itself, so that treehop opens and refuses what git opens and refuses.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::error::{Exit, Failure};
use crate::git;

/// Where a repository and the worktree that one stands in are.
#[derive(Debug)]
pub struct Found {
    /// The git directory of this worktree: `.git`, or `.git/worktrees/ID`.
    pub git_dir: PathBuf,
    /// The git directory that all worktrees share, a real path.
    pub common_dir: PathBuf,
    /// The top of this worktree; `None` in a bare repository or inside a git directory.
    pub top: Option<PathBuf>,
}

/// Variables that change where git looks; with one of them set, git is asked.
const STEERING: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_TEST_ASSUME_DIFFERENT_OWNER",
];

/// The repository that `dir` (absolute) lies in.
///
/// # Errors
/// [`Exit::NotFound`] outside any repository, [`Exit::Refused`] where git refuses it as somebody else's, where it was
/// committed into another one, or in the copy of a worktree.
pub fn discover(dir: &Path) -> Result<Found> {
    let steered = STEERING.iter().any(|name| std::env::var_os(name).is_some());
    let read = if steered { None } else { read(dir)? };
    let found = if let Some(found) = read {
        found
    } else {
        let found = ask_git(dir)?;
        // Whoever names one means it.
        if std::env::var_os("GIT_DIR").is_none() {
            not_committed(&found.git_dir)?;
            not_committed(&found.common_dir)?;
        }
        found
    };
    no_copy(&found)?;
    Ok(found)
}

/// Git tracks nothing that is called `.git`, but a bare repository has another name: whoever commits one into theirs
/// would decide by its configuration what is a worktree here, and what is tracked.
fn not_committed(git_dir: &Path) -> Result<()> {
    let dot_git = |part: &OsStr| part.eq_ignore_ascii_case(".git");
    let around = git_dir.ancestors().skip(1);
    let around = around.filter(|dir| dir.join(".git").symlink_metadata().is_ok());
    let (false, Some(outer)) = (git_dir.iter().any(dot_git), around.into_iter().next()) else {
        return Ok(());
    };
    let below = git_dir.strip_prefix(outer).unwrap_or(git_dir);
    let mut pattern = OsString::from(":(literal,icase)");
    pattern.push(below);
    let tracked = git::Git::looking(outer)
        .args(["ls-files", "-z", "--"])
        .args([pattern])
        .read();
    if tracked.is_ok_and(|tracked| tracked.is_empty()) {
        return Ok(());
    }
    let message = format!(
        "'{}' is a repository that was committed into '{}'",
        git_dir.display(),
        outer.display()
    );
    Err(Failure::new(Exit::Refused, message).into())
}

/// In the copy of a worktree, git means the one that was copied: whoever removes "this one" would lose that.
fn no_copy(found: &Found) -> Result<()> {
    let (Some(top), true) = (&found.top, found.git_dir != found.common_dir) else {
        return Ok(());
    };
    let listed = pointer(&found.git_dir.join("gitdir"), b"");
    let Some(listed) = listed.as_deref().and_then(Path::parent) else {
        return Ok(());
    };
    let id = |dir: &Path| dir.metadata().map(|meta| (meta.dev(), meta.ino()));
    if listed == top {
        return Ok(());
    }
    match (id(top), id(listed)) {
        (Ok(here), Ok(there)) if here != there => {
            let message = format!(
                "'{}' is a copy of the worktree '{}'",
                top.display(),
                listed.display()
            );
            let hint = format!("cd {}", crate::shell::quoted(listed));
            Err(Failure::new(Exit::Refused, message).hint(hint).into())
        }
        _ => Ok(()),
    }
}

/// `None`: git has to decide.
fn read(dir: &Path) -> Result<Option<Found>> {
    let device = dir
        .metadata()
        .with_context(|| format!("could not read '{}'", dir.display()))?
        .dev();
    let own = rustix::process::geteuid().as_raw();
    for top in dir.ancestors() {
        let at = top.metadata()?;
        let dot_git = top.join(".git");
        let Ok(meta) = dot_git.symlink_metadata() else {
            if at.dev() != device || looks_bare(top) {
                return Ok(None);
            }
            continue;
        };
        // `dir` is a real path, and so is what lies above it.
        let git_dir = if meta.is_dir() {
            Some(dot_git)
        } else if meta.is_file() {
            pointer(&dot_git, b"gitdir: ").and_then(|target| target.canonicalize().ok())
        } else {
            None
        };
        let Some(git_dir) = git_dir else {
            return Ok(None);
        };
        let Some(common_dir) = common(&git_dir) else {
            return Ok(None);
        };
        // The shells read it at every prompt, and git does: a pipe there would keep them waiting for ever.
        let head = git_dir.join("HEAD");
        if head.metadata().is_ok_and(|meta| !meta.is_file()) {
            let message = format!("no repository here: '{}' is not a file", head.display());
            return Err(Failure::new(Exit::NotFound, message).into());
        }
        let owners = [
            at.uid(),
            meta.uid(),
            git_dir.metadata().map_or(u32::MAX, |m| m.uid()),
        ];
        if at.dev() != device
            || owners.iter().any(|uid| *uid != own)
            || !common_dir.join("objects").is_dir()
        {
            return Ok(None);
        }
        return Ok(Some(Found {
            git_dir,
            common_dir,
            top: Some(top.into()),
        }));
    }
    Ok(None)
}

/// The real path of the git directory that all worktrees share, for the one with the real path `git_dir`.
fn common(git_dir: &Path) -> Option<PathBuf> {
    let Some(named) = pointer(&git_dir.join("commondir"), b"") else {
        return Some(git_dir.into());
    };
    match git_dir.ancestors().nth(2) {
        // What git writes; above a real path there is no link to follow.
        Some(above) if named == git_dir.join("../..") => Some(above.into()),
        _ => named.canonicalize().ok(),
    }
}

/// What a `.git` file, `commondir` or `gitdir` names, relative to the directory that the file is in.
pub fn pointer(file: &Path, prefix: &[u8]) -> Option<PathBuf> {
    let content = crate::file::small(file).ok()?;
    let target = content.strip_prefix(prefix)?;
    let target = target.strip_suffix(b"\n").unwrap_or(target);
    let target = target.strip_suffix(b"\r").unwrap_or(target);
    (!target.is_empty()).then(|| {
        file.parent()
            .unwrap_or(file)
            .join(OsStr::from_bytes(target))
    })
}

fn looks_bare(dir: &Path) -> bool {
    dir.join("HEAD").symlink_metadata().is_ok()
        && (dir.join("objects").is_dir() || dir.join("commondir").is_file())
}

fn real(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .with_context(|| format!("could not read '{}'", path.display()))
}

fn ask_git(dir: &Path) -> Result<Found> {
    let ask = |what: &[&str]| {
        git::Git::in_dir(dir)
            .args(["rev-parse", "--path-format=absolute"])
            .args(what)
            .read()
            .map(|mut out| {
                out.truncate(out.trim_ascii_end().len());
                PathBuf::from(OsString::from_vec(out))
            })
    };
    let git_dir = ask(&["--absolute-git-dir"]).map_err(|e| explain(e, dir))?;
    let common_dir = ask(&["--git-common-dir"]).map_err(|e| explain(e, dir))?;
    // An old git says `--path-format=absolute` first, since it does not know that.
    if !git_dir.is_absolute() {
        git::not_too_old()?;
    }
    // Fails in a bare repository and inside a git directory: there is no top then.
    let top = ask(&["--show-toplevel"])
        .ok()
        .and_then(|top| real(&top).ok());
    // With GIT_DIR alone, git calls the current directory the top, which says nothing about the main worktree.
    let top = top.filter(|_| std::env::var_os("GIT_DIR").is_none());
    Ok(Found {
        git_dir: real(&git_dir)?,
        common_dir: real(&common_dir)?,
        top,
    })
}

/// Git's own refusal as one line of ours.
fn explain(error: anyhow::Error, dir: &Path) -> anyhow::Error {
    if error.is::<Failure>() {
        return error;
    }
    let said = error
        .downcast_ref::<git::Failed>()
        .map(|f| f.stderr.as_str())
        .unwrap_or_default();
    if let Some(at) = said.find("dubious ownership") {
        let owner = said[at..].split('\'').nth(1).unwrap_or_default();
        return Failure::new(
            Exit::Refused,
            format!("'{owner}' belongs to somebody else, and git refuses it too"),
        )
        .hint(format!(
            "git config --global --add safe.directory '{owner}'"
        ))
        .into();
    }
    if said.contains("safe.bareRepository") {
        let message = format!(
            "'{}' is a bare repository, which safe.bareRepository forbids",
            dir.display()
        );
        return Failure::new(Exit::Refused, message)
            .hint("git config --global safe.bareRepository all")
            .into();
    }
    match said.lines().next() {
        Some(line)
            if !line.contains("not a git repository")
                || line.contains("not a git repository: ") =>
        {
            let line = line.strip_prefix("fatal: ").unwrap_or(line);
            Failure::new(Exit::NotFound, format!("no repository here: {line}")).into()
        }
        Some(_) => Failure::new(Exit::NotFound, "not in a git repository")
            .hint("cd to one; wcd REPO: goes to one used before")
            .into(),
        None => error,
    }
}
