//! What was renamed away is deleted by a process that nobody waits for.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::removal::removing::Removing;

/// Deletes what has been renamed away. Returns what could not be deleted.
pub fn empty(common_dir: &Path) -> Vec<String> {
    let left = Removing::left(common_dir);
    let over = left.into_iter().filter(Removing::is_over);
    let deleted = over.map(|removing| {
        removing.trash().iter().try_for_each(|dir| delete(dir))?;
        removing.done()
    });
    deleted
        .filter_map(|deleted| Some(format!("{:#}", deleted.err()?)))
        .collect()
}

/// Starts a process that deletes what has been renamed away, and does not wait for it.
pub fn empty_behind(common_dir: &Path) {
    if Removing::left(common_dir).is_empty() {
        return;
    }
    // Where it cannot be started, the next run does it.
    let _ = std::env::current_exe().and_then(|treehop| {
        Command::new(treehop)
            .args(["prune", "--behind"])
            .current_dir(common_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is not meant for it.
            .process_group(0)
            .spawn()
    });
}

/// Deletes a directory, if it is there.
///
/// # Errors
/// Something in it cannot be deleted.
pub fn delete(dir: &Path) -> Result<()> {
    let once = || match fs::remove_dir_all(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    };
    once()
        .or_else(|_| {
            // Some tools write-protect the directories of their caches.
            unprotect(dir)?;
            once()
        })
        .with_context(|| format!("could not delete '{}'", dir.display()))
}

fn unprotect(dir: &Path) -> std::io::Result<()> {
    let mode = dir.symlink_metadata()?.permissions().mode();
    fs::set_permissions(dir, fs::Permissions::from_mode(mode | 0o700))?;
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.file_type()?.is_dir() {
            unprotect(&entry.path())?;
        }
    }
    Ok(())
}
