//! Which virtual environment belongs to a worktree, and whether it may be used.
//!
//! Nobody gets a program into somebody's `PATH` by what they commit (DESIGN, "Virtual environments"): one that git
//! tracks, that leads out of the worktree or that another user can write to is named, and not activated.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use gix::bstr::{BStr, BString, ByteSlice};

use crate::plain;

/// What was found.
#[derive(Debug, Default)]
pub struct Venv {
    /// The one to activate.
    pub path: Option<PathBuf>,
    /// Why one that is there is not used: a sentence for people.
    pub refused: Option<String>,
}

/// Looks for `names` in the worktree at `top` whose index is `index`.
pub fn find(top: &Path, index: &Path, names: &[BString]) -> Venv {
    let mut refused = None;
    for name in names {
        let relative = Path::new(OsStr::from_bytes(name));
        let path = top.join(relative);
        if !path.join("pyvenv.cfg").is_file() || !path.join("bin").is_dir() {
            continue;
        }
        match why_not(top, relative, index) {
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

fn why_not(top: &Path, name: &Path, index: &Path) -> Option<&'static str> {
    let inside = name
        .components()
        .all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    let bin = top.join(name).join("bin");
    let bin_inside = top
        .canonicalize()
        .ok()
        .zip(bin.canonicalize().ok())
        .is_some_and(|(top, bin)| bin.starts_with(top));
    if top.as_os_str().as_bytes().contains(&b':') || name.as_os_str().as_bytes().contains(&b':') {
        return Some("has a colon in its path, which PATH cannot hold");
    }
    if !inside || !bin_inside {
        return Some("leads out of the worktree");
    }
    if [&top.join(name), &bin]
        .into_iter()
        .any(|dir| others_can_write(dir))
    {
        return Some("can be written to by another user");
    }
    tracked(index, name.as_os_str().as_bytes().as_bstr()).then_some("is tracked by git")
}

/// Everybody may write, or a group that is not the user's own, or the owner is neither the user nor root.
fn others_can_write(dir: &Path) -> bool {
    let Ok(meta) = dir.metadata() else {
        return true;
    };
    let own = meta.uid() == rustix::process::geteuid().as_raw() || meta.uid() == 0;
    let group = meta.mode() & 0o020 != 0 && meta.gid() != rustix::process::getegid().as_raw();
    !own || group || meta.mode() & 0o002 != 0
}

/// Does the index hold `name` or something below it? An index that cannot be read says yes.
fn tracked(index: &Path, name: &BStr) -> bool {
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
