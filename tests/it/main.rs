//! treehop as people meet it: the real binary, real git, real shells in a real terminal.
//!
//! One test target, so that it is linked once. `tests/run.sh` installs what it needs.

mod common;

mod documents;
mod find;
mod here;
mod life;
mod list;
mod live;
mod loading;
mod odd;
mod package;
mod picker;
mod pictures;
mod scenarios;
mod sessions;
mod tab;
mod trying;
