//! treehop: JSON about git worktrees, for shell functions that hop between them.
//!
//! One way through: `main` → `cli` → `cmd/<name>` → `repo` and `worktree` → `output`.

#![cfg_attr(
    any(fuzzing, all(target_os = "linux", target_env = "gnu", not(test))),
    no_main
)]

#[macro_use]
mod embedded;
#[macro_use]
mod plain;

mod block;
mod claude;
mod cli;
mod cmd;
mod creation;
mod error;
mod file;
mod forge;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod git;
mod help;
mod interrupt;
mod journal;
mod known;
mod merged;
mod merging;
mod output;
mod parallel;
mod places;
mod query;
mod reader;
mod remote;
mod removal;
mod repo;
mod search;
mod session;
mod setup;
mod shell;
#[cfg(all(target_os = "linux", target_env = "gnu", not(any(fuzzing, test))))]
mod start;
mod tab;
mod table;
mod unfinished;
mod venv;
mod watch;
mod worktree;

#[cfg(any(test, not(all(target_os = "linux", target_env = "gnu"))))]
fn main() -> std::process::ExitCode {
    run().into()
}

/// The status to end with.
fn run() -> u8 {
    cmd::run(std::env::args_os()).map_or_else(|error| error::report(&error), |()| 0)
}
