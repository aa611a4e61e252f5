//! Reading small files quickly, and replacing a user's file: whole or not at all, through symbolic links, its mode
//! and owner kept.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::buffer::spare_capacity;
use rustix::fs::OFlags;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Returns the file that `path` stands for, its symbolic links followed; it need not exist. Dotfile managers link
/// start-up files, and replacing the link instead would cut the file loose from them.
fn target(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("/")).join(next),
            // Not a link, or nothing at all.
            Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(e) => {
                return Err(e).with_context(|| format!("could not read '{}'", path.display()));
            }
        }
    }
    bail!("'{}' is a loop of symbolic links", path.display())
}

/// Reads a file that is likely short: its size is not asked for first, nor its end looked for where a read falls
/// short of what it may fill. That saves two of five calls of the system, of which a list makes thousands.
pub fn small(path: impl AsRef<Path>) -> std::io::Result<Vec<u8>> {
    short(quick().open(path)?)
}

/// The same of a file that is open.
pub fn short(file: File) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(4096);
    let read = rustix::io::read(&file, spare_capacity(&mut content))?;
    if read == content.capacity() {
        file.take(LONGEST).read_to_end(&mut content)?;
    }
    Ok(content)
}

/// More than this is no short file, whatever a link at its place leads to.
const LONGEST: u64 = 64 << 20;

/// A pipe at a file's place is opened and read without waiting for somebody who writes.
fn quick() -> OpenOptions {
    let mut options = OpenOptions::new();
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    options.read(true).custom_flags(without_waiting);
    options
}

/// Reads `path`, or nothing where there is no such file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let context = || format!("could not read '{}'", path.display());
    match fs::metadata(path) {
        // A FIFO would make the read wait for ever.
        Ok(meta) if !meta.is_file() => bail!("'{}' is not a file", path.display()),
        Ok(_) => fs::read(path).with_context(context).map(Some),
        // A link that leads nowhere yet is read as no file, a path through a file is an error.
        Err(e) if e.kind() == ErrorKind::NotFound => target(path).map(|_| None),
        Err(e) => Err(e).with_context(context),
    }
}

/// Whether another user can change it: everybody may write, or a group that is not the user's own, or the owner is neither
/// the user nor root.
pub fn others_can_write(meta: &fs::Metadata) -> bool {
    let own = meta.uid() == rustix::process::geteuid().as_raw() || meta.uid() == 0;
    let group = meta.mode() & 0o020 != 0 && meta.gid() != rustix::process::getegid().as_raw();
    !own || group || meta.mode() & 0o002 != 0
}

/// How a file is opened that may be anybody's: not through a link, and without waiting for the other end of a FIFO. One
/// that is made is not for all: who can read a file can lock it, for ever.
pub fn wary() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.mode(0o660).custom_flags(flags.bits().cast_signed());
    options
}

/// Makes a folder for such files, and those above it, where they are not there.
///
/// # Errors
/// It cannot be made.
pub fn closed_folder(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o770)
        .create(folder)
}

/// Fails with the reason where `path` must not be written, although root or a rename could.
pub fn writable(path: &Path) -> Result<()> {
    let target = target(path)?;
    match fs::metadata(&target) {
        Ok(meta) if meta.permissions().readonly() => bail!("'{}' is read-only", path.display()),
        Ok(_) => rustix::fs::access(&target, rustix::fs::Access::WRITE_OK)
            .with_context(|| format!("could not write '{}'", path.display())),
        Err(_) => Ok(()),
    }
}

/// Gives `path` the content `text`: a reader sees the old file or the new one, also when this process is killed.
pub fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let context = || format!("could not write '{}'", path.display());
    let target = target(path)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)
        .with_context(|| format!("could not create '{}'", folder.display()))?;
    // Beside the file, since a rename cannot cross file systems; no shell loads a name that ends so.
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".treehop-{}", std::process::id()));
    let temporary = folder.join(name);
    let written = write(&temporary, &target, text).and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(context)
}

fn write(temporary: &Path, target: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(temporary)?;
    if let Ok(old) = fs::metadata(target) {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()
}

/// Removes the file that `path` stands for; a link to it stays.
pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(target(path)?).with_context(|| format!("could not remove '{}'", path.display()))
}
