//! `treehop remove`

use anyhow::Result;

use crate::cli;

/// Runs `treehop remove`.
pub fn run(_args: &cli::Remove) -> Result<()> {
    anyhow::bail!("not built yet")
}
