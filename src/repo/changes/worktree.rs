//! What has changed below the worktree's directory: the index against the files, in one pass.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::{self, Flags, stat::Time};
use gix::objs::Kind;
use gix::worktree::stack::state::ignore;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::conversions::{self, Conversion};
use super::directory::Listing;
use super::{Changes, MAX_DEPTH, Paths};

/// Never through a symbolic link: what lies behind one is not the worktree's.
const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW);

/// Not blocking, should a pipe take the place of the file that was just looked at.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);

/// Counts all but what is staged, in the worktree of `repo`.
pub fn count(repo: &gix::Repository, index: &State) -> Result<Changes> {
    let workdir = repo
        .workdir()
        .context("a bare repository has no worktree")?;
    let root = rustix::fs::open(
        workdir,
        DIRECTORY.difference(OFlags::NOFOLLOW),
        Mode::empty(),
    )
    .with_context(|| format!("could not open '{}'", workdir.display()))?;
    let paths = Paths::new(index);
    refuse_submodules(root.as_fd(), paths)?;
    let config = repo.config_snapshot();
    let mut pass = Pass {
        repo,
        workdir,
        index,
        paths,
        depth: 0,
        changes: Changes::default(),
        stat: repo.stat_options()?,
        capabilities: repo.filesystem_options()?,
        sparse_checkout: config.boolean("core.sparseCheckout").unwrap_or(false)
            && !config
                .boolean("sparse.expectFilesOutsideOfPatterns")
                .unwrap_or(false),
        everywhere: None,
        excludes: None,
        listing: Listing::default(),
    };
    pass.directory(
        root.as_fd(),
        0..index.entries().len(),
        &mut BString::default(),
    )?;
    Ok(pass.changes)
}

struct Pass<'a> {
    repo: &'a gix::Repository,
    workdir: &'a Path,
    index: &'a State,
    paths: Paths<'a>,
    /// How many directories deep.
    depth: usize,
    changes: Changes,
    stat: entry::stat::Options,
    capabilities: gix::fs::Capabilities,
    /// A file that sparse-checkout left out but that is there counts all the same, as in git since 2.36.
    sparse_checkout: bool,
    // The rest is built when first needed; in a clean worktree it never is.
    everywhere: Option<Conversion>,
    excludes: Option<gix::AttributeStack<'a>>,
    listing: Listing,
}

