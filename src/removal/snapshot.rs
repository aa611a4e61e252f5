//! What is kept of a removed worktree, under `refs/treehop/removed/NAME-TIME`, for `undo` to bring it back.
//!
//! Each is a commit whose parent is what was checked out, and whose message notes where the worktree was. Where HEAD
//! alone cannot bring all of it back, its tree holds (bytes as they were, past every filter and line ending)
//! - `files/`: all files of the worktree that git does not ignore,
//! - `index`: the index file, and `staged/N/`: what its entries name at stage N, so that `git gc` keeps it,
//! - `admin/`: settings of the worktree's own: `config.worktree`, `info/sparse-checkout`, a shared index,
//! - `modes`: permissions that are neither 644 nor 755.
//!
//! Ignored files are secrets as often as not (`.env`), and a push of all refs must not carry them away: they never
//! enter the object database, but are copied to `treehop/kept/NAME-TIME/` in the common git directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::hash::Kind;
use jiff::Timestamp;

use crate::git::Git;
use crate::removal::contents::{Contents, Tracked, below};
use crate::removal::record::Record;

/// Where the snapshots' refs are.
pub const REFS: &str = "refs/treehop/removed/";
/// A file up to this size is read whole to see whether git has it already, in bytes.
const WHOLE: u64 = 32 * 1024 * 1024;
/// Files of the worktree's own git directory that are kept beside the index.
const ADMIN: [&str; 2] = ["config.worktree", "info/sparse-checkout"];

/// A removed worktree, or one about to be.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The last part of the ref.
    pub id: String,
    /// What people called it.
    pub name: BString,
    /// Where it was.
    pub path: PathBuf,
    /// The branch that was checked out.
    pub branch: Option<BString>,
    /// The commit that was checked out; `None`: the branch had none yet.
    pub head: Option<String>,
    /// Was the branch deleted, too?
    pub branch_deleted: bool,
    /// Settings of the branch, which git deletes with it: key and value.
    pub settings: Vec<(BString, BString)>,
    /// Does the snapshot hold files and index?
    pub full: bool,
    /// How many ignored files were kept.
    pub kept: usize,
    /// When.
    pub time: Timestamp,
}

impl Removed {
    /// Its ref.
    pub fn reference(&self) -> String {
        format!("{REFS}{}", self.id)
    }

    /// As key and value.
    pub fn record(&self) -> Record {
        let mut record = Record::default();
        record.add("id", &self.id);
        record.add("name", &self.name);
        record.add("path", self.path.as_os_str().as_bytes());
        if let Some(branch) = &self.branch {
            record.add("branch", branch);
        }
        if let Some(head) = &self.head {
            record.add("head", head);
        }
        if self.branch_deleted {
            record.add("branch-deleted", "");
        }
        for (key, value) in &self.settings {
            record.add("setting", [key.as_slice(), b" ", value].concat());
        }
        if self.full {
            record.add("full", "");
        }
        record.add("kept", self.kept.to_string());
        record.add("time", self.time.to_string());
        record
    }

    /// Reads [`Removed::record`].
    pub fn from_record(record: &Record) -> Option<Self> {
        let text = |key: &str| record.get(key).and_then(|v| v.to_str().ok());
        let setting = |line: &BString| {
            let (key, value) = line.split_once_str(b" ")?;
            Some((key.into(), value.into()))
        };
        Some(Removed {
            id: text("id")?.to_owned(),
            name: record.get("name")?.clone(),
            path: record.get("path")?.to_path().ok()?.to_owned(),
            branch: record.get("branch").cloned(),
            head: text("head").map(str::to_owned),
            branch_deleted: record.get("branch-deleted").is_some(),
            settings: record.all("setting").filter_map(setting).collect(),
            full: record.get("full").is_some(),
            kept: text("kept")?.parse().ok()?,
            time: text("time")?.parse().ok()?,
        })
    }
}

/// The first part of an id: `name` as a part of a ref and of a file's name.
pub fn slug(name: &BStr) -> String {
    let plain = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' => char::from(*byte),
        _ => '-',
    };
    let slug: String = name.iter().take(80).map(plain).collect();
    match slug.trim_matches('-') {
        "" => "worktree".into(),
        slug => slug.into(),
    }
}

