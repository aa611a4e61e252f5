//! Names and texts that are hostile to shells, terminals and parsers, through every command.

mod binary;
pub mod generator;
mod inputs;
mod messages;
mod shells;

use std::path::Path;

/// Would a terminal obey it? What stands between the marks is left out on purpose: U+200C and U+200D join letters.
pub fn obeyed(c: char) -> bool {
    let marks = [
        ('\0', '\u{1f}'),
        ('\u{7f}', '\u{9f}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{200b}', '\u{200b}'),
        ('\u{200e}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2060}', '\u{206f}'),
        ('\u{feff}', '\u{feff}'),
    ];
    marks.iter().any(|(from, to)| (*from..=*to).contains(&c))
}

/// Fails where a terminal would obey something in `text`, which has lines and tabs at most.
#[track_caller]
pub fn harmless(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let bad = text.find(|c| obeyed(c) && c != '\n' && c != '\t');
    assert!(
        bad.is_none(),
        "{what} shows {:?}",
        &text[bad.unwrap_or_default()..]
    );
}

/// Fails where a name was run: each that holds a command would make a file `pwned`.
#[track_caller]
pub fn nothing_ran(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        assert_ne!(
            entry.file_name(),
            "pwned",
            "a name was run in {}",
            dir.display()
        );
        // `tools` and the like are links to the machine's.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            nothing_ran(&entry.path());
        }
    }
}
