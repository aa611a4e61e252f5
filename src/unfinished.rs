//! What an interrupted run has left half-done is ended by the next one that changes worktrees.

use std::sync::Mutex;

use anyhow::Result;

use crate::creation::plan;
use crate::git;
use crate::journal::{Kind, Turn};
use crate::merging::doing;
use crate::removal::{removing, restoring, trash};
use crate::repo::Repo;

/// Ends what was left half-done, first thing in each command that changes worktrees. True: something changed, so that
/// what `repo` has read no longer holds.
///
/// # Errors
/// The git directory cannot be written, or there is no git.
pub fn resume(repo: &Repo) -> Result<bool> {
    git::present()?;
    let common_dir = &repo.common_dir;
    let none = |kind: Kind| kind.files(common_dir).is_empty();
    if Kind::ALL.into_iter().all(none) {
        return Ok(false);
    }
    let changed = end(repo, &Turn::wait(common_dir)?);
    trash::empty_behind(common_dir);
    Ok(changed)
}

/// Waits for one's [`Turn`], and ends what runs have left half-done that were killed in theirs. To be held around what
/// git does with worktrees, and not around what takes long.
///
/// # Errors
/// The git directory cannot be written, or there is no git.
pub fn turn(repo: &Repo) -> Result<Turn> {
    git::present()?;
    let turn = Turn::wait(&repo.common_dir)?;
    end(repo, &turn);
    Ok(turn)
}

/// What cannot be ended is tried several times in a run, and said once.
static SAID: Mutex<Vec<String>> = Mutex::new(vec![]);

/// Ends it, and says what was.
fn end(repo: &Repo, turn: &Turn) -> bool {
    let ends = [
        plan::resume,
        doing::resume,
        removing::resume,
        restoring::resume,
    ];
    let said: Vec<String> = ends.iter().flat_map(|end| end(repo, turn)).collect();
    if let Ok(mut before) = SAID.lock() {
        for line in said.iter().filter(|line| !before.contains(line)) {
            say!("treehop: {line}");
        }
        before.extend_from_slice(&said);
    }
    !said.is_empty()
}
