//! Worktrees for eyes.

use anyhow::Result;

use crate::worktree::Worktree;

/// Prints them as a table.
pub fn print(worktrees: &[Worktree]) -> Result<()> {
    crate::output::json(&worktrees)
}
