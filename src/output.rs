//! The only place that prints to standard output.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// Prints `bytes` as they are; a closed pipe is a reader that has seen enough, and no failure.
pub fn raw(bytes: &[u8]) -> Result<()> {
    finish(std::io::stdout().lock().write_all(bytes))
}

/// Prints text with ANSI styles, or without them where the terminal or `NO_COLOR` says so.
pub fn styled(text: &str) -> Result<()> {
    finish(anstream::stdout().lock().write_all(text.as_bytes()))
}

/// Prints `document` as JSON with a final newline.
pub fn json(document: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec(document)?;
    text.push(b'\n');
    raw(&text)
}

fn finish(written: std::io::Result<()>) -> Result<()> {
    match written.and_then(|()| std::io::stdout().flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("could not write to standard output"),
    }
}
