//! The repositories that treehop was used in: one path a line in a file below the user's state folder.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;

use crate::file;
use crate::repo::Repo;

fn list() -> Option<PathBuf> {
    // Only Linux has a folder for state.
    Some(
        dirs::state_dir()
            .or_else(dirs::data_local_dir)?
            .join("treehop/repositories"),
    )
}

/// Remembers the repository. That it cannot be remembered (a read-only home) is no reason to fail.
pub fn remember(repo: &Repo) {
    let path = repo.main_path();
    let path = path.as_os_str().as_bytes();
    let Some(list) = list().filter(|_| !path.contains(&b'\n')) else {
        return;
    };
    let known = file::small(&list).unwrap_or_default();
    if known.lines().any(|line| line == path) {
        return;
    }
    let _ = list.parent().map(std::fs::create_dir_all);
    // One short write at the end: two at once do not mix.
    if let Ok(mut file) = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(list)
    {
        let _ = file.write_all(&[path, b"\n"].concat());
    }
}

/// Those that are still there, each once: two processes may have remembered one at the same time.
pub fn repositories() -> Vec<PathBuf> {
    let known = list()
        .and_then(|list| file::small(list).ok())
        .unwrap_or_default();
    let mut paths: Vec<PathBuf> = vec![];
    for line in known.lines() {
        let path = Path::new(OsStr::from_bytes(line));
        if path.is_absolute() && path.exists() && !paths.iter().any(|seen| seen == path) {
            paths.push(path.into());
        }
    }
    paths
}
