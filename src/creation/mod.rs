//! Making a worktree: where it goes, what it begins with, and how what is half-made is taken back.

pub mod candidates;
pub mod carry;
pub mod checkout;
pub mod place;
pub mod plan;
pub mod source;
