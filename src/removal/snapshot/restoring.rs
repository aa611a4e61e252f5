//! Putting back what was kept of a worktree.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use gix::bstr::{BString, ByteSlice};

use super::{ADMIN, Removed, copy, kept_dir};
use crate::git::Git;
use crate::removal::contents::below;

/// Puts what was kept into `root`, a fresh worktree of `removed.head` with nothing checked out, whose own git
/// directory is `git_dir`.
///
/// # Errors
/// Git fails, or a file cannot be written.
pub fn restore(common_dir: &Path, removed: &Removed, root: &Path, git_dir: &Path) -> Result<()> {
    if removed.full {
        restore_full(common_dir, removed, root, git_dir)?;
    } else if removed.head.is_some() {
        Git::changing(root)
            .args(["reset", "--hard", "--quiet", "--no-recurse-submodules"])
            .run()
            .context("could not check out the files")?;
    }
    let kept = kept_dir(common_dir, &removed.id);
    let mut directories = vec![kept.clone()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else if let Ok(relative) = path.strip_prefix(&kept) {
                copy(&path, &root.join(relative))?;
            }
        }
    }
    Ok(())
}

/// A file of the snapshot.
struct Kept {
    path: PathBuf,
    /// As git writes it.
    kind: BString,
    /// Its permissions, where a tree cannot hold them: the user's mask does not apply.
    exact: Option<u32>,
    id: BString,
}

fn restore_full(common_dir: &Path, removed: &Removed, root: &Path, git_dir: &Path) -> Result<()> {
    // A fresh worktree may have these already, some from the one that git ran in.
    for name in ADMIN.into_iter().chain(["index"]) {
        let _ = fs::remove_file(git_dir.join(name));
    }
    // Half an index would be a damaged one.
    let new_index = git_dir.join("index.treehop");
    let listing = Git::at(common_dir)
        .args(["ls-tree", "-r", "-z", "--full-tree", &removed.reference()])
        .read()?;
    let (mut files, mut modes) = (vec![], HashMap::new());
    for line in listing.split(|b| *b == 0).filter(|line| !line.is_empty()) {
        let (about, path) = line
            .split_once_str(b"\t")
            .context("git ls-tree said something else")?;
        let mut about = about.split(|b| *b == b' ').map(BString::from);
        let (kind, id) = (about.next().unwrap_or_default(), about.nth(1));
        let id = id.unwrap_or_default();
        let path = if path == b"modes" {
            modes = exact_modes(common_dir, root, &id)?;
            continue;
        } else if let Some(path) = path.strip_prefix(b"files/") {
            safe(root, path)?
        } else if let Some(path) = path.strip_prefix(b"admin/") {
            safe(git_dir, path)?
        } else if path == b"index" {
            new_index.clone()
        } else {
            continue;
        };
        files.push(Kept {
            path,
            kind,
            exact: None,
            id,
        });
    }
    for kept in &mut files {
        kept.exact = modes.remove(&kept.path);
    }
    extract(common_dir, &files)?;
    match fs::rename(&new_index, git_dir.join("index")) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e).context("could not write the index"),
        _ => Ok(()),
    }
}

/// Reads the list of permissions that a tree cannot hold.
fn exact_modes(common_dir: &Path, root: &Path, id: &BString) -> Result<HashMap<PathBuf, u32>> {
    let list = Git::at(common_dir)
        .args(["cat-file", "blob", &id.to_str_lossy()])
        .read()?;
    let mut modes = HashMap::new();
    for line in list.split(|b| *b == 0) {
        if let Some((mode, path)) = line.split_once_str(b" ") {
            let mode = u32::from_str_radix(mode.to_str()?, 8)?;
            modes.insert(safe(root, path)?, mode & 0o777);
        }
    }
    Ok(modes)
}

/// Writes the files.
fn extract(common_dir: &Path, files: &[Kept]) -> Result<()> {
    let mut child = Git::at(common_dir).args(["cat-file", "--batch"]).start()?;
    let (Some(mut ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("git has no pipes");
    };
    let mut answers = BufReader::with_capacity(64 * 1024, answers);
    let done = std::thread::scope(|scope| {
        // From a thread of its own, since git stops reading while nobody reads from it.
        scope.spawn(move || {
            let ids = files.iter().map(|kept| [&kept.id[..], b"\n"].concat());
            ask.write_all(&ids.collect::<Vec<_>>().concat())
        });
        let done = files
            .iter()
            .try_for_each(|kept| extract_one(&mut answers, kept));
        if done.is_err() {
            // Else the thread would wait for ever.
            let _ = child.kill();
        }
        done
    });
    child.wait()?;
    done
}

/// Writes the object that git answers with next.
fn extract_one(answers: &mut impl BufRead, kept: &Kept) -> Result<()> {
    let failed = || format!("could not write '{}'", kept.path.display());
    let mut header = vec![];
    answers.read_until(b'\n', &mut header)?;
    let size: u64 = header
        .trim_ascii()
        .rsplit(|b| *b == b' ')
        .next()
        .and_then(|size| size.to_str().ok()?.parse().ok())
        .with_context(|| format!("git lacks the object {}", kept.id))?;
    let mut content = answers.take(size);
    if let Some(parent) = kept.path.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    if kept.kind == "120000" {
        let mut target = vec![];
        content.read_to_end(&mut target)?;
        symlink(OsStr::from_bytes(&target), &kept.path).with_context(failed)?;
    } else {
        let usual = if kept.kind == "100755" { 0o777 } else { 0o666 };
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(kept.exact.unwrap_or(usual))
            .open(&kept.path)
            .with_context(failed)?;
        let written = std::io::copy(&mut content, &mut file).with_context(failed)?;
        ensure!(written == size, "git ended early");
        if let Some(mode) = kept.exact {
            file.set_permissions(fs::Permissions::from_mode(mode))
                .with_context(failed)?;
        }
    }
    answers.read_exact(&mut [0])?;
    Ok(())
}

/// `path` below `root`. A snapshot that treehop did not write leads nowhere else.
fn safe(root: &Path, path: &[u8]) -> Result<PathBuf> {
    let bad =
        |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.eq_ignore_ascii_case(b".git");
    ensure!(
        !path.split(|b| *b == b'/').any(bad),
        "the snapshot holds the path '{}'",
        path.as_bstr()
    );
    Ok(below(root, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_of_a_snapshot_leads_out() {
        for path in [
            "../a",
            "a/../../b",
            "a//b",
            "/etc/x",
            ".git/hooks/x",
            "a/.GIT/x",
            "",
        ] {
            assert!(safe(Path::new("/w"), path.as_bytes()).is_err(), "{path}");
        }
        assert_eq!(
            safe(Path::new("/w"), b"a/.github").unwrap(),
            Path::new("/w/a/.github")
        );
    }
}
