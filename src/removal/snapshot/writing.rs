//! Keeping what is in a worktree, as the stream that `git fast-import` reads.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::hash::Kind;

use super::{ADMIN, Removed, copy, kept_dir};
use crate::git::Git;
use crate::removal::contents::{Contents, Tracked, below};

/// A file up to this size is read whole to see whether git has it already, in bytes.
const WHOLE: u64 = 32 * 1024 * 1024;

/// Keeps the worktree: its ignored files, and all else under its ref.
///
/// # Errors
/// A file cannot be read or is being written to, or git fails.
pub fn write(
    common_dir: &Path,
    git_dir: &Path,
    removed: &Removed,
    contents: &Contents,
) -> Result<()> {
    keep_ignored(common_dir, removed, contents)?;
    let message = format!("Removed {}\n\n{}", removed.id, removed.record().encode());
    match &removed.head {
        Some(head) if !removed.full => write_plain(common_dir, removed, head, &message),
        _ => Git::changing(common_dir)
            .args(["fast-import", "--quiet", "--done", "--date-format=raw"])
            .feed(|to| write_full(to, git_dir, removed, contents, &message))
            .map(drop),
    }
    .context("could not keep what is there")
}

/// A commit of what is checked out.
fn write_plain(common_dir: &Path, removed: &Removed, head: &str, message: &str) -> Result<()> {
    let commit = Git::changing(common_dir)
        .own(removed.time.as_second())
        .args(["commit-tree", "-p", head, "-F", "-"])
        .args([format!("{head}^{{tree}}")])
        .feed(|to| {
            to.write_all(message.as_bytes())
                .context("git stopped reading")
        })?;
    let commit = commit.trim_ascii().to_str()?;
    // The empty old value: it must not be there yet.
    Git::changing(common_dir)
        .args(["update-ref", &removed.reference(), commit, ""])
        .run()
}

/// All of it, for `git fast-import`.
fn write_full(
    to: &mut dyn Write,
    git_dir: &Path,
    removed: &Removed,
    contents: &Contents,
    message: &str,
) -> Result<()> {
    let files = files(&removed.path, contents)?;
    let mut stream = Stream(to);
    stream.line(&format!("commit {}", removed.reference()))?;
    let seconds = removed.time.as_second();
    stream.line(&format!("committer treehop <treehop> {seconds} +0000"))?;
    stream.data(message.as_bytes())?;
    if let Some(head) = &removed.head {
        stream.line(&format!("from {head}\ndeleteall"))?;
    }
    let mut modes = vec![];
    let mut tracked = contents.tracked.iter().peekable();
    for path in &files {
        while tracked.next_if(|entry| entry.path < *path).is_some() {}
        let entry = tracked.peek().filter(|entry| entry.path == *path);
        let known = entry.map(|entry| entry.id.as_str());
        let file = below(&removed.path, path);
        let mode = stream.file(&file, &[b"files/", &path[..]].concat(), known)?;
        if ![0o644, 0o755].contains(&mode) {
            modes.extend([format!("{mode:o} ").as_bytes(), path, b"\0"].concat());
        }
    }
    if !modes.is_empty() {
        stream.inline("100644", b"modes", &modes)?;
    }
    for entry in &contents.tracked {
        let path = [format!("staged/{}/", entry.stage).as_bytes(), &entry.path].concat();
        stream.known(&entry.mode, &path, &entry.id)?;
    }
    stream.file_if_there(&git_dir.join("index"), b"index")?;
    let names = fs::read_dir(git_dir)?
        .flatten()
        .map(|file| file.file_name());
    let shared = names.filter(|name| name.as_bytes().starts_with(b"sharedindex."));
    for name in ADMIN.map(Into::into).into_iter().chain(shared) {
        let path = [b"admin/", name.as_bytes()].concat();
        stream.file_if_there(&git_dir.join(&name), &path)?;
    }
    stream.line("done")
}

/// What fast-import reads.
struct Stream<'a>(&'a mut dyn Write);

