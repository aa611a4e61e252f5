//! Other people's words on a screen: nothing in them moves the cursor, turns letters round or stands there unseen.

use std::fmt::Arguments;
use std::io::{BufReader, Read, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

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

/// What a program says on standard error, on its way to ours.
pub struct Relay(Receiver<()>);

impl Relay {
    /// Passes on, made plain, what `child` says where its standard error comes here.
    pub fn of(child: &mut Child) -> Self {
        let (done, end) = channel();
        if let Some(said) = child.stderr.take() {
            std::thread::spawn(move || {
                pass_on(said);
                drop(done);
            });
        }
        Relay(end)
    }

    /// Waits for its last words, and not for others that hold its standard error open, as a shared connection of ssh does.
    pub fn end(self) {
        let _ = self.0.recv_timeout(Duration::from_secs(1));
    }
}

/// Line by line: how far it is comes on one line again and again.
fn pass_on(said: impl Read) {
    let mut said = BufReader::new(said)
        .bytes()
        .map_while(Result::ok)
        .peekable();
    while said.peek().is_some() {
        let mut line = vec![];
        let mut end = None;
        for byte in said.by_ref() {
            if matches!(byte, b'\n' | b'\r') {
                end = Some(byte);
                break;
            }
            line.push(byte);
        }
        let mut line = lines(&String::from_utf8_lossy(&line)).into_bytes();
        line.extend(end);
        let _ = std::io::stderr().write_all(&line);
    }
}
