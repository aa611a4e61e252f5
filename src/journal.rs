//! What treehop is about to do to a repository, noted before it does it, so that whoever comes next can end what a kill
//! left half-done.
//!
//! Each run has a file `treehop/KIND/ID` in the common git directory: a [`Record`], and behind it a line for each step
//! that was taken. The run, and every program that it starts, holds a lock on it: a file that nobody holds was left
//! behind, also where git lived on after its parent had gone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use rustix::fs::{FlockOperation, flock};

use crate::file::closed_folder;

/// How long the programs that git started may take to end after it.
const LINGER: Duration = Duration::from_secs(2);
/// The last line of a record. Without it the writer was killed in the middle.
const END: &str = "end";

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A worktree is made.
    Making,
    /// A worktree is removed.
    Removing,
    /// A removed worktree is brought back.
    Undoing,
    /// A branch is merged into another.
    Merging,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Making, Kind::Removing, Kind::Undoing, Kind::Merging];

    fn folder(self, common_dir: &Path) -> PathBuf {
        common_dir.join("treehop").join(match self {
            Kind::Making => "making",
            Kind::Removing => "removing",
            Kind::Undoing => "undoing",
            Kind::Merging => "merging",
        })
    }

    /// The journals of this kind, whoever holds them.
    pub fn files(self, common_dir: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder(common_dir)).into_iter();
        files.flatten().flatten().map(|file| file.path()).collect()
    }

    /// What is noted in them.
    pub fn records(self, common_dir: &Path) -> impl Iterator<Item = Record> {
        let files = self.files(common_dir).into_iter();
        files.filter_map(|file| Record::decode(&fs::read(file).ok()?))
    }

    /// Takes those that nobody is at work on.
    pub fn left(self, common_dir: &Path) -> Vec<Journal> {
        let files = self.files(common_dir).into_iter();
        files.filter_map(Journal::take).collect()
    }
}

/// One's turn to let git make, list and forget worktrees, of which nobody else has one meanwhile: git fails where it
/// reads an entry that another git has only half written.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Turn {
    /// Waits for it. [`crate::unfinished::turn`] also sees to what was left half-done.
    ///
    /// # Errors
    /// The git directory cannot be written.
    pub fn wait(common_dir: &Path) -> Result<Self> {
        let folder = common_dir.join("treehop");
        let failed = || format!("could not write '{}'", folder.display());
        closed_folder(&folder).with_context(failed)?;
        let lock = File::options()
            .create(true)
            .append(true)
            .open(folder.join("lock"))
            .with_context(failed)?;
        // A file system without locks has to do without.
        let _ = flock(&lock, FlockOperation::LockExclusive);
        Ok(Turn { _lock: lock })
    }
}

/// What is under way, locked.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    text: Vec<u8>,
    /// What was noted.
    pub record: Record,
}

/// Is `file` what `path` names?
fn is_at(file: &File, path: &Path) -> bool {
    let id = |meta: &fs::Metadata| (meta.dev(), meta.ino());
    matches!((file.metadata(), path.metadata()), (Ok(a), Ok(b)) if id(&a) == id(&b))
}

impl Journal {
    /// Notes what is about to be done; `None`: somebody has used that id.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn begin(common_dir: &Path, kind: Kind, id: &str, record: &Record) -> Result<Option<Self>> {
        let dir = kind.folder(common_dir);
        let path = dir.join(id);
        let failed = || format!("could not write '{}'", path.display());
        closed_folder(&dir).with_context(failed)?;
        let file = loop {
            let file = match File::options().append(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(None),
                Err(e) => return Err(e).with_context(failed),
            };
            // As in a turn. Nobody takes what cannot be locked, either.
            let _ = flock(&file, FlockOperation::LockExclusive);
            // Another run may have taken it, empty and not locked yet, for what a kill left.
            if is_at(&file, &path) {
                break file;
            }
        };
        let text = record.encode().into_bytes();
        if let Err(error) = inherited(&file).and_then(|()| (&file).write_all(&text)) {
            let _ = fs::remove_file(&path);
            return Err(error).with_context(failed);
        }
        let record = record.clone();
        Ok(Some(Journal {
            file,
            path,
            text,
            record,
        }))
    }

    fn take(path: PathBuf) -> Option<Self> {
        let mut file = File::options().read(true).append(true).open(&path).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        inherited(&file).ok()?;
        // Whoever held it may have finished and deleted it.
        if !is_at(&file, &path) {
            return None;
        }
        let mut text = vec![];
        file.read_to_end(&mut text).ok()?;
        let Some(record) = Record::decode(&text) else {
            // Killed before anything was done.
            let _ = fs::remove_file(&path);
            return None;
        };
        Some(Journal {
            file,
            path,
            text,
            record,
        })
    }

    /// Notes that a step was taken.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn mark(&mut self, step: &str) -> Result<()> {
        if self.marked(step) {
            return Ok(());
        }
        let line = format!("{step}\n");
        self.text.extend_from_slice(line.as_bytes());
        self.file
            .write_all(line.as_bytes())
            .with_context(|| format!("could not write '{}'", self.path.display()))
    }

    /// Was that step taken?
    pub fn marked(&self, step: &str) -> bool {
        // The lines of a record hold more than a word.
        self.text.lines().any(|line| line == step.as_bytes())
    }

    /// When it was last written, by the clock of the file system.
    pub fn written(&self) -> SystemTime {
        let written = self.file.metadata().and_then(|meta| meta.modified());
        written.unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Waits a moment for the programs that were started: after a failure one may still be writing. (A filter that
    /// hangs is not.)
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn settle(mut self) -> Result<Self> {
        let file = File::options().append(true).open(&self.path);
        // From here on only those programs hold the lock.
        self.file = file.with_context(|| format!("could not read '{}'", self.path.display()))?;
        let begun = Instant::now();
        while flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_err()
            && begun.elapsed() < LINGER
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(self)
    }

    /// Ends it: nothing is left to do.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub fn done(self) -> Result<()> {
        fs::remove_file(&self.path)
            .with_context(|| format!("could not delete '{}'", self.path.display()))
    }
}