impl Stream<'_> {
    fn line(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.0, "{line}")?)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<()> {
        writeln!(self.0, "data {}", bytes.len())?;
        self.0.write_all(bytes)?;
        self.line("")
    }

    fn inline(&mut self, mode: &str, path: &[u8], bytes: &[u8]) -> Result<()> {
        self.known(mode, path, "inline")?;
        self.data(bytes)
    }

    /// A file whose object git has.
    fn known(&mut self, mode: &str, path: &[u8], id: &str) -> Result<()> {
        self.line(&format!("M {mode} {id} {}", quoted(path)))
    }

    fn file_if_there(&mut self, file: &Path, path: &[u8]) -> Result<()> {
        if file.is_file() {
            self.file(file, path, None)?;
        }
        Ok(())
    }

    /// One file or link, or only the name of the object where git has it already (`known`). Returns the permissions.
    fn file(&mut self, file: &Path, path: &[u8], known: Option<&str>) -> Result<u32> {
        let unreadable = || format!("could not read '{}'", file.display());
        let meta = file.symlink_metadata().with_context(unreadable)?;
        if meta.is_symlink() {
            let target = fs::read_link(file).with_context(unreadable)?;
            self.inline("120000", path, target.as_os_str().as_bytes())?;
            return Ok(0o644);
        }
        let permissions = meta.permissions().mode() & 0o777;
        let executable = permissions & 0o100 != 0;
        let mode = if executable { "100755" } else { "100644" };
        let mut open = File::open(file).with_context(unreadable)?;
        if meta.len() <= WHOLE {
            let mut bytes = vec![];
            open.read_to_end(&mut bytes).with_context(unreadable)?;
            match known.filter(|id| is_blob(id, &bytes)) {
                Some(id) => self.known(mode, path, id)?,
                None => self.inline(mode, path, &bytes)?,
            }
            return Ok(permissions);
        }
        let size = meta.len();
        self.known(mode, path, "inline")?;
        self.line(&format!("data {size}"))?;
        let copied = std::io::copy(&mut (&mut open).take(size), self.0).with_context(unreadable)?;
        let beyond = open.read(&mut [0]).with_context(unreadable)?;
        ensure!(
            copied == size && beyond == 0,
            "'{}' is being written to",
            file.display()
        );
        self.line("")?;
        Ok(permissions)
    }
}

/// Is `id` that of a file with this content? Of other kinds of hashes than SHA-1, git finds out itself what it has.
fn is_blob(id: &str, bytes: &[u8]) -> bool {
    let own = gix::objs::compute_hash(Kind::Sha1, gix::objs::Kind::Blob, bytes);
    matches!((own, ObjectId::from_hex(id.as_bytes())), (Ok(own), Ok(id)) if own == id)
}

/// A path as fast-import reads it.
fn quoted(path: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::from("\"");
    for byte in path {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text + "\""
}

/// The files and links of a worktree that git does not ignore, sorted; nothing of the repositories in it.
fn files(root: &Path, contents: &Contents) -> Result<Vec<BString>> {
    let mut found = vec![];
    let others: Vec<&BString> = contents
        .tracked
        .iter()
        .filter(|entry| entry.is_submodule())
        .map(|entry| &entry.path)
        .chain(&contents.repositories)
        .collect();
    let mut directories = vec![BString::default()];
    while let Some(dir) = directories.pop() {
        let at = below(root, &dir);
        let unreadable = || format!("could not read '{}'", at.display());
        for entry in fs::read_dir(&at).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let (name, mut path) = (entry.file_name(), dir.clone());
            path.extend_from_slice(name.as_bytes());
            let kind = entry.file_type().with_context(unreadable)?;
            if name == ".git" {
                ensure!(
                    dir.is_empty(),
                    "'{}' is in the way: git keeps nothing of that name",
                    entry.path().display()
                );
            } else if kind.is_dir() {
                if others.contains(&&path) {
                    continue;
                }
                path.push(b'/');
                if contents.ignored.contains(&path) {
                    // What was added all the same is tracked.
                    found.extend(tracked_below(root, &path, &contents.tracked));
                } else {
                    directories.push(path);
                }
            } else if (kind.is_file() || kind.is_symlink()) && !contents.ignored.contains(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What is tracked in the ignored directory `dir` (with its slash), and still there.
fn tracked_below(root: &Path, dir: &BString, tracked: &[Tracked]) -> Vec<BString> {
    let from = tracked.partition_point(|entry| entry.path < *dir);
    let inside = tracked[from..]
        .iter()
        .take_while(|entry| entry.path.starts_with(dir));
    let is_there = |path: &BString| {
        let at = below(root, path);
        // A link on the way leads to something else.
        let own = at
            .ancestors()
            .skip(1)
            .take_while(|above| *above != root)
            .all(|above| !above.is_symlink());
        own && at
            .symlink_metadata()
            .is_ok_and(|meta| meta.is_file() || meta.is_symlink())
    };
    let mut paths: Vec<_> = inside
        .filter(|entry| !entry.is_submodule())
        .map(|entry| entry.path.clone())
        .filter(is_there)
        .collect();
    paths.dedup();
    paths
}

/// Copies the ignored files that are to be kept.
fn keep_ignored(common_dir: &Path, removed: &Removed, contents: &Contents) -> Result<()> {
    if contents.kept.is_empty() {
        return Ok(());
    }
    let to = kept_dir(common_dir, &removed.id);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&to)
        .with_context(|| format!("could not create '{}'", to.display()))?;
    for path in &contents.kept {
        copy(&below(&removed.path, path), &below(&to, path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_quoted_for_fast_import() {
        assert_eq!(quoted(b"a \"b\\\n\xff"), r#""a \"b\\\012\377""#);
    }
}
