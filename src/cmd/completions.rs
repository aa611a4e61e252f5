//! `treehop completions`

use anyhow::Result;

use crate::cli;

/// Runs `treehop completions`.
pub fn run(_args: &cli::Completions) -> Result<()> {
    anyhow::bail!("not built yet")
}
