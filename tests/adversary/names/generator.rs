//! Hostile names, the same ones in each run.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// What a shell, a terminal, git or treehop itself could take for more than letters. Those in the first list may stand
/// in the name of a branch.
const ANYWHERE: [&str; 44] = [
    "$(touch${IFS}pwned)",
    "`touch${IFS}pwned`",
    ";touch${IFS}pwned;",
    "|touch${IFS}pwned|",
    "&&touch${IFS}pwned&&",
    "'",
    "\"",
    "'\"'",
    "%F{red}",
    "%n%%",
    "%(!.a.b)",
    "#(touch${IFS}pwned)",
    "#{pane_id}",
    "$PATH",
    "${PATH}",
    "$((1+1))",
    "(touch)",
    "(^touch pwned)",
    "{||}",
    "{branch}",
    "{repo}",
    "!!",
    "!$",
    "<pwned",
    ">out",
    "\u{9b}31m",
    "\u{85}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{61c}",
    "\u{7f3a}",
    "🦀",
    "e\u{301}",
    "--force",
    "-rf",
    "=",
    "#",
    "@",
    ",",
    "true",
    "%0a",
];
const NOT_IN_BRANCHES: [&str; 20] = [
    "\x1b[31m",
    "\x1b]0;pwned\x07",
    "\x1bP+q\x1b\\",
    "\x07",
    "\x08\x08",
    "\r",
    "\n",
    "\\u\\w",
    "\\[\\e[31m\\]",
    "\\$(touch pwned)",
    "~",
    "*",
    "?",
    "[a-z]",
    " ",
    "\t",
    "^",
    ":",
    "\x7f",
    "\\",
];

/// A generator of numbers (xorshift) that needs no luck.
pub struct Generator(u64);

impl Generator {
    /// The one that begins with `seed`.
    pub fn new(seed: u64) -> Self {
        Generator(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn piece(&mut self, pieces: &[&'static str]) -> &'static str {
        pieces[self.below(pieces.len())]
    }

    /// The bytes of a name, of pieces that git allows in a branch or of all; at most 255, which some have in full.
    fn bytes(&mut self, all: bool) -> Vec<u8> {
        let mut name = vec![];
        for _ in 0..=self.below(4) {
            let piece = if all && self.below(2) == 0 {
                self.piece(&NOT_IN_BRANCHES)
            } else {
                self.piece(&ANYWHERE)
            };
            name.extend_from_slice(piece.as_bytes());
            match self.below(8) {
                0 => name.push(b'-'),
                1 => name.push(b'.'),
                // No UTF-8: é as it was in 1990, and a control in eight bits.
                2 => name.push([0xe9, 0x9b, 0xff][self.below(3)]),
                _ => name.push(b"abcdefgh"[self.below(8)]),
            }
        }
        if self.below(12) == 0 {
            name.resize(255, b'x');
        }
        name
    }

    /// A name for a directory, no other has it: `number` is somewhere in it.
    pub fn directory(&mut self, number: usize) -> OsString {
        let own = format!("{number}");
        let mut name = self.bytes(true);
        name.truncate(255 - own.len());
        // At the end, so that a leading dash stays leading.
        name.extend_from_slice(own.as_bytes());
        name.retain(|byte| *byte != b'/' && *byte != 0);
        OsString::from_vec(name)
    }

    /// A name for a branch that git allows; none begins with another and a slash.
    pub fn branch(&mut self, number: usize) -> OsString {
        let mut name = self.bytes(false);
        name.retain(|byte| !b" ~^:?*[\\".contains(byte) && *byte >= 0x20 && *byte != 0x7f);
        while name.first().is_some_and(|byte| b"-.".contains(byte)) {
            name.remove(0);
        }
        let mut whole = format!("n{number}/").into_bytes();
        // A branch may begin with `-` behind a slash only; git makes a file of its name and `.lock`.
        whole.extend_from_slice(&name);
        whole.truncate(240);
        let mut text = whole;
        for (bad, good) in [
            (&b".."[..], &b".x"[..]),
            (b"@{", b"@x"),
            (b".lock", b"_lock"),
        ] {
            while let Some(at) = text.windows(bad.len()).position(|part| part == bad) {
                text.splice(at..at + bad.len(), good.iter().copied());
            }
        }
        text.push(b'z');
        OsString::from_vec(text)
    }

    /// A text: what somebody is called, or says.
    pub fn text(&mut self) -> OsString {
        let mut text = self.bytes(true);
        text.retain(|byte| *byte != b'\n' && *byte != 0);
        OsString::from_vec(text)
    }
}
