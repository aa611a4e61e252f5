//! `treehop prune`

use anyhow::Result;

use crate::cli;

/// Runs `treehop prune`.
pub fn run(_args: &cli::Prune) -> Result<()> {
    anyhow::bail!("not built yet")
}
