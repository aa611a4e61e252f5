//! Other people's words on a screen: nothing in them moves the cursor, turns letters round or stands there unseen.

use std::fmt::Arguments;

use gix::bstr::{BStr, BString};

/// Is `c` obeyed by a terminal rather than shown? Controls (C1 too), separators of lines, marks that turn the order of
/// letters round, and what has no width and no use in a name. The shells know the same of what a prompt shows.
pub fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` on one line, what is [`hidden`] as `?`.
pub fn line(text: &impl ToString) -> String {
    text.to_string().replace(hidden, "?")
}

/// The same, with its lines and tabs.
pub fn lines(text: &str) -> String {
    text.replace(|c| hidden(c) && c != '\n' && c != '\t', "?")
}

/// As [`line`], where what is not UTF-8 is to stay as it is.
pub fn bytes(text: &BStr) -> BString {
    let mut plain = BString::default();
    for chunk in text.utf8_chunks() {
        plain.extend_from_slice(chunk.valid().replace(hidden, "?").as_bytes());
        plain.extend_from_slice(chunk.invalid());
    }
    plain
}

/// As `eprintln`, for words that others have written parts of: `say!("'{name}' is back")`.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::plain::print(format_args!($($words)*))
    };
}

/// Prints `words` as a line for people.
pub fn print(words: Arguments) {
    eprintln!("{}", lines(&words.to_string()));
}
