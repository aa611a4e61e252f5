//! `treehop install`

use anyhow::Result;

use crate::cli;

/// Runs `treehop install`.
pub fn run(_args: &cli::Install) -> Result<()> {
    anyhow::bail!("not built yet")
}