/// All snapshots, the latest first.
///
/// # Errors
/// Git fails.
pub fn list(common_dir: &Path) -> Result<Vec<Removed>> {
    let out = Git::in_dir(common_dir)
        .here_only()
        .args(["for-each-ref", "--format=%(refname)%00%(contents)%00", REFS])
        .read()?;
    let mut parts = out.split(|b| *b == 0).map(ByteSlice::trim_start);
    let mut found = vec![];
    while let (Some(name), Some(message)) = (parts.next(), parts.next()) {
        let record = message
            .split_once_str(b"\n\n")
            .and_then(|(_, body)| Record::decode(body));
        // Whatever else somebody put there is not ours.
        if let Some(removed) = record.as_ref().and_then(Removed::from_record)
            && removed.reference().as_bytes() == name
        {
            found.push(removed);
        }
    }
    found.sort_by(|a, b| (b.time, &b.id).cmp(&(a.time, &a.id)));
    Ok(found)
}

/// Deletes the snapshot, and the ignored files that were kept with it.
///
/// # Errors
/// Git fails, or a file cannot be deleted.
pub fn discard(common_dir: &Path, id: &str) -> Result<()> {
    let reference = format!("{REFS}{id}");
    if exists(common_dir, id) {
        Git::changing(common_dir)
            .args(["update-ref", "-d", &reference])
            .run()
            .with_context(|| format!("could not delete '{reference}'"))?;
    }
    match fs::remove_dir_all(kept_dir(common_dir, id)) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(e).with_context(|| format!("could not delete what was kept of '{id}'"))
        }
        _ => Ok(()),
    }
}

/// Is there a snapshot of that id?
pub fn exists(common_dir: &Path, id: &str) -> bool {
    let reference = format!("{REFS}{id}");
    Git::in_dir(common_dir)
        .here_only()
        .args(["rev-parse", "--verify", "--quiet", &reference])
        .read()
        .is_ok()
}

/// Where ignored files are kept.
pub fn kept_dir(common_dir: &Path, id: &str) -> PathBuf {
    common_dir.join("treehop/kept").join(id)
}

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
            .map(|_| ()),
    }
    .context("could not keep what is there")
}

/// A commit of what is checked out.
fn write_plain(common_dir: &Path, removed: &Removed, head: &str, message: &str) -> Result<()> {
    let mut git = Git::changing(common_dir).args(["commit-tree", "-p", head, "-F", "-"]);
    for who in ["AUTHOR", "COMMITTER"] {
        git = git
            .env(&format!("GIT_{who}_NAME"), "treehop")
            .env(&format!("GIT_{who}_EMAIL"), "treehop")
            .env(
                &format!("GIT_{who}_DATE"),
                format!("{} +0000", removed.time.as_second()),
            );
    }
    let commit = git.args([format!("{head}^{{tree}}")]).feed(|to| {
        to.write_all(message.as_bytes())
            .context("git stopped reading")
    })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    // The empty old value: it must not be there yet.
    Git::changing(common_dir)
        .args(["update-ref", &removed.reference(), &commit, ""])
        .run()
}

/// The stream for `git fast-import`.
fn write_full(
    mut to: &mut dyn Write,
    git_dir: &Path,
    removed: &Removed,
    contents: &Contents,
    message: &str,
) -> Result<()> {
    let files = files(&removed.path, contents)?;
    writeln!(to, "commit {}", removed.reference())?;
    writeln!(
        to,
        "committer treehop <treehop> {} +0000",
        removed.time.as_second()
    )?;
    writeln!(to, "data {}\n{message}", message.len())?;
    if let Some(head) = &removed.head {
        writeln!(to, "from {head}\ndeleteall")?;
    }
    let mut modes = vec![];
    let mut tracked = contents.tracked.iter().peekable();
    for path in &files {
        while tracked.peek().is_some_and(|entry| entry.path < *path) {
            tracked.next();
        }
        let entry = tracked.peek().filter(|entry| entry.path == *path);
        let known = entry.map(|entry| entry.id.as_str());
        if let Some(mode) = write_file(
            &mut to,
            &below(&removed.path, path),
            &["files/".into(), path.clone()].concat(),
            known,
        )? {
            modes.extend_from_slice(format!("{mode:o} ").as_bytes());
            modes.extend_from_slice(path);
            modes.push(0);
        }
    }
    if !modes.is_empty() {
        writeln!(to, "M 100644 inline modes\ndata {}", modes.len())?;
        to.write_all(&modes)?;
        writeln!(to)?;
    }
    for Tracked {
        path,
        mode,
        id,
        stage,
    } in &contents.tracked
    {
        let path = quoted(&[format!("staged/{stage}/").as_bytes(), path].concat());
        writeln!(to, "M {mode} {id} {path}")?;
    }
    write_if_there(&mut to, &git_dir.join("index"), b"index")?;
    for name in ADMIN {
        write_if_there(
            &mut to,
            &git_dir.join(name),
            &[b"admin/", name.as_bytes()].concat(),
        )?;
    }
    for entry in fs::read_dir(git_dir)?.flatten() {
        let name = entry.file_name();
        if name.as_bytes().starts_with(b"sharedindex.") {
            write_if_there(
                &mut to,
                &entry.path(),
                &[b"admin/", name.as_bytes()].concat(),
            )?;
        }
    }
    writeln!(to, "done")?;
    Ok(())
}

