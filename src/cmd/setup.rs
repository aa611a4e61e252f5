//! `treehop setup`

use anyhow::Result;

use crate::cli;

/// Runs `treehop setup`.
pub fn run(_args: &cli::Setup) -> Result<()> {
    anyhow::bail!("not built yet")
}
