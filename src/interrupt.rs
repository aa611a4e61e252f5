//! Ctrl-C and `kill`, noticed where dying in the middle would leave a mess, and died of when that is avoided.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// From its making on, these signals end nothing by themselves.
#[derive(Debug)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Begins to watch.
    pub fn watch() -> Result<Self> {
        let seen = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&seen), number)
                .context("could not watch for Ctrl-C")?;
        }
        Ok(Interrupt(seen))
    }

    /// The last signal that came.
    pub fn seen(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::Relaxed))
            .ok()
            .filter(|signal| *signal != 0)
    }

    /// Dies of `signal`: a shell stops its script for a program that did, not for one that ended with a status.
    pub fn die(signal: i32) -> ! {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        std::process::exit(128 + signal)
    }
}
