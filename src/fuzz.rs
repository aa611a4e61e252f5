//! What must hold for any bytes: with `cargo +nightly fuzz run --fuzz-dir tests/fuzz NAME`, and, over the corpus that is
//! kept there and inputs made from it, in each run of the tests.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use gix::bstr::{BString, ByteSlice};
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::cmd::install::json::{Step, Text};
use crate::creation::place::{self, Names};
use crate::forge::{Address, Forge};
use crate::journal::Record;
use crate::query;
use crate::removal::snapshot::Removed;
use crate::session::words::Words;
use crate::{block, claude, plain, table};

type Target = (&'static str, fn(&[u8]));

/// Each with its name in `tests/fuzz`.
const TARGETS: [Target; 10] = [
    ("addresses", addresses),
    ("arguments", arguments),
    ("blocks", blocks),
    ("conversations", conversations),
    ("journals", journals),
    ("names", names),
    ("queries", queries),
    ("registry", registry),
    ("settings", settings),
    ("texts", texts),
];

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let target = TARGETS
        .iter()
        .find(|(name, _)| *name == env!("CARGO_BIN_NAME"));
    target.expect("a target").1(data);
});

/// The parts of `data` between zeros.
fn parts(data: &[u8]) -> impl Iterator<Item = BString> {
    data.split(|byte| *byte == 0).map(BString::from)
}

fn queries(data: &[u8]) {
    let mut given = parts(data);
    let word = given.next().unwrap_or_default();
    let targets: Vec<_> = given
        .map(|branch| query::Target {
            name: place::slug(branch.as_bstr()),
            base: branch.clone(),
            branch: Some(branch),
        })
        .collect();
    let found = query::decide(std::slice::from_ref(&word), &targets);
    assert!(found.is_sorted() && found.iter().all(|at| *at < targets.len()));
    // Who types a branch as it is gets it, whatever else there is.
    let same = targets
        .iter()
        .position(|target| target.branch.as_ref() == Some(&word));
    assert!(
        same.is_none_or(|same| found.contains(&same)),
        "{word:?}: {found:?}"
    );
    // More words never fit more.
    let words: Vec<_> = word.fields().map(BString::from).collect();
    assert!(words.len() < 2 || query::decide(&words, &targets).len() <= targets.len());
}

fn names(data: &[u8]) {
    let mut given = parts(data);
    let (template, branch) = (
        given.next().unwrap_or_default(),
        given.next().unwrap_or_default(),
    );
    let slug = place::slug(branch.as_bstr());
    assert!(
        slug.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
    );
    assert!(
        !slug.is_empty()
            && slug != "."
            && slug != ".."
            && !slug.starts_with(b"-")
            && !slug.contains_str("--")
    );
    assert_eq!(place::slug(slug.as_bstr()), slug);
    if let Ok(name) = place::chosen(&OsString::from_vec(branch.to_vec())) {
        assert_eq!(
            Path::new("/x").join(name.to_path_lossy()).parent(),
            Some(Path::new("/x"))
        );
    }
    let names = Names {
        repo: "repo".into(),
        name: slug,
        branch,
    };
    if let Ok(path) = place::expand(template.as_bstr(), &names, Path::new("/none/such")) {
        assert!(path.is_absolute() && !path.as_os_str().as_bytes().contains(&b'\n'));
    }
}

fn addresses(data: &[u8]) {
    let mut given = parts(data);
    let (address, other) = (
        given.next().unwrap_or_default(),
        given.next().unwrap_or_default(),
    );
    let Some(address) = Address::parse(&address.to_str_lossy(), |_| Some(other.to_string())) else {
        return;
    };
    let all = Forge::names().filter_map(Forge::named);
    let pages = all.flat_map(|forge| {
        let page = address.page(Some(forge));
        [page, address.request_page(forge, &other.to_string(), None)]
    });
    for page in pages.chain([address.page(None)]) {
        assert!(
            page.starts_with("https://") || page.starts_with("http://"),
            "{page}"
        );
        assert!(page.bytes().all(|byte| byte.is_ascii_graphic()), "{page:?}");
    }
}

fn arguments(data: &[u8]) {
    let words: Vec<OsString> = parts(data)
        .map(|word| OsString::from_vec(word.into()))
        .collect();
    let asked = Words(&words);
    let _ = (
        asked.start_session(),
        asked.take_options(),
        asked.name(),
        asked.model(),
        asked.resume(),
        asked.background(),
    );
    let read = Cli::read(std::iter::once("treehop".into()).chain(words).collect());
    if let Err(error) = read {
        assert!(!error.render().to_string().is_empty());
    }
}

fn registry(data: &[u8]) {
    let text = data.to_str_lossy();
    let _ = claude::entry(Path::new("/1.json"), data);
    let _ = claude::is_stale_lock(&text);
    let _ = claude::is_stale_lock(&format!("claude session {text}"));
    let _ = claude::innermost(&[Path::new("/"), Path::new(&*text)], Path::new(&*text));
}

fn conversations(data: &[u8]) {
    if claude::last_in(data).is_none() {
        let _ = claude::title_in(data);
    }
    let known = json!({"type": "custom-title", "customTitle": "known"});
    let more = [data, b"\n", known.to_string().as_bytes(), b"\n"].concat();
    assert_eq!(claude::title_in(&more).as_deref(), Some("known"));
}