fn write_if_there(to: &mut impl Write, file: &Path, path: &[u8]) -> Result<()> {
    if file.is_file() {
        write_file(to, file, path, None)?;
    }
    Ok(())
}

/// Writes one file or link, or only the name of the object where git has it already (`known`). Returns permissions
/// that a tree cannot hold.
fn write_file(
    to: &mut impl Write,
    file: &Path,
    path: &[u8],
    known: Option<&str>,
) -> Result<Option<u32>> {
    let unreadable = || format!("could not read '{}'", file.display());
    let path = quoted(path);
    let meta = file.symlink_metadata().with_context(unreadable)?;
    if meta.is_symlink() {
        let target = fs::read_link(file).with_context(unreadable)?;
        let target = target.as_os_str().as_bytes();
        writeln!(to, "M 120000 inline {path}\ndata {}", target.len())?;
        to.write_all(target)?;
        writeln!(to)?;
        return Ok(None);
    }
    let permissions = meta.permissions().mode() & 0o777;
    let mode = if permissions & 0o100 == 0 {
        "100644"
    } else {
        "100755"
    };
    let mut open = File::open(file).with_context(unreadable)?;
    if meta.len() <= WHOLE {
        let mut bytes = vec![];
        open.read_to_end(&mut bytes).with_context(unreadable)?;
        // Of other kinds of hashes than SHA-1, git finds out itself what it has.
        let id = known.filter(|id| id.len() == Kind::Sha1.len_in_hex());
        let same = id.is_some_and(|id| {
            let own = gix::objs::compute_hash(Kind::Sha1, gix::objs::Kind::Blob, &bytes);
            matches!((own, ObjectId::from_hex(id.as_bytes())), (Ok(own), Ok(id)) if own == id)
        });
        if let Some(id) = id.filter(|_| same) {
            writeln!(to, "M {mode} {id} {path}")?;
        } else {
            writeln!(to, "M {mode} inline {path}\ndata {}", bytes.len())?;
            to.write_all(&bytes)?;
            writeln!(to)?;
        }
    } else {
        writeln!(to, "M {mode} inline {path}\ndata {}", meta.len())?;
        let copied =
            std::io::copy(&mut (&mut open).take(meta.len()), to).with_context(unreadable)?;
        let beyond = open.read(&mut [0]).with_context(unreadable)?;
        ensure!(
            copied == meta.len() && beyond == 0,
            "'{}' is being written to",
            file.display()
        );
        writeln!(to)?;
    }
    Ok(Some(permissions).filter(|mode| ![0o644, 0o755].contains(mode)))
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

/// Copies a file or link, its permissions too, and makes the directories above it; what is there stays.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("could not copy '{}' to '{}'", from.display(), to.display());
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    if from.is_symlink() {
        return fs::read_link(from)
            .and_then(|target| symlink(target, to))
            .with_context(failed);
    }
    fs::copy(from, to).map(|_| ()).with_context(failed)
}

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

/// An object of the snapshot, and where it belongs.
struct Kept {
    path: PathBuf,
    mode: u32,
    id: BString,
    link: bool,
}

