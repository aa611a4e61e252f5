//! The only place that prints to standard output.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

use crate::cli::{Format, Show};
use crate::error::{Exit, Failure};
use crate::worktree::{self, RepoInfo, Worktree};
use crate::{plain, table};

type Written = std::io::Result<()>;

/// The version of the JSON contract: it only ever gains keys.
pub const SCHEMA: u8 = 1;

/// What `here` and `find` print.
#[derive(Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`]
    pub schema: u8,
    /// The repository.
    pub repo: RepoInfo,
    /// The one worktree.
    pub worktree: Worktree,
    /// Where the shell is to go; `None`: it stays.
    #[serde(serialize_with = "worktree::path_or_null")]
    pub cd: Option<PathBuf>,
}

/// What is printed of something done to a repository, and not about one worktree.
#[derive(Debug, Serialize)]
struct Whole<'a, T> {
    schema: u8,
    repo: &'a RepoInfo,
    #[serde(flatten)]
    what: T,
    #[serde(serialize_with = "worktree::path_or_null")]
    cd: Option<PathBuf>,
}

/// What only `find --all` says of a worktree.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// What to type to get exactly this one.
    #[serde(serialize_with = "worktree::text")]
    pub query: BString,
    /// One line for a list of choices.
    pub description: String,
}

/// One worktree, as `--fields` sees it.
#[derive(Debug)]
pub struct Row<'a> {
    /// For `repo.…`.
    pub repo: &'a RepoInfo,
    /// For all other keys.
    pub worktree: &'a Worktree,
    /// For `cd`.
    pub cd: Option<&'a Path>,
    /// For `query` and `description`.
    pub found: Option<&'a Found>,
    /// For `launch.…`: the claude that is to be run there.
    pub launch: Option<&'a Launch>,
}

/// The claude that the shell is to run in a new worktree.
#[derive(Debug, Serialize)]
pub struct Launch {
    /// How many of the last arguments are claude's.
    pub args: usize,
    /// The worktree whose conversation goes on in it.
    #[serde(serialize_with = "worktree::path_or_null")]
    pub fork: Option<PathBuf>,
}

/// Prints `bytes` as they are; a closed pipe is a reader that has seen enough, and no failure.
pub fn raw(bytes: &[u8]) -> Result<()> {
    finish(std::io::stdout().lock().write_all(bytes))
}

/// Prints text with ANSI styles, or without them where the terminal or `NO_COLOR` says so.
pub fn styled(text: &str) -> Result<()> {
    finish(anstream::stdout().lock().write_all(text.as_bytes()))
}

/// `text` with its ANSI styles, or without them where the terminal or `NO_COLOR` says so.
pub fn adapted(text: String) -> String {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(&text).to_string(),
        _ => text,
    }
}

/// Prints `document` as JSON with a final newline.
pub fn json(document: &impl Serialize) -> Result<()> {
    let mut text = vec![];
    document.serialize(&mut Serializer::with_formatter(&mut text, Plain))?;
    text.push(b'\n');
    raw(&text)
}

/// Compact JSON that may be looked at, too: all that a terminal would obey stands there as `\uXXXX`.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, text: &str) -> Written {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| plain::hidden(*c)) {
            write!(to, "{}\\u{:04x}", &rest[..at], u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        to.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, to: &mut W, c: CharEscape) -> Written {
        match c {
            // Whoever replaces `\uXXXX` has all of them.
            CharEscape::Backspace => to.write_all(b"\\u0008"),
            CharEscape::FormFeed => to.write_all(b"\\u000c"),
            CharEscape::CarriageReturn => to.write_all(b"\\u000d"),
            c => CompactFormatter.write_char_escape(to, c),
        }
    }
}

/// Prints one worktree in the form that was asked for.
pub fn one(document: &Document, show: &Show) -> Result<()> {
    let Document {
        repo, worktree, cd, ..
    } = document;
    match show.format {
        _ if !show.fields.is_empty() => fields(
            std::iter::once(Row {
                repo,
                worktree,
                cd: cd.as_deref(),
                found: None,
                launch: None,
            }),
            &show.fields,
        ),
        Format::Table => styled(&table::of(std::slice::from_ref(worktree))),
        Format::Json => json(document),
    }
}

/// Prints `what` was done to `repo`, of which `fields` name no more than `repo` and `cd`.
pub fn whole(
    repo: &RepoInfo,
    what: impl Serialize,
    cd: Option<PathBuf>,
    fields: &[String],
) -> Result<()> {
    if fields.is_empty() {
        return json(&Whole {
            schema: SCHEMA,
            repo,
            what,
            cd,
        });
    }
    let row = Row {
        repo,
        worktree: &Worktree::default(),
        cd: cd.as_deref(),
        found: None,
        launch: None,
    };
    self::fields(std::iter::once(row), fields)
}

/// Prints the values of `fields` for each row, raw, one a line.
///
/// # Errors
/// A path holds a newline, which no reader of lines could tell from the end of a value.
pub fn fields<'a>(rows: impl Iterator<Item = Row<'a>>, fields: &[String]) -> Result<()> {
    let mut out = vec![];
    for row in rows {
        for field in fields {
            let value = value(&row, field)?;
            if value.contains(&b'\n')
                && [
                    "path",
                    "git_dir",
                    "venv",
                    "cd",
                    "launch.fork",
                    "repo.root",
                    "repo.git_dir",
                ]
                .contains(&field.as_str())
            {
                let message = format!(
                    "'{}' holds a newline, which shells cannot take here",
                    value.as_bstr()
                );
                return Err(Failure::new(Exit::Failed, message)
                    .hint("git worktree move")
                    .into());
            }
            out.extend(value.into_iter().map(|b| if b == b'\n' { b' ' } else { b }));
            out.push(b'\n');
        }
    }
    raw(&out)
}

fn value(row: &Row, field: &str) -> Result<Vec<u8>> {
    if let Some(raw) = worktree::raw(row.worktree, field) {
        return Ok(raw.to_vec());
    }
    let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
    match field {
        "cd" => return Ok(row.cd.map(bytes).unwrap_or_default()),
        "query" => return Ok(row.found.map(|f| f.query.to_vec()).unwrap_or_default()),
        "description" => {
            return Ok(row
                .found
                .map(|f| f.description.clone().into())
                .unwrap_or_default());
        }
        "launch.args" => {
            return Ok(row
                .launch
                .map(|l| l.args.to_string().into())
                .unwrap_or_default());
        }
        "launch.fork" => {
            let fork = row.launch.and_then(|l| l.fork.as_deref());
            return Ok(fork.map(bytes).unwrap_or_default());
        }
        "repo.root" => return Ok(bytes(&row.repo.root)),
        "repo.git_dir" => return Ok(bytes(&row.repo.git_dir)),
        _ => {}
    }
    let (document, key) = match field.strip_prefix("repo") {
        Some(key) => (serde_json::to_value(row.repo)?, key.trim_start_matches('.')),
        None => (serde_json::to_value(row.worktree)?, field),
    };
    let value = key
        .split('.')
        .filter(|k| !k.is_empty())
        .fold(&document, |value, key| &value[key]);
    Ok(match value {
        Value::Null => vec![],
        Value::String(text) => text.clone().into(),
        other => other.to_string().into(),
    })
}

fn finish(written: std::io::Result<()>) -> Result<()> {
    match written.and_then(|()| std::io::stdout().flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("could not write to standard output"),
    }
}
