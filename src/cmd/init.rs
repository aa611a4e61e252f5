//! `treehop init`

use anyhow::Result;

use crate::cli;

/// Runs `treehop init`.
pub fn run(_args: &cli::Init) -> Result<()> {
    anyhow::bail!("not built yet")
}
