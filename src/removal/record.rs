//! Keys with values of any bytes, as lines of plain text: what treehop notes for itself about a repository.

use gix::bstr::{BString, ByteSlice};

/// The last line. Without it the writer was killed in the middle.
const END: &str = "end";

/// Keys and values in their order; a key may come several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(Vec<(String, BString)>);

impl Record {
    /// Adds a value.
    pub fn add(&mut self, key: &str, value: impl AsRef<[u8]>) {
        self.0.push((key.into(), value.as_ref().into()));
    }

    /// The first value of `key`.
    pub fn get(&self, key: &str) -> Option<&BString> {
        let found = self.0.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value)
    }

    /// All values of `key`.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a BString> {
        self.0
            .iter()
            .filter(move |(k, _)| k == key)
            .map(|(_, value)| value)
    }

    /// Lines of ASCII: `KEY VALUE`, and the bytes that are no printable ASCII as `%XX`.
    pub fn encode(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for (key, value) in &self.0 {
            let _ = write!(text, "{key} ");
            for byte in value.iter() {
                if (b' '..=b'~').contains(byte) && *byte != b'%' {
                    text.push(char::from(*byte));
                } else {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
            text.push('\n');
        }
        text + END + "\n"
    }

    /// Reads what [`Record::encode`] wrote; `None` where the end is missing.
    pub fn decode(text: &[u8]) -> Option<Self> {
        let mut record = Record::default();
        for line in text.split(|byte| *byte == b'\n') {
            if line == END.as_bytes() {
                return Some(record);
            }
            let (key, value) = line.split_once_str(b" ")?;
            let mut plain = BString::default();
            let mut rest = value.iter();
            while let Some(byte) = rest.next() {
                plain.push(if *byte == b'%' {
                    let digits = [*rest.next()?, *rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                } else {
                    *byte
                });
            }
            record.0.push((key.to_str().ok()?.into(), plain));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn holds_any_bytes_and_knows_when_it_was_cut() {
        let mut record = Record::default();
        let every: Vec<u8> = (0..=255).collect();
        record.add("path", &every);
        record.add("empty", "");
        record.add("path", "%41 end\n");
        let text = record.encode();
        assert!(text.is_ascii());
        assert_eq!(Record::decode(text.as_bytes()), Some(record.clone()));
        assert_eq!(record.all("path").count(), 2);
        for cut in 0..text.len() - 1 {
            assert_eq!(Record::decode(&text.as_bytes()[..cut]), None, "{cut}");
        }
    }
}
