//! treehop against adversaries and bad luck: hostile names, strangers' repositories, faults, races.
//!
//! What was tried is counted, and `tests/run.sh` prints the sums at the end.

#[path = "../it/common/mod.rs"]
#[allow(dead_code, reason = "shared with `it`, which uses the rest")]
mod common;

mod faults;
mod names;
mod promises;
mod races;
mod strangers;

use std::fs::OpenOptions;
use std::io::Write;

/// Adds to what `tests/run.sh` sums up under `what`: `names tried`, `faults injected`, `races run`, `lost`.
fn counted(what: &str, number: usize) {
    let Some(sums) = std::env::var_os("COUNTED_IN") else {
        return;
    };
    // One write of a short line to a file opened for appending: several tests at once do not mix.
    let line = format!("{number} {what}\n");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(sums)
        .unwrap();
    file.write_all(line.as_bytes()).unwrap();
}
