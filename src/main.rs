//! treehop: JSON about git worktrees, for shell functions that hop between them.
//!
//! One way through: `main` → `cli` → `cmd/<name>` → `repo` and `worktree` → `output`.

mod block;
mod cli;
mod cmd;
mod error;
mod file;
mod output;
mod places;
mod repo;
mod shell;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cmd::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}
