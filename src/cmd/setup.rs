//! `treehop setup`: the dependencies of a worktree, installed again or for the first time.

use std::os::unix::ffi::OsStrExt;

use anyhow::Result;
use gix::bstr::BString;
use serde::Serialize;

use crate::cli::{self, Format};
use crate::output::{self, Document};
use crate::reader::Reader;
use crate::search::Search;
use crate::setup::{self, Extent, Step};

/// What it prints.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    document: Document,
    steps: Vec<Step>,
}

/// Runs `treehop setup`.
pub fn run(args: &cli::Setup) -> Result<()> {
    let mut words: Vec<BString> = args.query.iter().map(|w| w.as_bytes().into()).collect();
    if words.is_empty() {
        words.push("@".into());
    }
    let dir = super::current_dir()?;
    let search = Search::new(words, &dir, false)?;
    let at = search.one(&dir)?;
    let path = &search.entry(at).path;
    let steps = setup::worktree(path, Extent::All)?;
    if steps.is_empty() {
        setup::say(&format!("nothing to set up in '{}'", search.entry(at).name));
    }
    // Read afterwards: the virtual environment may be new.
    let searched = &search.repos[at.0];
    let reader = Reader::new(&searched.repo, &searched.entries, &args.show);
    let document = reader.document(at.1, None)?;
    if args.show.fields.is_empty() && args.show.format == Format::Json {
        return output::json(&Report { document, steps });
    }
    output::one(&document, &args.show)
}
