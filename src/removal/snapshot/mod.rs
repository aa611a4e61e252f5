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

mod restoring;
mod writing;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BStr, BString, ByteSlice};
use jiff::Timestamp;

use crate::git::{self, Git};
use crate::journal::Record;
use crate::removal::trash::delete;
pub use restoring::restore;
pub use writing::write;

/// Where the snapshots' refs are.
pub const REFS: &str = "refs/treehop/removed/";
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
        record.add("id", [&self.id]);
        record.add("name", [&self.name]);
        record.add_path("path", &self.path);
        record.add("branch", &self.branch);
        record.add("head", &self.head);
        record.add_flag("branch-deleted", self.branch_deleted);
        let settings = self.settings.iter();
        record.add(
            "setting",
            settings.map(|(key, value)| [key, &b" "[..], value].concat()),
        );
        record.add_flag("full", self.full);
        record.add("kept", [self.kept.to_string()]);
        record.add("time", [self.time.to_string()]);
        record
    }

    /// Reads [`Removed::record`].
    pub fn from_record(record: &Record) -> Option<Self> {
        let setting = |line: &BString| {
            let (key, value) = line.split_once_str(b" ")?;
            Some((key.into(), value.into()))
        };
        Some(Removed {
            id: record.text("id")?.into(),
            name: record.get("name")?.clone(),
            path: record.path("path")?,
            branch: record.get("branch").cloned(),
            head: record.text("head").map(str::to_owned),
            branch_deleted: record.has("branch-deleted"),
            settings: record.all("setting").filter_map(setting).collect(),
            full: record.has("full"),
            kept: record.text("kept")?.parse().ok()?,
            time: record.text("time")?.parse().ok()?,
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
    let out = Git::at(common_dir)
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
    // It need not be there.
    git::patiently(|| Git::at(common_dir).args(["update-ref", "-d", &reference]))
        .with_context(|| format!("could not delete '{reference}'"))?;
    delete(&kept_dir(common_dir, id))
}

/// Where ignored files are kept.
pub fn kept_dir(common_dir: &Path, id: &str) -> PathBuf {
    common_dir.join("treehop/kept").join(id)
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

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

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
}
