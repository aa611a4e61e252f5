//! `treehop new`

use anyhow::Result;

use crate::cli;

/// Runs `treehop new`.
pub fn run(_args: &cli::New) -> Result<()> {
    anyhow::bail!("not built yet")
}
