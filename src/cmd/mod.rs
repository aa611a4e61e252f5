//! One subcommand, one file.

mod claude;
mod completions;
mod doctor;
mod find;
mod help;
mod here;
mod hook;
mod init;
pub mod install;
mod list;
mod merge;
mod new;
mod pr;
mod prune;
mod remove;
mod setup;
mod statusline;
mod undo;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::error::ErrorKind;

use crate::cli::{Cli, Command, Frequent};
use crate::error::{Exit, Failure};
use crate::help::FUNCTIONS;
use crate::output;

/// Runs the command that `args` name (the program's own name first).
///
/// # Errors
/// What the command fails with; a wrong command line is a [`Failure`] with [`Exit::Usage`].
pub fn run(args: impl Iterator<Item = OsString>) -> Result<()> {
    let args: Vec<OsString> = args.collect();
    // A shell function that asks for fields reads them from standard output: help is not among them.
    let captured = args.iter().any(|arg| arg == "--fields");
    let cli = match Cli::read(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, captured),
    };
    for dir in cli.directory.iter().filter(|dir| !dir.is_empty()) {
        std::env::set_current_dir(dir)
            .with_context(|| format!("could not enter '{}'", dir.display()))?;
    }
    match cli.command {
        Command::Frequent(Frequent::List(args)) => list::run(args),
        Command::Frequent(Frequent::Find(args)) => find::run(&args),
        Command::Frequent(Frequent::Here(args)) => here::run(&args),
        Command::New(args) => new::run(&args),
        Command::Setup(args) => setup::run(&args),
        Command::Claude(args) => claude::run(&args),
        Command::Remove(args) => remove::run(&args),
        Command::Undo(args) => undo::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Pr(args) => pr::run(&args),
        Command::Prune(args) => prune::run(&args),
        Command::Hook(args) => hook::run(&args),
        Command::Statusline => statusline::run(),
        Command::Init(args) => init::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Help(args) => help::run(&args),
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

/// Help and version go to standard output, unless that is `captured`; anything else becomes one line in treehop's own
/// form.
fn usage(error: &clap::Error, captured: bool) -> Result<()> {
    let text = error.render();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        if captured {
            eprint!("{text}");
            return Ok(());
        }
        return output::raw(text.to_string().as_bytes());
    }
    let text = text.to_string();
    let line = text.lines().next().unwrap_or_default();
    let missing = text.lines().nth(1).unwrap_or_default().trim();
    let missing = format!("{missing} is missing");
    let message = match error.kind() {
        ErrorKind::MissingRequiredArgument => &missing,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "which command?"
        }
        _ => line.strip_prefix("error: ").unwrap_or(line),
    };
    let said = |prefix| {
        let lines = text.lines().map(str::trim_start);
        lines.into_iter().find_map(|line| line.strip_prefix(prefix))
    };
    let tip = said("tip: ").or_else(|| Some(said("[possible values: ")?.trim_end_matches(']')));
    let usage = text
        .lines()
        .find_map(|line| line.strip_prefix("Usage: "))
        .unwrap_or("treehop");
    let words = usage.split(' ');
    let command = words.take_while(|word| !word.starts_with(['[', '<', '-']));
    let command: Vec<_> = command.collect();
    let mut functions = FUNCTIONS.iter();
    let function = functions.find(|(_, name, ..)| command.last() == Some(name));
    let help = function.map_or_else(
        || format!("{} --help", command.join(" ")),
        |(function, ..)| format!("{function} -h"),
    );
    Err(Failure::new(Exit::Usage, message)
        .hint(tip.unwrap_or(&help))
        .into())
}