/// Lets the programs that are started keep the lock until they end.
fn inherited(file: &File) -> std::io::Result<()> {
    Ok(rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?)
}

/// Keys with values of any bytes, as lines of plain text, in their order; a key may come several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(Vec<(String, BString)>);

impl Record {
    /// Adds a value, or as many as there are.
    pub fn add(&mut self, key: &str, values: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let values = values.into_iter().map(|value| value.as_ref().into());
        self.0.extend(values.map(|value| (key.into(), value)));
    }

    /// Adds a path.
    pub fn add_path(&mut self, key: &str, path: &Path) {
        self.add(key, [path.as_os_str().as_bytes()]);
    }

    /// Adds something that is so or not.
    pub fn add_flag(&mut self, key: &str, set: bool) {
        self.add(key, set.then_some(""));
    }

    /// All values of `key`.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a BString> {
        let found = self.0.iter().filter(move |(k, _)| k == key);
        found.map(|(_, value)| value)
    }

    /// The first value of `key`.
    pub fn get(&self, key: &str) -> Option<&BString> {
        let found = self.0.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value)
    }

    /// Is there a value of `key`?
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The first value of `key`, where it is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.to_str().ok()
    }

    /// The paths under `key`.
    pub fn paths<'a>(&'a self, key: &'a str) -> impl Iterator<Item = PathBuf> {
        self.all(key).map(|path| OsStr::from_bytes(path).into())
    }

    /// The first path under `key`.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.get(key).map(|path| OsStr::from_bytes(path).into())
    }

    /// Lines of ASCII: `KEY VALUE`, and the bytes that are no printable ASCII as `%XX`.
    pub fn encode(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for (key, value) in &self.0 {
            let _ = write!(text, "{key} ");
            for byte in value.iter() {
                if (b' '..=b'~').contains(byte) && *byte != b'%' {
                    text.push(char::from(*byte));
                } else {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
            text.push('\n');
        }
        text + END + "\n"
    }

    /// Reads what [`Record::encode`] wrote; `None` where the end is missing.
    pub fn decode(text: &[u8]) -> Option<Self> {
        let mut record = Record::default();
        for line in text.split(|byte| *byte == b'\n') {
            if line == END.as_bytes() {
                return Some(record);
            }
            let (key, value) = line.split_once_str(b" ")?;
            let mut plain = BString::default();
            let mut rest = value.iter();
            while let Some(byte) = rest.next() {
                plain.push(if *byte == b'%' {
                    let digits = [*rest.next()?, *rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                } else {
                    *byte
                });
            }
            record.0.push((key.to_str().ok()?.into(), plain));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::quick;
    use proptest::prelude::*;

    fn record() -> Record {
        let mut record = Record::default();
        let every: Vec<u8> = (0..=255).collect();
        record.add("path", [&every[..], b"%41 end\n"]);
        record.add("empty", [""]);
        record.add("none", None::<&str>);
        record
    }

    #[test]
    fn a_record_holds_any_bytes_and_knows_when_it_was_cut() {
        let text = record().encode();
        assert!(text.is_ascii());
        assert_eq!(Record::decode(text.as_bytes()), Some(record()));
        assert_eq!(record().paths("path").count(), 2);
        assert!(record().has("empty") && !record().has("none"));
        for cut in 0..text.len() - 1 {
            assert_eq!(Record::decode(&text.as_bytes()[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn a_journal_is_taken_by_one_and_only_when_nobody_holds_it() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path();
        let begin = || Journal::begin(dir, Kind::Making, "a", &record()).unwrap();
        let mut journal = begin().unwrap();
        assert!(begin().is_none(), "the id is used");
        assert_eq!(Kind::Making.records(dir).count(), 1);
        journal.mark("begun").unwrap();
        assert!(Kind::Making.left(dir).is_empty(), "somebody holds it");
        drop(journal);
        let left = Kind::Making.left(dir).remove(0);
        assert!(left.marked("begun") && !left.marked("end of it"));
        assert_eq!(left.record, record());
        assert!(Kind::Making.left(dir).is_empty(), "it is taken");
        left.done().unwrap();
        // A file that was not written to its end stands for nothing that was done.
        fs::write(dir.join("treehop/making/b"), "path x").unwrap();
        assert!(Kind::Making.left(dir).is_empty());
        assert!(Kind::Making.files(dir).is_empty());
    }

    proptest! {
        #![proptest_config(quick())]

        #[test]
        fn what_is_written_down_is_read_again(
            values in proptest::collection::vec(("[a-z-]{1,8}", proptest::collection::vec(any::<u8>(), 0..40)), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut record = Record::default();
            for (key, value) in &values {
                record.add(key, [value]);
            }
            let text = record.encode();
            let read = Record::decode(text.as_bytes()).unwrap();
            prop_assert_eq!(&read.0, &record.0);
            let cut = cut.index(text.len() - 1);
            prop_assert!(Record::decode(&text.as_bytes()[..cut]).is_none());
        }
    }
}
