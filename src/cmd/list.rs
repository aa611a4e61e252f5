//! `treehop list`

use anyhow::Result;

use crate::cli;

/// Runs `treehop list`.
pub fn run(_args: cli::List) -> Result<()> {
    anyhow::bail!("not built yet")
}
