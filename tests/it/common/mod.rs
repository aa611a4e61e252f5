//! What every test stands on. A case is about eight lines; what is longer belongs here.

pub mod claude;
pub mod repo;
pub mod schema;
pub mod shell;
pub mod tmux;
pub mod tools;
pub mod treehop;

pub use repo::{Repo, Scratch};
pub use shell::Shell;
