//! The marked block in somebody's start-up file: everything around it is theirs and is kept byte for byte.

use std::fmt;

/// The line that opens the block; `#` starts a comment in all four shells.
const BEGIN: &str = "# >>> treehop >>>";
/// The line that closes it, perhaps followed by notes.
const END: &str = "# <<< treehop <<<";
/// A note on [`END`]: the newline before the block is ours, the file did not end with one.
const NEWLINE: &str = " (and the newline before)";
/// A note on [`END`]: the file is ours, it was not there before.
const FILE: &str = " (and the file)";

/// Where the block lies in a text.
struct Span {
    /// The first byte of the line [`BEGIN`].
    start: usize,
    /// Behind the last byte of the line [`END`], its line ending not included.
    end: usize,
    /// The notes on [`END`].
    notes: String,
}

/// A text whose markers do not make one block. Guessing where it ends could delete somebody's lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The line of the marker that does not fit, from 1.
    line: usize,
    what: &'static str,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is {}", self.line, self.what)
    }
}

/// Finds the one block of `text`.
fn locate(text: &[u8]) -> Result<Option<Span>, Damaged> {
    let mut found = None;
    let mut open = None;
    let mut start = 0;
    for (number, with_ending) in (1..).zip(text.split_inclusive(|&b| b == b'\n')) {
        // Trimmed, so that a block that an editor gave CRLF endings or an indentation is still known.
        let line = with_ending.trim_ascii();
        let damaged = |what| Err(Damaged { line: number, what });
        if line == BEGIN.as_bytes() {
            if open.is_some() {
                return damaged("a second opening marker without a closing one between them");
            }
            if found.is_some() {
                return damaged("the start of a second block");
            }
            open = Some((start, number));
        } else if let Some(notes) = line.strip_prefix(END.as_bytes()) {
            let Some((begin, _)) = open.take() else {
                return damaged("a closing marker without an opening one");
            };
            let end = start + with_ending.trim_ascii_end().len();
            found = Some(Span {
                start: begin,
                end,
                notes: String::from_utf8_lossy(notes).into_owned(),
            });
        }
        start += with_ending.len();
    }
    match open {
        Some((_, line)) => Err(Damaged {
            line,
            what: "an opening marker without a closing one",
        }),
        None => Ok(found),
    }
}

/// Returns `text` with `lines` (each with its newline) as its block: in place of the one that is there, else at the
/// end. No `text` means that there is no file yet.
pub fn put(text: Option<&[u8]>, lines: &str) -> Result<Vec<u8>, Damaged> {
    let old = text.unwrap_or_default();
    let block = |notes: &str| format!("{BEGIN}\n{lines}{END}{notes}").into_bytes();
    if let Some(Span { start, end, notes }) = locate(old)? {
        return Ok([&old[..start], &block(&notes), &old[end..]].concat());
    }
    let joined = !old.is_empty() && !old.ends_with(b"\n");
    let notes = match text {
        None => FILE,
        Some(_) if joined => NEWLINE,
        Some(_) => "",
    };
    // Our last line always ends: what an installer appends next must not land in the comment.
    Ok([old, if joined { b"\n" } else { b"" }, &block(notes), b"\n"].concat())
}

/// What is left of a file without its block.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// There was no block.
    Absent,
    /// The file as it was before.
    Text(Vec<u8>),
    /// Nothing: the file was made for the block.
    NoFile,
}

/// Takes the block out of `text`, and with it what [`put`] noted that it added around it.
pub fn take(text: &[u8]) -> Result<Taken, Damaged> {
    let Some(Span { start, end, notes }) = locate(text)? else {
        return Ok(Taken::Absent);
    };
    let after = &text[end..];
    let after = after
        .strip_prefix(b"\r\n")
        .or(after.strip_prefix(b"\n"))
        .unwrap_or(after);
    let mut before = &text[..start];
    if after.is_empty() && notes.contains(NEWLINE) {
        before = before.strip_suffix(b"\n").unwrap_or(before);
    }
    if before.is_empty() && after.is_empty() && notes.contains(FILE) {
        return Ok(Taken::NoFile);
    }
    Ok(Taken::Text([before, after].concat()))
}

/// Whether a line of `text` outside the block, comments left out, contains `word`.
pub fn mentions(text: &[u8], word: &str) -> bool {
    let span = locate(text).ok().flatten().map_or(0..0, |s| s.start..s.end);
    let outside = [&text[..span.start], &text[span.end..]].concat();
    outside.split(|&b| b == b'\n').any(|line| {
        !line.trim_ascii_start().starts_with(b"#")
            && memchr::memmem::find(line, word.as_bytes()).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_can_be_taken_out_without_a_trace() {
        let texts: [&[u8]; 9] = [
            b"",
            b"\n",
            b"a",
            b"a\n",
            b"a\n\n",
            b"a\r\nb\r\n",
            b"a\r\nb",
            b"a\r",
            b"\xff\xfe\n# >>> other >>>",
        ];
        for text in texts {
            let once = put(Some(text), "one\n").unwrap();
            assert!(once.starts_with(text) && once.ends_with(b"\n"), "{text:?}");
            assert_eq!(put(Some(&once), "one\n").unwrap(), once, "{text:?}");
            let again = put(Some(&once), "two\nlines\n").unwrap();
            assert_eq!(
                take(&again).unwrap(),
                Taken::Text(text.to_vec()),
                "{text:?}"
            );
        }
        let made = put(None, "one\n").unwrap();
        assert_eq!(take(&made).unwrap(), Taken::NoFile);
        assert_eq!(take(b"a\n").unwrap(), Taken::Absent);
    }

    #[test]
    fn what_was_added_around_it_later_stays() {
        let mut text = put(Some(b"a"), "one\n").unwrap();
        text.extend(b"b\n");
        assert_eq!(
            take(&put(Some(&text), "two\n").unwrap()).unwrap(),
            Taken::Text(b"a\nb\n".to_vec())
        );
        let mut made = put(None, "one\n").unwrap();
        made.extend(b"mine");
        assert_eq!(take(&made).unwrap(), Taken::Text(b"mine".to_vec()));
        let crlf = String::from_utf8(put(Some(b"a\n"), "one\n").unwrap())
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(
            take(crlf.as_bytes()).unwrap(),
            Taken::Text(b"a\r\n".to_vec())
        );
    }

    #[test]
    fn a_damaged_block_is_named_by_its_line() {
        let (b, e) = (BEGIN, END);
        for (text, line) in [
            (format!("a\n{b}\nx\n"), 2),
            (format!("a\n{e}\n"), 2),
            (format!("{b}\n{b}\n{e}\n"), 2),
            (format!("{b}\n{e}\n{b}\n{e}\n"), 3),
            (format!("{e}\n{b}\n"), 1),
        ] {
            assert_eq!(
                put(Some(text.as_bytes()), "x\n").unwrap_err().line,
                line,
                "{text}"
            );
            assert_eq!(take(text.as_bytes()).unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn only_code_outside_the_block_is_a_mention() {
        let text = put(Some(b"# treehop init zsh\n"), "treehop init zsh\n").unwrap();
        assert!(!mentions(&text, "treehop init zsh"));
        assert!(mentions(
            b"eval \"$(treehop init zsh)\"",
            "treehop init zsh"
        ));
    }
}