/// What is added and taken out again leaves every byte.
fn settings(data: &[u8]) {
    let Ok(whole) = data.to_str() else { return };
    let Ok(Value::Object(before)) = serde_json::from_str(whole) else {
        return;
    };
    if before.contains_key("treehop") {
        return;
    }
    let mut text = Text::new(whole.to_owned());
    text.add(&[], Some("treehop"), &json!({"a": [1, "\n"]}))
        .unwrap();
    assert_eq!(text.value().unwrap()["treehop"], json!({"a": [1, "\n"]}));
    text.take(&[Step::Key("treehop")]).unwrap();
    assert_eq!(text.value().unwrap(), Value::Object(before.clone()));
    assert!(before.is_empty() || text.text() == whole, "{whole:?}");
}

/// A block that is put into a file and taken out leaves every byte.
fn blocks(data: &[u8]) {
    let _ = block::mentions(data, "treehop");
    let there = block::take(data);
    let Ok(put) = block::put(Some(data), "a line\n") else {
        assert!(there.is_err());
        return;
    };
    assert_eq!(
        block::put(Some(&put), "a line\n").as_ref(),
        Ok(&put),
        "once more changes nothing"
    );
    if there == Ok(block::Taken::Absent) {
        assert_eq!(block::take(&put), Ok(block::Taken::Text(data.to_vec())));
    }
}

fn journals(data: &[u8]) {
    if let Some(record) = Record::decode(data) {
        let again = Record::decode(record.encode().as_bytes());
        assert_eq!(again.map(|again| again.encode()), Some(record.encode()));
        let _ = Removed::from_record(&record);
    }
    let mut record = Record::default();
    record.add("key", parts(data));
    let encoded = record.encode();
    let read = Record::decode(encoded.as_bytes()).unwrap();
    assert!(read.all("key").eq(&parts(data).collect::<Vec<_>>()));
    // One that was cut anywhere is none.
    let cut = data.len() % encoded.len();
    assert!(Record::decode(&encoded.as_bytes()[..cut]).is_none() || cut + 1 == encoded.len());
}

fn texts(data: &[u8]) {
    let text = data.to_str_lossy();
    let line = plain::line(&text);
    assert!(!line.contains(plain::hidden) && line.chars().count() == text.chars().count());
    assert_eq!(plain::lines(&line), line);
    let bytes = plain::bytes(data.as_bstr());
    assert!(!bytes.to_str_lossy().contains(plain::hidden));
    assert_eq!(plain::bytes(bytes.as_bstr()), bytes);
    for room in [1, 2, 7] {
        assert!(
            unicode_width::UnicodeWidthStr::width(&*table::cut(&line, room)) <= room,
            "{line:?}"
        );
    }
}

/// For property tests: enough for a second, and nothing is written down.
#[cfg(test)]
pub fn quick() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces that are much of what the parsers look for.
    const PIECES: [&str; 28] = [
        "\0",
        "{",
        "}",
        "\"",
        "\\",
        "\n",
        "[",
        "]",
        ":",
        ",",
        "/",
        "..",
        "%",
        "%0",
        "@",
        "://",
        "-",
        "--",
        "{branch}",
        "null",
        "\u{202e}",
        "\u{9b}",
        "\x1b[",
        "\r\n",
        "(pid 1 start 2)",
        "\"cwd\":",
        "customTitle",
        "é",
    ];

    fn number(state: &mut u64, end: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state >> 33).unwrap_or_default() % end.max(1)
    }

    /// `seed` with a few changes.
    fn changed(seed: &[u8], other: &[u8], state: &mut u64) -> Vec<u8> {
        let mut data = seed.to_vec();
        for _ in 0..=number(state, 6) {
            let at = number(state, data.len() + 1);
            let to = at + number(state, data.len() - at + 1).min(8);
            let piece = PIECES[number(state, PIECES.len())].as_bytes();
            match number(state, 5) {
                0 => drop(data.splice(at..at, piece.iter().copied())),
                1 => drop(data.splice(at..to, piece.iter().copied())),
                2 => drop(data.drain(at..to)),
                3 => data.insert(at, number(state, 256).to_le_bytes()[0]),
                _ => drop(data.splice(at.., other.iter().skip(at).copied())),
            }
        }
        data
    }

    fn holds(name: &str, target: fn(&[u8]), data: &[u8]) {
        let done = std::panic::catch_unwind(|| target(data));
        assert!(done.is_ok(), "{name} fails with {:?}", data.as_bstr());
    }

    #[test]
    fn whatever_the_bytes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        for (name, target) in TARGETS {
            let files = std::fs::read_dir(folder.join(name)).unwrap();
            let seeds: Vec<_> = files
                .map(|file| std::fs::read(file.unwrap().path()).unwrap())
                .collect();
            assert!(!seeds.is_empty(), "{name} has a corpus");
            for seed in &seeds {
                holds(name, target, seed);
            }
            let mut state = 0x9e37_79b9_7f4a_7c15;
            for _ in 0..4000 {
                let [seed, other] = [(); 2].map(|()| &seeds[number(&mut state, seeds.len())]);
                let data = changed(seed, other, &mut state);
                holds(name, target, &data);
            }
        }
    }

    /// The crate in `tests/fuzz` is built from the same sources.
    #[test]
    fn the_fuzz_crate_has_what_treehop_has() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let [own, fuzz] = ["Cargo.toml", "tests/fuzz/Cargo.toml"]
            .map(|file| std::fs::read_to_string(root.join(file)).unwrap());
        let section = own
            .split("[dependencies]\n")
            .nth(1)
            .unwrap()
            .split("\n\n")
            .next()
            .unwrap();
        assert!(fuzz.contains(section), "the dependencies differ");
        for (name, _) in TARGETS {
            assert!(fuzz.contains(&format!("name = \"{name}\"\n")), "{name}");
        }
    }
}
