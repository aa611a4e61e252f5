//! What the arguments for claude ask of it, as far as treehop has to know.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// As first argument these start no session here.
const OTHER: [&str; 26] = [
    "agents",
    "attach",
    "auth",
    "auto-mode",
    "daemon",
    "doctor",
    "gateway",
    "install",
    "kill",
    "logs",
    "mcp",
    "plugin",
    "plugins",
    "project",
    "remote-control",
    "respawn",
    "rm",
    "setup-token",
    "stop",
    "ultrareview",
    "update",
    "upgrade",
    "-h",
    "--help",
    "-v",
    "--version",
];

/// Commands of some versions only; for the others they are prompts, so that they are guarded, and otherwise left alone.
const PERHAPS: [&str; 2] = ["import", "purge"];

/// The one-letter options that take a value, which may follow at once.
const WITH_VALUE: &[u8] = b"dnrw";

/// Arguments for claude.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(pub &'a [OsString]);

impl Words<'_> {
    fn first_is(self, known: &[&str]) -> bool {
        self.0
            .first()
            .is_some_and(|first| known.iter().any(|word| first == word))
    }

    /// Do they start a session? Where that is in doubt, they do.
    pub fn start_session(self) -> bool {
        !self.first_is(&OTHER)
    }

    /// May options stand before them?
    pub fn take_options(self) -> bool {
        self.start_session() && !self.first_is(&PERHAPS)
    }

    /// Is the conversation named, or one with a name of its own gone on with?
    pub fn name(self) -> bool {
        self.resume() || self.has(&["--name", "--worktree"], b"nw")
    }

    /// Is a model named?
    pub fn model(self) -> bool {
        self.has(&["--model"], b"")
    }

    /// Is an earlier conversation gone on with?
    pub fn resume(self) -> bool {
        let options = ["--resume", "--continue", "--from-pr", "--teleport"];
        self.has(&options, b"rc")
    }

    /// Does the session begin in the background, and claude return?
    pub fn background(self) -> bool {
        self.has(&["--bg", "--background"], b"")
    }

    /// Is there an option that is one of these?
    fn has(self, long: &[&str], short: &[u8]) -> bool {
        self.0
            .iter()
            .take_while(|word| *word != "--")
            .any(|word| match word.as_bytes() {
                [b'-', b'-', ..] => {
                    let option = word.as_bytes().split(|b| *b == b'=').next();
                    long.iter().any(|long| option == Some(long.as_bytes()))
                }
                // `-cp` is `-c -p`, and `-nauth` is `-n auth`.
                [b'-', letters @ ..] => {
                    let value = letters.iter().position(|b| WITH_VALUE.contains(b));
                    let options = &letters[..value.map_or(letters.len(), |at| at + 1)];
                    options.iter().any(|b| short.contains(b))
                }
                _ => false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// May options be added, and is a name, a model, a resumption, the background asked for?
    fn asked(words: &str) -> [bool; 5] {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let words = Words(&words);
        [
            words.take_options(),
            words.name(),
            words.model(),
            words.resume(),
            words.background(),
        ]
    }

    #[test]
    fn what_words_ask_for() {
        let (yes, no) = (true, false);
        for (words, right) in [
            ("", [yes, no, no, no, no]),
            ("do mcp", [yes, no, no, no, no]),
            ("-p mcp", [yes, no, no, no, no]),
            ("mcp list", [no, no, no, no, no]),
            ("--version", [no, no, no, no, no]),
            ("import x", [no, no, no, no, no]),
            ("--name x", [yes, yes, no, no, no]),
            ("-n x --model=y", [yes, yes, yes, no, no]),
            ("-nx", [yes, yes, no, no, no]),
            ("--models y", [yes, no, no, no, no]),
            ("-p --resume=1", [yes, yes, no, yes, no]),
            ("-pc more", [yes, yes, no, yes, no]),
            ("-dcrn", [yes, no, no, no, no]),
            ("--from-pr 3", [yes, yes, no, yes, no]),
            ("-w", [yes, yes, no, no, no]),
            ("--bg x", [yes, no, no, no, yes]),
            ("-- --bg --name --model -c", [yes, no, no, no, no]),
        ] {
            assert_eq!(asked(words), right, "{words}");
        }
        assert!(Words(&["import".into()]).start_session());
        assert!(!Words(&["mcp".into()]).start_session());
    }
}
