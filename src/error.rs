//! How a command fails: one line that says what went wrong, one that helps, and an exit status with a meaning.

use std::fmt::{self, Write};

/// The exit statuses, the same for every command. A script may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something that no other status names: a file that cannot be written, git that fails.
    Failed = 1,
    /// The command line is not understood.
    Usage = 2,
    /// There is no such worktree, or no repository here.
    NotFound = 3,
    /// Several worktrees fit and nobody could be asked.
    Ambiguous = 4,
    /// Refused, to protect somebody's work or a live session.
    Refused = 5,
    /// A merge would conflict.
    Conflict = 6,
}

/// A failure that people read: `treehop: MESSAGE`, then a `hint: …` line where something helps.
#[derive(Debug)]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// What went wrong, without a full stop; lines after the first are details.
    pub message: String,
    /// The command or setting that helps.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// The same failure with a line below it for each of `details`.
    #[must_use]
    pub fn listing(mut self, details: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        for detail in details {
            let _ = write!(self.message, "\n  {detail}");
        }
        self
    }

    /// The same failure with the command that helps.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Prints `error` for people and returns the status to end with; does not return where a signal asked for the end.
pub fn report(error: &anyhow::Error) -> u8 {
    let failure = error.downcast_ref::<Failure>();
    say!("treehop: {error:#}");
    if let Some(hint) = failure.and_then(|f| f.hint.as_ref()) {
        say!("hint: {hint}");
    }
    crate::interrupt::end();
    failure.map_or(Exit::Failed, |f| f.exit) as u8
}
