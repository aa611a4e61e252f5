//! Which virtual environment belongs to a worktree, and whether it may be used.
//!
//! Nobody gets a program into somebody's `PATH` by what they commit (DESIGN, "Virtual environments"): one that git
//! tracks, that leads out of the worktree or that another user can write to is named, and not activated.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use gix::bstr::{BStr, BString, ByteSlice};

use crate::file::others_can_write;
use crate::plain;

/// What was found.
#[derive(Debug, Default)]
pub struct Venv {
    /// The one to activate.
    pub path: Option<PathBuf>,
    /// Why one that is there is not used: a sentence for people.
    pub refused: Option<String>,
}

/// Looks for `names` in the worktree at `top` whose git directory is `git_dir`.
pub fn find(top: &Path, git_dir: &Path, names: &[BString]) -> Venv {
    let mut refused = None;
    for name in names {
        let relative = Path::new(OsStr::from_bytes(name));
        let path = top.join(relative);
        if !path.join("pyvenv.cfg").is_file() || !path.join("bin").is_dir() {
            continue;
        }
        match why_not(top, relative, git_dir) {
            None => {
                return Venv {
                    path: Some(path),
                    refused: None,
                };
            }
            Some(why) => {
                let name = plain::line(name);
                refused = refused.or_else(|| Some(format!("{name} {why}, so it is not activated")));
            }
        }
    }
    Venv {
        path: None,
        refused,
    }
}

/// PATH as in a shell that stands in a worktree with the environment `active`: the one that was inherited is left.
pub fn search_path(active: Option<&Path>) -> OsString {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let left = std::env::var_os("VIRTUAL_ENV").map(|venv| Path::new(&venv).join("bin"));
    let rest = std::env::split_paths(&inherited).filter(|dir| Some(dir) != left.as_ref());
    let own = active.map(|venv| venv.join("bin"));
    let path = std::env::join_paths(own.into_iter().chain(rest));
    // A directory with a colon in its name cannot be in PATH.
    path.unwrap_or(inherited)
}

/// Gives `command` the environment `active`, and none that was inherited.
pub fn activate(command: &mut Command, active: Option<&Path>) {
    for name in ["VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONHOME"] {
        command.env_remove(name);
    }
    command.env("PATH", search_path(active));
    if let Some(active) = active {
        command.env("VIRTUAL_ENV", active);
    }
}

fn why_not(top: &Path, name: &Path, git_dir: &Path) -> Option<&'static str> {
    let inside = name
        .components()
        .all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    let bin = top.join(name).join("bin");
    let is_link = |path: &Path| !path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    // Without a link on the way there is none that leads out.
    let linked = bin.ancestors().take_while(|dir| *dir != top).any(is_link);
    let followed = || {
        let (top, bin) = (top.canonicalize().ok()?, bin.canonicalize().ok()?);
        bin.strip_prefix(top).ok().map(Path::to_owned)
    };
    let real = if linked {
        followed()
    } else {
        Some(name.to_owned())
    };
    if top.as_os_str().as_bytes().contains(&b':') || name.as_os_str().as_bytes().contains(&b':') {
        return Some("has a colon in its path, which PATH cannot hold");
    }
    let (true, Some(real)) = (inside, real) else {
        return Some("leads out of the worktree");
    };
    // Who can write to the worktree itself can put another one in its place.
    let mut dirs = bin.ancestors().take_while(|dir| dir.starts_with(top));
    if dirs.any(|dir| dir.metadata().is_ok_and(|meta| others_can_write(&meta))) {
        return Some("can be written to by another user");
    }
    let is_tracked = |name: &Path| tracked(git_dir, name.as_os_str().as_bytes().as_bstr());
    (is_tracked(name) || linked && is_tracked(&real)).then_some("is tracked by git")
}

/// From this size on, in bytes, an index is read only once: reading 10 MB takes longer than all else at a `cd`.
const BIG: u64 = 256 * 1024;

/// Holds what was found in a big index, beside it: its stamp and the name that is not tracked.
const NOTE: &str = "treehop-untracked";

/// Does the index hold `name` or something below it? An index that cannot be read says yes.
fn tracked(git_dir: &Path, name: &BStr) -> bool {
    let index = git_dir.join("index");
    let Some(meta) = index.metadata().ok().filter(|meta| meta.len() >= BIG) else {
        return is_in(&index, name);
    };
    // Git never writes into an index: a new one takes its place, with another inode and time of change.
    let (mtime, ctime) = (
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    );
    let note = format!("{} {} {mtime:?} {ctime:?} {name:?}", meta.ino(), meta.len());
    let file = git_dir.join(NOTE);
    if crate::file::small(&file).is_ok_and(|known| known == note.as_bytes()) {
        return false;
    }
    let tracked = is_in(&index, name);
    if !tracked {
        // Where nothing can be written it is looked up each time.
        let written = crate::file::wary()
            .write(true)
            .create(true)
            .truncate(true)
            .open(file);
        let _ = written.and_then(|mut file| file.write_all(note.as_bytes()));
    }
    tracked
}

fn is_in(index: &Path, name: &BStr) -> bool {
    let Ok(content) = std::fs::read(index) else {
        return index.exists();
    };
    // Versions 2 and 3 hold paths as they are: where the name does not stand, there is nothing to parse. A split
    // index (extension `link`, then its size in four bytes) has entries in another file.
    let plain =
        matches!(content.get(4..8), Some([0, 0, 0, 2 | 3])) && !content.contains_str(b"link\0");
    if plain && !content.contains_str(name) {
        return false;
    }
    let options = gix::index::decode::Options::default();
    match gix::index::File::at(index, gix::hash::Kind::Sha1, true, options) {
        Ok(index) => {
            let below = [name.as_bytes(), b"/"].concat();
            index.entry_by_path(name).is_some()
                || index.prefixed_entries_range(below.as_bstr()).is_some()
        }
        Err(_) => true,
    }
}
