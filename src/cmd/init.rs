//! `treehop init`

use anyhow::Result;

use crate::{cli, output};

/// Prints the integration of a shell, byte for byte.
pub fn run(args: &cli::Init) -> Result<()> {
    output::raw(args.shell.integration().as_bytes())
}
