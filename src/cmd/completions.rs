//! `treehop completions`

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{generate, shells};
use clap_complete_nushell::Nushell;

use crate::cli::{self, Cli, Shell};
use crate::output;

/// Prints the completions of treehop itself. `completions/` holds what this prints, and `tests/install.rs` compares.
pub fn run(args: &cli::Completions) -> Result<()> {
    let mut text = Vec::new();
    let mut command = Cli::command();
    let name = "treehop";
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut text),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut text),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut text),
        Shell::Nu => generate(Nushell, &mut command, name, &mut text),
    }
    output::raw(&text)
}
