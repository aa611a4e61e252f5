//! `.worktreeinclude`: copying what git ignores and a worktree needs all the same, such as `.env`.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use gix::bstr::ByteSlice;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::run::say;
use super::{Status, Step};
use crate::git::Git;
use crate::repo::entry::Entry;

/// The file that names them, in the root of the main worktree. Claude Code reads it too.
const NAME: &str = ".worktreeinclude";

/// What became of one file.
#[derive(Debug, PartialEq, Eq)]
enum Copied {
    Done,
    /// Something is there already, and stays.
    Kept,
    /// This part of its path is no directory in the new worktree.
    Blocked(PathBuf),
}

/// Does the worktree at `from` name anything?
pub fn is_wanted(from: &Path) -> bool {
    from.join(NAME).is_file()
}

/// Copies from the worktree at `from` to that of `to`.
pub fn step(from: &Path, to: &Entry) -> Step {
    let began = Instant::now();
    let copied = copy(from, to);
    let (status, reason) = match copied {
        Ok(reason) => (Status::Done, reason),
        Err(e) => (Status::Failed, format!("{e:#}")),
    };
    say(&format!("{NAME}: {reason}"));
    let mut step = Step::without_command("copy", status, reason);
    step.seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    step
}

/// Copies and says what.
fn copy(from: &Path, to: &Entry) -> Result<String> {
    let temporary = to.git_dir.join("treehop-copy");
    let (mut done, mut kept) = (0, 0);
    for relative in files(from)? {
        let shown = relative.display();
        match copy_one(&from.join(&relative), &to.path, &relative, &temporary) {
            Ok(Copied::Done) => done += 1,
            Ok(Copied::Kept) => kept += 1,
            Ok(Copied::Blocked(at)) => {
                let at = at.strip_prefix(&to.path).unwrap_or(&at);
                say(&format!(
                    "{NAME}: '{shown}' is not copied: '{}' is no directory here",
                    at.display()
                ));
            }
            // Gone since git listed it.
            Err(e) if e.kind() == ErrorKind::NotFound && !exists(&from.join(&relative)) => {}
            Err(e) => {
                let _ = fs::remove_file(&temporary);
                anyhow::bail!("could not copy '{shown}': {e}");
            }
        }
    }
    let files = if done == 1 { "file" } else { "files" };
    Ok(match kept {
        0 => format!("{done} {files} copied"),
        _ => format!("{done} {files} copied, {kept} kept that were there"),
    })
}

/// The files that both `.worktreeinclude` names and git ignores, relative to `from`. Git itself does the matching.
fn files(from: &Path) -> Result<Vec<PathBuf>> {
    let listed = |rules: &str| {
        let list = ["ls-files", "--others", "--ignored", "-z", rules];
        Git::in_dir(from).here_only().args(list).read()
    };
    let named = listed(&format!("--exclude-from={NAME}"))?;
    if named.is_empty() {
        return Ok(vec![]);
    }
    let ignored = listed("--exclude-standard")?;
    let ignored: HashSet<&[u8]> = ignored.split_str(b"\0").collect();
    // A name that ends so is another repository, such as a worktree inside this one.
    let file = |path: &&[u8]| !path.is_empty() && !path.ends_with(b"/") && ignored.contains(path);
    let files = named.split_str(b"\0").filter(file);
    Ok(files.map(|path| OsStr::from_bytes(path).into()).collect())
}

/// Copies `source` to `relative` below `top`: whole or not at all, over nothing, and through no symbolic link.
fn copy_one(source: &Path, top: &Path, relative: &Path, temporary: &Path) -> io::Result<Copied> {
    let kind = source.symlink_metadata()?.file_type();
    let target = top.join(relative);
    if let Some(blocked) = folders(source, top, relative)? {
        return Ok(Copied::Blocked(blocked));
    }
    if exists(&target) {
        return Ok(Copied::Kept);
    }
    let copied = if kind.is_symlink() {
        symlink(fs::read_link(source)?, &target)
    } else if !kind.is_file() {
        return Ok(Copied::Kept);
    } else {
        match put(source, &target, temporary) {
            // The git directory is on another file system: beside the file, then, under a name that a next run takes.
            Err(e) if e.kind() == ErrorKind::CrossesDevices => {
                fs::remove_file(temporary)?;
                let mut name = OsStr::new(".treehop-copy-").to_owned();
                name.push(target.file_name().unwrap_or_default());
                let beside = target.with_file_name(name);
                put(source, &target, &beside).inspect_err(|_| {
                    let _ = fs::remove_file(&beside);
                })
            }
            other => other,
        }
    };
    match copied {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(temporary);
            Ok(Copied::Kept)
        }
        other => other.map(|()| Copied::Done),
    }
}

/// Copies by way of `temporary`, so that a kill leaves no half of a file behind that would never be overwritten.
fn put(source: &Path, target: &Path, temporary: &Path) -> io::Result<()> {
    match fs::remove_file(temporary) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    // Takes the mode along, and shares the blocks where the file system can.
    fs::copy(source, temporary)?;
    match renameat_with(CWD, temporary, CWD, target, RenameFlags::NOREPLACE) {
        // A file system that cannot rename so.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(temporary, target)?;
            fs::remove_file(temporary)
        }
        other => Ok(other?),
    }
}

/// Makes the directories above `top/relative`, with the modes that they have above `source`. Returns what stands in the
/// way: a symbolic link that the branch holds could lead anywhere.
fn folders(source: &Path, top: &Path, relative: &Path) -> io::Result<Option<PathBuf>> {
    let mut above: Vec<_> = relative
        .ancestors()
        .skip(1)
        .zip(source.ancestors().skip(1))
        .collect();
    above.retain(|(relative, _)| !relative.as_os_str().is_empty());
    for (relative, original) in above.into_iter().rev() {
        let folder = top.join(relative);
        match folder.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Ok(Some(folder)),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                fs::create_dir(&folder)?;
                let mode = original.metadata()?.permissions().mode() | 0o700;
                fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(None)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
