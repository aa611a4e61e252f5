//! treehop: JSON about git worktrees, for shell functions that hop between them.
//!
//! One way through: `main` → `cli` → `cmd/<name>` → `repo` and `worktree` → `output`.

#![cfg_attr(fuzzing, no_main)]

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
mod tab;
mod table;
mod unfinished;
mod venv;
mod watch;
mod worktree;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cmd::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}
