//! The repositories that treehop was used in: one path a line in a file below the user's state folder.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;

use crate::file;
use crate::repo::Repo;

/// The folder that it is in.
pub fn folder() -> Option<PathBuf> {
    // Only Linux has a folder for state.
    let state = dirs::state_dir().or_else(dirs::data_local_dir)?;
    Some(state.join("treehop"))
}

/// Opens the list, if nobody else can have written it, or can have it written somewhere else.
fn open(folder: &Path, options: &mut OpenOptions) -> Option<File> {
    if file::others_can_write(&folder.metadata().ok()?) {
        return None;
    }
    let list = options.open(folder.join("repositories")).ok()?;
    let meta = list.metadata().ok()?;
    (meta.is_file() && !file::others_can_write(&meta)).then_some(list)
}

fn read(folder: &Path) -> Vec<u8> {
    let file = open(folder, file::wary().read(true));
    file.and_then(|file| file::short(file).ok())
        .unwrap_or_default()
}

/// Remembers the repository. That it cannot be remembered (a read-only home) is no reason to fail.
pub fn remember(repo: &Repo) {
    let path = repo.main_path();
    let path = path.as_os_str().as_bytes();
    let Some(folder) = folder().filter(|_| !path.contains(&b'\n')) else {
        return;
    };
    if read(&folder).lines().any(|line| line == path) {
        return;
    }
    let _ = std::fs::create_dir_all(&folder);
    // One short write at the end: two at once do not mix.
    if let Some(mut file) = open(&folder, file::wary().append(true).create(true)) {
        let _ = file.write_all(&[path, b"\n"].concat());
    }
}

/// Those that are still there, each once: two processes may have remembered one at the same time.
pub fn repositories() -> Vec<PathBuf> {
    let known = folder().map(|folder| read(&folder)).unwrap_or_default();
    let mut paths: Vec<PathBuf> = vec![];
    for line in known.lines() {
        let path = Path::new(OsStr::from_bytes(line));
        if path.is_absolute() && path.exists() && !paths.iter().any(|seen| seen == path) {
            paths.push(path.into());
        }
    }
    paths
}