impl Pass<'_> {
    /// Counts in one directory, open as `fd`: the `entries` of the index whose paths begin with `prefix` (empty, or
    /// with a slash at its end), then what is there besides.
    fn directory(
        &mut self,
        fd: BorrowedFd<'_>,
        entries: Range<usize>,
        prefix: &mut BString,
    ) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            bail!("a directory is too deep");
        }
        let mut present = 0;
        let mut position = entries.start;
        while position < entries.end {
            let rest = self.paths.below(position, prefix.len())?;
            let (next, is_there) = match rest.find_byte(b'/') {
                Some(slash) => {
                    self.subdirectory(fd, position..entries.end, &rest[..slash], prefix)?
                }
                None => self.file(fd, position..entries.end, rest)?,
            };
            present += usize::from(is_there);
            position = next;
        }
        self.untracked(fd, &entries, prefix, present)?;
        self.depth -= 1;
        Ok(())
    }

    /// Counts in the tracked directory `name`, whose entries begin where `entries` do. Returns where they end, and
    /// whether it is there.
    fn subdirectory(
        &mut self,
        fd: BorrowedFd<'_>,
        entries: Range<usize>,
        name: &[u8],
        prefix: &mut BString,
    ) -> Result<(usize, bool)> {
        let parent = prefix.len();
        let end = self
            .paths
            .end_of_directory(&entries, parent + name.len() + 1);
        match openat(fd, name, DIRECTORY, Mode::empty()) {
            Ok(_) if self.paths.entries[entries.start].mode == entry::Mode::DIR => {
                bail!("a directory that the sparse index left out is there")
            }
            Ok(below) => {
                prefix.extend_from_slice(name);
                prefix.push(b'/');
                self.directory(below.as_fd(), entries.start..end, prefix)?;
                prefix.truncate(parent);
                Ok((end, true))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                let mut position = entries.start;
                while position < end {
                    self.missing(position, false)?;
                    position = self.end_of_file(&(position..end));
                }
                Ok((end, false))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Counts the tracked file, link or submodule `name`. Returns where its entries end (a conflict has up to three),
    /// and whether it is there as something that `untracked` need not look at.
    fn file(
        &mut self,
        fd: BorrowedFd<'_>,
        entries: Range<usize>,
        name: &[u8],
    ) -> Result<(usize, bool)> {
        let entry = &self.paths.entries[entries.start];
        let stat = match statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(stat),
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            Err(error) => return Err(error.into()),
        };
        let next = self.end_of_file(&entries);
        let usual =
            stat.filter(|stat| !file_type(stat).is_dir() || entry.mode == entry::Mode::COMMIT);
        match usual {
            Some(stat) if entry.stage_raw() == 0 => {
                if self.is_watched(entry, true)
                    && self.is_modified(fd, entries.start, name, &stat)?
                {
                    self.changes.modified += 1;
                }
            }
            _ => self.missing(entries.start, stat.is_some())?,
        }
        Ok((next, usual.is_some()))
    }

    /// Where the entries of the path at `range.start` end.
    fn end_of_file(&self, range: &Range<usize>) -> usize {
        let path = self.paths.path(range.start);
        (range.start + 1..range.end)
            .find(|next| self.paths.path(*next) != path)
            .unwrap_or(range.end)
    }

    /// Counts a tracked file that is not there, or not there as a file (`replaced`), and a conflict in any case.
    fn missing(&mut self, position: usize, replaced: bool) -> Result<()> {
        let entry = &self.paths.entries[position];
        if entry.stage_raw() != 0 {
            self.changes.conflicted += 1;
        } else if self.is_watched(entry, replaced) {
            if entry.mode == entry::Mode::COMMIT {
                bail!("whether a submodule counts that is gone, its settings say");
            }
            self.changes.modified += 1;
        }
        Ok(())
    }

    /// Whether git looks at the file of this entry at all.
    fn is_watched(&self, entry: &gix::index::Entry, is_there: bool) -> bool {
        !entry.flags.contains(Flags::ASSUME_VALID)
            && (!entry.flags.contains(Flags::SKIP_WORKTREE) || is_there && self.sparse_checkout)
    }

    /// Whether what stands in the place of a tracked file differs from it: by its type, by its stat data, and where
    /// these cannot tell, by its content.
    fn is_modified(
        &mut self,
        fd: BorrowedFd<'_>,
        position: usize,
        name: &[u8],
        stat: &Stat,
    ) -> Result<bool> {
        let entry = &self.paths.entries[position];
        let is = file_type(stat);
        if entry.flags.contains(Flags::INTENT_TO_ADD) {
            return Ok(true);
        }
        if entry.mode == entry::Mode::COMMIT {
            if !is.is_dir() {
                bail!("whether a submodule counts that is gone, its settings say");
            }
            // It is not initialised.
            return Ok(false);
        }
        let wants_link = entry.mode == entry::Mode::SYMLINK;
        if if wants_link && self.capabilities.symlink {
            !is.is_symlink()
        } else {
            !is.is_file()
        } {
            return Ok(true);
        }
        let is_executable = stat.st_mode & 0o100 != 0;
        if !wants_link
            && self.capabilities.executable_bit
            && is_executable != (entry.mode == entry::Mode::FILE_EXECUTABLE)
        {
            return Ok(true);
        }
        let now = index_stat(stat);
        // Where the index was written without nanoseconds, a second is the best there is.
        let options = entry::stat::Options {
            use_nsec: self.stat.use_nsec && entry.stat.mtime.nsecs != 0,
            ..self.stat
        };
        // Git writes a size of 0 for a file that may have changed while the index was written.
        let is_known = (entry.stat.size == 0) == entry.id.is_empty_blob();
        if is_known
            && now.matches(&entry.stat, options)
            && !now.is_racy(self.index.timestamp(), options)
        {
            return Ok(false);
        }
        if entry.stat.size != 0 && entry.stat.size != now.size {
            return Ok(true);
        }
        let content = if is.is_symlink() {
            readlinkat(fd, name, Vec::new())?.into_bytes()
        } else {
            let mut content = Vec::new();
            File::from(openat(fd, name, FILE, Mode::empty())?).read_to_end(&mut content)?;
            content
        };
        let same = gix::objs::compute_hash(entry.id.kind(), Kind::Blob, &content)? == entry.id;
        let changes_text = conversions::changes_text(&content);
        if is.is_symlink() || same && !changes_text {
            return Ok(!same);
        }
        let may_change = match self.conversion(self.paths.path(position)) {
            Conversion::Nothing => false,
            Conversion::OfText => changes_text,
            Conversion::OfAnything => true,
        };
        if may_change {
            bail!("how a file would be stored, only git knows");
        }
        Ok(!same)
    }

    /// What git may do to this file before it stores it.
    fn conversion(&mut self, path: &BStr) -> Conversion {
        let everywhere = *self
            .everywhere
            .get_or_insert_with(|| conversions::everywhere(self.repo, self.workdir));
        everywhere.max(conversions::of_file(path, self.paths, self.workdir))
    }

    /// Counts what is in a directory besides the `present` things that are tracked: where there is as much as that,
    /// nothing.
    fn untracked(
        &mut self,
        fd: BorrowedFd<'_>,
        entries: &Range<usize>,
        prefix: &mut BString,
        present: usize,
    ) -> Result<()> {
        let mut listing = std::mem::take(&mut self.listing);
        listing.read(fd)?;
        let parent = prefix.len();
        if listing.len() != present {
            for (name, is) in listing.iter() {
                prefix.extend_from_slice(name);
                let is = known_type(fd, name, is);
                // A directory in the place of a tracked file has been counted as that file's deletion.
                let tracked = self.paths.tracks(entries, prefix.as_bstr(), is.is_dir());
                if !tracked && self.is_untracked(fd, name, is, prefix)? {
                    self.changes.untracked += 1;
                }
                prefix.truncate(parent);
            }
        }
        self.listing = listing;
        Ok(())
    }

    /// Whether `name` in the directory `fd`, `path` from the worktree's, is something to add: a file or link that is
    /// not ignored, a repository, or a directory with such a thing in it. Nothing in `path` is tracked.
    fn is_untracked(
        &mut self,
        fd: BorrowedFd<'_>,
        name: &[u8],
        is: FileType,
        path: &mut BString,
    ) -> Result<bool> {
        if is.is_file() || is.is_symlink() {
            return Ok(!self.is_ignored(path.as_bstr(), entry::Mode::FILE)?);
        }
        if !is.is_dir() || self.is_ignored(path.as_bstr(), entry::Mode::DIR)? {
            return Ok(false);
        }
        // Git warns of a directory that it may not read, and counts it as empty.
        let Ok(directory) = openat(fd, name, DIRECTORY, Mode::empty()) else {
            return Ok(false);
        };
        if statat(&directory, ".git", AtFlags::SYMLINK_NOFOLLOW).is_ok()
            && gix::discover::is_git(&self.absolute(path.as_bstr())?.join(".git")).is_ok()
        {
            return Ok(true);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            bail!("a directory is too deep");
        }
        let mut listing = Listing::default();
        listing.read(directory.as_fd())?;
        let parent = path.len();
        let mut found = false;
        for (name, is) in listing.iter() {
            path.push(b'/');
            path.extend_from_slice(name);
            let is = known_type(directory.as_fd(), name, is);
            found = self.is_untracked(directory.as_fd(), name, is, path)?;
            path.truncate(parent);
            if found {
                break;
            }
        }
        self.depth -= 1;
        Ok(found)
    }

    fn is_ignored(&mut self, path: &BStr, mode: entry::Mode) -> Result<bool> {
        if self.excludes.is_none() {
            let source = ignore::Source::WorktreeThenIdMappingIfNotSkipped;
            self.excludes = Some(self.repo.excludes(self.index, None, source)?);
        }
        let excludes = self
            .excludes
            .as_mut()
            .context("the ignore rules were just read")?;
        Ok(excludes.at_entry(path, Some(mode))?.is_excluded())
    }

    fn absolute(&self, path: &BStr) -> Result<PathBuf> {
        Ok(self.workdir.join(gix::path::from_bstr(path)?))
    }
}

/// Gives up before any work is done where a submodule is checked out: it is a worktree of its own, with settings of
/// its own for what of its changes counts.
fn refuse_submodules(root: BorrowedFd<'_>, paths: Paths<'_>) -> Result<()> {
    for (position, entry) in paths.entries.iter().enumerate() {
        if entry.mode == entry::Mode::COMMIT {
            let git_dir = [paths.path(position).as_bytes(), b"/.git"].concat();
            match statat(root, git_dir, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                _ => bail!("a submodule is checked out"),
            }
        }
    }
    Ok(())
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The type of `name`, asked for where the listing does not tell it.
fn known_type(fd: BorrowedFd<'_>, name: &[u8], listed: FileType) -> FileType {
    match listed {
        FileType::Unknown => {
            statat(fd, name, AtFlags::SYMLINK_NOFOLLOW).map_or(listed, |stat| file_type(&stat))
        }
        _ => listed,
    }
}

/// What the index would remember of a file: of each number the lowest 32 bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn index_stat(stat: &Stat) -> entry::Stat {
    entry::Stat {
        mtime: Time {
            secs: stat.st_mtime as u32,
            nsecs: stat.st_mtime_nsec as u32,
        },
        ctime: Time {
            secs: stat.st_ctime as u32,
            nsecs: stat.st_ctime_nsec as u32,
        },
        dev: stat.st_dev as u32,
        ino: stat.st_ino as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u32,
    }
}
