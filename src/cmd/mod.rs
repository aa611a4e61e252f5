//! One subcommand, one file.

mod claude;
mod completions;
mod doctor;
mod find;
mod here;
mod init;
mod install;
mod list;
mod new;
mod prune;
mod remove;
mod setup;
mod undo;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command};
use crate::error::{Exit, Failure};
use crate::output;

/// Runs the command that `args` name (the program's own name first).
///
/// # Errors
/// What the command fails with; a wrong command line is a [`Failure`] with [`Exit::Usage`].
pub fn run(args: impl Iterator<Item = OsString>) -> Result<()> {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    for dir in cli.directory.iter().filter(|dir| !dir.is_empty()) {
        std::env::set_current_dir(dir)
            .with_context(|| format!("could not enter '{}'", dir.display()))?;
    }
    match cli.command {
        Command::List(args) => list::run(args),
        Command::Find(args) => find::run(&args),
        Command::Here(args) => here::run(&args),
        Command::New(args) => new::run(&args),
        Command::Setup(args) => setup::run(&args),
        Command::Claude(args) => claude::run(&args),
        Command::Remove(args) => remove::run(&args),
        Command::Undo(args) => undo::run(&args),
        Command::Prune(args) => prune::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}

/// The current directory, a real path.
///
/// # Errors
/// [`Exit::NotFound`] where it was removed under somebody's feet.
fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(|_| {
        Failure::new(Exit::NotFound, "the current directory is gone")
            .hint("cd to another one, or wcd from there")
            .into()
    })
}

/// Help and version go to standard output; anything else becomes one line in treehop's own form.
fn usage(error: &clap::Error) -> Result<()> {
    let text = error.render();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return output::raw(text.to_string().as_bytes());
    }
    let text = text.to_string();
    let line = text.lines().next().unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "which command?"
        }
        _ => line.strip_prefix("error: ").unwrap_or(line),
    };
    let tip = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("tip: "));
    Err(Failure::new(Exit::Usage, message)
        .hint(tip.unwrap_or("treehop --help"))
        .into())
}
