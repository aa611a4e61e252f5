//! `treehop find`

use anyhow::Result;

use crate::cli;

/// Runs `treehop find`.
pub fn run(_args: cli::Find) -> Result<()> {
    anyhow::bail!("not built yet")
}
