//! Reading a repository.

pub mod changes;
pub mod graph;
pub mod objects;
#[cfg(test)]
mod testing;
