//! `treehop here`

use anyhow::Result;

use crate::cli;

/// Runs `treehop here`.
pub fn run(_args: cli::Here) -> Result<()> {
    anyhow::bail!("not built yet")
}