fn restore_full(common_dir: &Path, removed: &Removed, root: &Path, git_dir: &Path) -> Result<()> {
    let listing = Git::in_dir(common_dir)
        .here_only()
        .args(["ls-tree", "-r", "-z", "--full-tree", &removed.reference()])
        .read()?;
    // A fresh worktree may have these already, some from the one that git ran in.
    for name in ADMIN.into_iter().chain(["index"]) {
        let _ = fs::remove_file(git_dir.join(name));
    }
    // Half an index would be a damaged one.
    let new_index = git_dir.join("index.treehop");
    let (mut objects, mut modes) = (vec![], None);
    for line in listing.split(|b| *b == 0).filter(|line| !line.is_empty()) {
        let (about, path) = line
            .split_once_str(b"\t")
            .context("git ls-tree said something else")?;
        let mut about = about.split(|b| *b == b' ');
        let mode = about.next().unwrap_or_default();
        let id: BString = about.nth(1).unwrap_or_default().into();
        let to = if path == b"modes" {
            modes = Some(id);
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
        let (link, mode) = (
            mode == b"120000",
            if mode == b"100755" { 0o777 } else { 0o666 },
        );
        objects.push(Kept {
            path: to,
            mode,
            id,
            link,
        });
    }
    if let Some(id) = modes {
        let list = Git::in_dir(common_dir)
            .here_only()
            .args(["cat-file", "blob", &id.to_str_lossy()])
            .read()?;
        for line in list.split(|b| *b == 0) {
            let Some((mode, path)) = line.split_once_str(b" ") else {
                continue;
            };
            let path = safe(root, path)?;
            let mode = mode
                .to_str()
                .ok()
                .and_then(|mode| u32::from_str_radix(mode, 8).ok());
            if let (Some(mode), Some(kept)) =
                (mode, objects.iter_mut().find(|kept| kept.path == path))
            {
                // Marked as exact: the user's mask does not apply.
                kept.mode = mode & 0o777 | EXACT;
            }
        }
    }
    extract(common_dir, &objects)?;
    fs::rename(&new_index, git_dir.join("index"))
        .or_else(|e| {
            if e.kind() == ErrorKind::NotFound {
                Ok(())
            } else {
                Err(e)
            }
        })
        .context("could not write the index")
}

/// A bit beyond permissions: they are set exactly so.
const EXACT: u32 = 1 << 16;

/// Writes the objects to their files.
fn extract(common_dir: &Path, objects: &[Kept]) -> Result<()> {
    let mut child = Git::in_dir(common_dir)
        .here_only()
        .args(["cat-file", "--batch"])
        .start()?;
    let (Some(mut ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("git has no pipes");
    };
    let mut answers = BufReader::with_capacity(64 * 1024, answers);
    let done = std::thread::scope(|scope| {
        // From a thread of its own, since git stops reading while nobody reads from it.
        scope.spawn(move || {
            let ids = objects
                .iter()
                .map(|kept| [kept.id.as_slice(), b"\n"].concat());
            ask.write_all(&ids.collect::<Vec<_>>().concat())
        });
        let done = objects
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
        .trim()
        .rsplit(|b| *b == b' ')
        .next()
        .and_then(|size| size.to_str().ok()?.parse().ok())
        .with_context(|| format!("git lacks the object {}", kept.id))?;
    let mut content = answers.take(size);
    if let Some(parent) = kept.path.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    if kept.link {
        let mut target = vec![];
        content.read_to_end(&mut target)?;
        symlink(OsStr::from_bytes(&target), &kept.path).with_context(failed)?;
    } else {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(kept.mode & 0o777)
            .open(&kept.path)
            .with_context(failed)?;
        let written = std::io::copy(&mut content, &mut file).with_context(failed)?;
        ensure!(written == size, "git ended early");
        if kept.mode & EXACT != 0 {
            file.set_permissions(fs::Permissions::from_mode(kept.mode & 0o777))
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
    fn a_removed_worktree_is_read_back_as_it_was_noted() {
        let removed = Removed {
            id: "a-20250101T000000Z".into(),
            name: b"a \xff".into(),
            path: PathBuf::from(OsStr::from_bytes(b"/w/it's\n\xff")),
            branch: Some(b"feature/\xe9".into()),
            head: None,
            branch_deleted: true,
            settings: vec![("remote".into(), "a b".into()), ("merge".into(), "".into())],
            full: true,
            kept: 3,
            time: "2025-01-01T00:00:00.5Z".parse().unwrap(),
        };
        let text = removed.record().encode();
        let again = Removed::from_record(&Record::decode(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(again.record(), removed.record());
        assert_eq!(again.settings, removed.settings);
        assert_eq!(again.path, removed.path);
    }

    #[test]
    fn an_id_is_a_part_of_a_ref_whatever_the_name() {
        for (name, expected) in [
            ("auth", "auth"),
            ("a b..c.lock", "a-b--c-lock"),
            ("-x", "x"),
            ("$(id)", "id"),
            ("家", "worktree"),
        ] {
            assert_eq!(slug(name.into()), expected);
        }
    }

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

    #[test]
    fn any_path_is_quoted_for_fast_import() {
        assert_eq!(quoted(b"a \"b\\\n\xff"), r#""a \"b\\\012\377""#);
    }
}
