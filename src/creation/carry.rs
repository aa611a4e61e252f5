//! Taking uncommitted changes along into another worktree: what is staged stays staged, and the worktree that they come
//! from keeps them. As with `git switch`, a file that differs between the two commits cannot be carried.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::interrupt;

/// What is not committed in a worktree.
#[derive(Debug)]
pub struct Changes {
    from: PathBuf,
    head: Option<String>,
    /// Lines for `git update-index --index-info`.
    staged: Vec<u8>,
    /// Files that are not as in HEAD, untracked ones among them.
    files: Vec<BString>,
}

impl Changes {
    /// Reads them; nothing is written, not even the index.
    ///
    /// # Errors
    /// [`Exit::Refused`] in the middle of a conflict; or git fails.
    pub fn read(worktree: &Path) -> Result<Self> {
        let status = Git::in_dir(worktree)
            .here_only()
            .args(["status", "--porcelain=v2", "--branch", "-z"])
            .args(["--untracked-files=all", "--no-renames"])
            .args(["--ignore-submodules=dirty", "--", ":/"])
            .read()
            .context("could not read the changes")?;
        let mut changes = Changes {
            from: worktree.into(),
            head: None,
            staged: vec![],
            files: vec![],
        };
        for line in status.split_str(b"\0") {
            changes.line(line)?;
        }
        Ok(changes)
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        let Some((kind, rest)) = line.split_once_str(b" ") else {
            return Ok(());
        };
        match kind {
            b"#" => {
                let id = rest.strip_prefix(b"branch.oid ").unwrap_or_default();
                if id.len() >= 40 {
                    self.head = Some(id.to_str_lossy().into_owned());
                }
            }
            // XY, submodule, modes of HEAD, index and working tree, ids of HEAD and index, path.
            b"1" => {
                let fields: Vec<_> = rest.splitn_str(8, b" ").collect();
                let [xy, _, _, mode, _, _, id, path] = fields.as_slice() else {
                    anyhow::bail!("git status says '{}'", line.as_bstr());
                };
                if !xy.starts_with(b".") {
                    self.staged
                        .extend([mode, &b" "[..], id, b"\t", path, b"\0"].concat());
                }
                self.files.push((*path).into());
            }
            b"u" => {
                return Err(Failure::new(
                    Exit::Refused,
                    "there are conflicts, which cannot be carried",
                )
                .hint("git status")
                .into());
            }
            // A directory is a repository of its own: a worktree inside this one, say.
            b"?" if !rest.ends_with(b"/") => self.files.push(rest.into()),
            _ => {}
        }
        Ok(())
    }

    /// Makes sure that they fit on `commit`.
    ///
    /// # Errors
    /// [`Exit::Refused`] with the files that differ; or git fails.
    pub fn fit(&self, commit: Option<&str>) -> Result<()> {
        if self.head.as_deref() == commit || self.files.is_empty() {
            return Ok(());
        }
        let (Some(head), Some(commit)) = (self.head.as_deref(), commit) else {
            return Err(
                Failure::new(Exit::Refused, "one of the two has no commit yet")
                    .hint("git commit")
                    .into(),
            );
        };
        let differing = Git::in_dir(&self.from)
            .here_only()
            .args(["diff-tree", "-r", "-z", "--name-only", "--no-renames"])
            .args([head, commit, "--"])
            .read()
            .context("could not compare the commits")?;
        let differing: Vec<&[u8]> = differing
            .split_str(b"\0")
            .filter(|path| !path.is_empty())
            .collect();
        // A file in the one may be a directory in the other.
        let below =
            |a: &[u8], b: &[u8]| a.strip_prefix(b).is_some_and(|rest| rest.starts_with(b"/"));
        let clash = |file: &&BString| {
            let file = file.as_bytes();
            differing
                .iter()
                .any(|path| *path == file || below(path, file) || below(file, path))
        };
        let clashes: Vec<_> = self.files.iter().filter(clash).collect();
        if clashes.is_empty() {
            return Ok(());
        }
        let message = "these changes do not fit on that commit:";
        Err(Failure::new(Exit::Refused, message)
            .listing(clashes)
            .hint("without --carry, or from HEAD")
            .into())
    }

    /// Puts them into the worktree at `to`, which is as its commit is.
    ///
    /// # Errors
    /// A file cannot be copied, or git fails.
    pub fn put(&self, to: &Path) -> Result<()> {
        // What has to go may stand where something has to come.
        let (come, go): (Vec<_>, Vec<_>) = self
            .files
            .iter()
            .map(|file| Path::new(OsStr::from_bytes(file)))
            .partition(|file| self.from.join(file).symlink_metadata().is_ok());
        for file in go {
            let gone = to.join(file);
            match fs::remove_file(&gone) {
                Err(e) if to.join(file).symlink_metadata().is_ok() && !gone.is_dir() => {
                    return Err(e)
                        .with_context(|| format!("could not remove '{}'", gone.display()));
                }
                _ => {}
            }
            // Git has no empty directories either.
            let above = file
                .ancestors()
                .skip(1)
                .filter(|a| !a.as_os_str().is_empty());
            for above in above {
                if fs::remove_dir(to.join(above)).is_err() {
                    break;
                }
            }
        }
        for file in come {
            interrupt::check()?;
            copy(&self.from, to, file)
                .with_context(|| format!("could not copy '{}'", file.display()))?;
        }
        if self.staged.is_empty() {
            return Ok(());
        }
        Git::in_dir(to)
            .here_only()
            .args(["update-index", "-z", "--index-info"])
            .feed(|to| Ok(to.write_all(&self.staged)?))
            .map(drop)
            .context("could not stage the changes")
    }
}

/// Copies a file or a link with its mode, and the directories above it; never through a link.
fn copy(from: &Path, to: &Path, file: &Path) -> Result<()> {
    let source = from.join(file);
    let target = to.join(file);
    let mut above: Vec<_> = file.ancestors().skip(1).collect();
    above.pop();
    for directory in above.into_iter().rev().map(|above| to.join(above)) {
        match directory.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                fs::remove_file(&directory)?;
                fs::create_dir(&directory)?;
            }
            Err(_) => fs::create_dir(&directory)?,
        }
    }
    let meta = source.symlink_metadata()?;
    if meta.is_dir() {
        // A submodule, or a repository in a file's place: the index has what can be had of it.
        return Ok(());
    }
    match target.symlink_metadata() {
        Ok(there) if there.is_dir() => fs::remove_dir_all(&target)?,
        Ok(_) => fs::remove_file(&target)?,
        Err(_) => {}
    }
    if meta.is_symlink() {
        symlink(fs::read_link(&source)?, &target)?;
    } else {
        fs::copy(&source, &target)?;
    }
    Ok(())
}
