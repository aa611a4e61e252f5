//! `treehop undo`

use anyhow::Result;

use crate::cli;

/// Runs `treehop undo`.
pub fn run(_args: &cli::Undo) -> Result<()> {
    anyhow::bail!("not built yet")
}
