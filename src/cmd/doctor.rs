//! `treehop doctor`

use anyhow::Result;

use crate::cli;

/// Runs `treehop doctor`.
pub fn run(_args: &cli::Doctor) -> Result<()> {
    anyhow::bail!("not built yet")
}
