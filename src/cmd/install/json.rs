//! Editing JSON as text: what is not touched keeps its order, its form and every byte.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::value::RawValue;

/// A step on the way into a document.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Into an object.
    Key(&'a str),
    /// Into an array.
    At(usize),
}

/// A document.
#[derive(Debug)]
pub struct Text {
    text: String,
    /// What each level is indented by.
    unit: String,
}

/// What an object or array holds: where each part is, with its key, and where its value is.
struct Part {
    key: Option<String>,
    whole: Range<usize>,
    value: Range<usize>,
}

/// The parts as they stand in the text.
struct Items<'a>(Vec<(Option<&'a RawValue>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Items<'de>;

            fn expecting(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
                to.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut items = vec![];
                while let Some((key, value)) = map.next_entry()? {
                    items.push((Some(key), value));
                }
                Ok(Items(items))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = vec![];
                while let Some(value) = seq.next_element()? {
                    items.push((None, value));
                }
                Ok(Items(items))
            }
        }
        from.deserialize_any(Each)
    }
}

impl Text {
    /// Begins with `text`, which is valid.
    pub fn new(text: String) -> Self {
        let inner = text.trim_start().strip_prefix('{').unwrap_or_default();
        let blank = &inner[..inner.len() - inner.trim_start().len()];
        let unit = blank.rsplit_once('\n').map_or("", |(_, unit)| unit);
        let unit = if unit.is_empty() { "  " } else { unit };
        Text {
            unit: unit.to_owned(),
            text,
        }
    }

    /// The document.
    pub fn value(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.text)?)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn range(&self, of: &RawValue) -> Range<usize> {
        let start = of.get().as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + of.get().len()
    }

    fn parts(&self, at: &Range<usize>) -> Result<Vec<Part>> {
        let Items(items) = serde_json::from_str(&self.text[at.clone()])?;
        let part = |(key, value): (Option<&RawValue>, &RawValue)| {
            let value = self.range(value);
            let start = key.map_or(value.start, |key| self.range(key).start);
            let key = key.map(|key| serde_json::from_str(key.get())).transpose()?;
            let whole = start..value.end;
            Ok(Part { key, whole, value })
        };
        items.into_iter().map(part).collect()
    }

    /// Which of `parts` a step leads to. Of two with the same key the last counts.
    fn position(parts: &[Part], step: Step) -> Option<usize> {
        match step {
            Step::At(at) => Some(at).filter(|at| *at < parts.len()),
            Step::Key(key) => parts
                .iter()
                .rposition(|part| part.key.as_deref() == Some(key)),
        }
    }

    fn find(&self, way: &[Step]) -> Result<Range<usize>> {
        let mut at = self.range(serde_json::from_str(&self.text)?);
        for step in way {
            let mut parts = self.parts(&at)?;
            let found = Text::position(&parts, *step).context("there is no such part")?;
            at = parts.swap_remove(found).value;
        }
        Ok(at)
    }

    /// Puts `value` where `way` leads.
    pub fn replace(&mut self, way: &[Step], value: &str) -> Result<()> {
        let at = self.find(way)?;
        let value = serde_json::to_string(value)?;
        self.text.replace_range(at, &value);
        Ok(())
    }

    /// Adds `value` at the end of the object (with `key`) or array that `way` leads to.
    pub fn add(&mut self, way: &[Step], key: Option<&str>, value: &impl Serialize) -> Result<()> {
        let at = self.find(way)?;
        let parts = self.parts(&at)?;
        let line = |depth: usize| format!("\n{}", self.unit.repeat(depth));
        let depth = way.len() + 1;
        let before = match parts.first() {
            Some(first) => self.text[at.start + 1..first.whole.start].to_owned(),
            None => line(depth),
        };
        let mut added = String::new();
        if let Some(key) = key {
            added = serde_json::to_string(key)? + ": ";
        }
        // What stands in one line stays in one.
        added += &if before.contains('\n') {
            self.pretty(value)?.replace('\n', &line(depth))
        } else {
            serde_json::to_string(value)?
        };
        let (gap, added) = match parts.last() {
            Some(last) => (last.whole.end..last.whole.end, format!(",{before}{added}")),
            None => (
                at.start + 1..at.end - 1,
                format!("{before}{added}{}", line(depth - 1)),
            ),
        };
        self.text.replace_range(gap, &added);
        Ok(())
    }

    /// Takes out what `way` leads to.
    pub fn take(&mut self, way: &[Step]) -> Result<()> {
        let Some((last, way)) = way.split_last() else {
            bail!("all of it cannot be taken out");
        };
        let at = self.find(way)?;
        let parts = self.parts(&at)?;
        let found = Text::position(&parts, *last).context("there is no such part")?;
        let gone = match (found.checked_sub(1), parts.get(found + 1)) {
            (Some(before), _) => parts[before].whole.end..parts[found].whole.end,
            (None, Some(after)) => parts[found].whole.start..after.whole.start,
            (None, None) => at.start + 1..at.end - 1,
        };
        self.text.replace_range(gone, "");
        Ok(())
    }

    fn pretty(&self, value: &impl Serialize) -> Result<String> {
        let mut text = vec![];
        let formatter = PrettyFormatter::with_indent(self.unit.as_bytes());
        let mut to = Serializer::with_formatter(&mut text, formatter);
        value.serialize(&mut to)?;
        Ok(String::from_utf8(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{At, Key};
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_added_and_taken_out_again_leaves_every_byte() {
        for text in [
            "{}",
            "{\"a\":1}",
            " {\n    \"z\": 1.50,\n    \"hooks\" : {\"X\": [ 1 ]} ,\n  \"z\": \"\\u00e4\"\n}\n\n",
            "{\"hooks\":[]}",
        ] {
            let mut edited = Text::new(text.to_owned());
            edited.add(&[], Some("new"), &json!({"b": [1]})).unwrap();
            let mut value: Value = serde_json::from_str(text).unwrap();
            value["new"] = json!({"b": [1]});
            assert_eq!(edited.value().unwrap(), value, "{text}");
            edited.take(&[Key("new")]).unwrap();
            assert_eq!(edited.text(), text);
        }
    }

    #[test]
    fn parts_are_found_and_new_ones_look_like_those_around_them() {
        let mut text = Text::new("{\n\t\"a\": {\"b\": [1, 2, 3]}\n}".to_owned());
        text.take(&[Key("a"), Key("b"), At(0)]).unwrap();
        text.take(&[Key("a"), Key("b"), At(1)]).unwrap();
        text.replace(&[Key("a"), Key("b"), At(0)], "\"").unwrap();
        text.add(&[Key("a")], Some("c"), &json!([4])).unwrap();
        text.add(&[], Some("d"), &json!({})).unwrap();
        text.add(&[Key("d")], Some("e"), &json!([5])).unwrap();
        let right = "{\n\t\"a\": {\"b\": [\"\\\"\"],\"c\": [4]},\n\t\"d\": {\n\t\t\"e\": [\n\t\t\t5\n\t\t]\n\t}\n}";
        assert_eq!(text.text(), right);
        assert!(text.take(&[Key("a"), Key("x")]).is_err());
        assert!(
            text.add(&[Key("a"), Key("b"), At(0)], None, &json!(1))
                .is_err()
        );
    }
}
