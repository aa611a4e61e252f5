//! The guard: a lock on a file in the worktree's git directory, held by an open descriptor that claude inherits. The
//! kernel lets go of it when the last process that has it ends, however that ends, so it can never be stale; what stands
//! in the file is only for messages.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use serde_json::{Value, json};

use crate::{claude, file};

/// Its name, beside `HEAD`.
pub const FILE: &str = "treehop-claude.lock";

/// How often, and how long apart, is tried what somebody's short look stands in the way of.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(2);

/// Scripts use the lower numbers for descriptors of their own, and would close it.
const OUT_OF_THE_WAY: i32 = 100;

/// The lock of one worktree, for as long as this value lives.
#[derive(Debug)]
pub struct Lock(File);

/// Who holds a lock, as far as its file says.
#[derive(Debug)]
pub struct Holder {
    /// The process that took it.
    pub pid: u32,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl Lock {
    /// Takes the lock of the worktree with `git_dir`; `None`: somebody else has it.
    ///
    /// # Errors
    /// There can be no lock file, as in a repository that one may only read.
    pub fn take(git_dir: &Path) -> Result<Option<Self>> {
        let path = git_dir.join(FILE);
        let context = || format!("could not lock '{}'", path.display());
        let mut options = file::wary();
        options.read(true).write(true).create(true).truncate(false);
        let file = match options.open(&path) {
            // Another user's, in a repository that several work in: it can be locked all the same.
            Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                file::wary().read(true).open(&path).map_err(|_| e)
            }
            opened => opened,
        };
        let file = file.with_context(context)?;
        for _ in 0..TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    // The lock holds without it, where it is another user's or the disk is full.
                    let _ = sign(&file);
                    return Ok(Some(Lock(file)));
                }
                Err(Errno::INTR) => {}
                // A file system without locks has to do with the registry.
                Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Some(Lock(file))),
                // One that only looks shares it, and is gone in a moment.
                Err(Errno::WOULDBLOCK) if held(&file) => return Ok(None),
                Err(Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
                Err(error) => return Err(error).with_context(context),
            }
        }
        Ok(None)
    }

    /// The same lock on a descriptor that stays open over exec.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn inherited(self) -> Result<OwnedFd> {
        let context = "could not hand on the lock";
        let fd = fcntl_dupfd_cloexec(&self.0, OUT_OF_THE_WAY).context(context)?;
        fcntl_setfd(&fd, FdFlags::empty()).context(context)?;
        Ok(fd)
    }
}

/// Who holds the lock of the worktree with `git_dir`, if anybody does (and can be found out: [`Lock::take`] is exact).
pub fn holder(git_dir: &Path) -> Option<Holder> {
    let file = file::wary().read(true).open(git_dir.join(FILE)).ok()?;
    if !held(&file) {
        return None;
    }
    // Between the lock and its first signature lies a moment.
    for _ in 0..5 {
        if let Some(holder) = signature(&file) {
            return Some(holder);
        }
        std::thread::sleep(PAUSE);
    }
    kernel_says(&file)
}

/// Who holds it, where somebody else wrote into the file. Lines are `N: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF`.
fn kernel_says(file: &File) -> Option<Holder> {
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let pid = locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, place, ..] = fields[..] else {
            return None;
        };
        (place.rsplit(':').next() == Some(&inode)).then(|| pid.parse().ok())?
    })?;
    Some(Holder { pid, since: None })
}

/// Does another descriptor hold it? Shares it for a moment where none does.
fn held(file: &File) -> bool {
    let shared = flock(file, FlockOperation::NonBlockingLockShared);
    let _ = shared.is_ok() && flock(file, FlockOperation::NonBlockingUnlock).is_ok();
    shared == Err(Errno::WOULDBLOCK)
}

/// One write, one line: a reader sees this one or the one before, which may be longer.
fn sign(file: &File) -> std::io::Result<()> {
    let pid = std::process::id();
    let line = json!({
        "pid": pid, "procStart": claude::began(pid), "startedAt": Timestamp::now().as_millisecond(),
    });
    let line = format!("{line}\n");
    file.write_all_at(line.as_bytes(), 0)?;
    file.set_len(line.len() as u64)
}

fn signature(file: &File) -> Option<Holder> {
    let mut text = [0; 512];
    let read = loop {
        match file.read_at(&mut text, 0) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read.ok()?,
        }
    };
    let line = text[..read].split(|b| *b == b'\n').next()?;
    let record: Value = serde_json::from_slice(line).ok()?;
    let since = record["startedAt"].as_i64();
    Some(Holder {
        pid: u32::try_from(record["pid"].as_u64()?).ok()?,
        since: since.and_then(|since| Timestamp::from_millisecond(since).ok()),
    })
}
