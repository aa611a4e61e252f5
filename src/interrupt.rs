//! Ctrl-C and its kin, held back while something half-made would be left behind.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::error::{Exit, Failure};

/// How long a program that had the same Ctrl-C gets to tidy up before it is told to end.
const PATIENCE: Duration = Duration::from_secs(1);

static WATCH: OnceLock<Watch> = OnceLock::new();

struct Watch {
    caught: Arc<AtomicUsize>,
    /// A byte for each signal, SIGCHLD among them: one place to wait for both.
    wake: UnixStream,
}

/// From now on Ctrl-C, a closed terminal and `kill` no longer end this process: [`check`] says that there was one. The
/// programs that it starts die of them as ever.
///
/// # Errors
/// No handler can be set.
pub fn watch() -> Result<()> {
    let set = || -> std::io::Result<Watch> {
        let (wake, tell) = UnixStream::pair()?;
        let caught = Arc::new(AtomicUsize::new(0));
        for signal in [Signal::INT, Signal::TERM, Signal::HUP].map(Signal::as_raw) {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&caught), number)?;
            signal_hook::low_level::pipe::register(signal, tell.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(Signal::CHILD.as_raw(), tell)?;
        Ok(Watch { caught, wake })
    };
    if WATCH.get().is_none() {
        let watch = set().context("could not watch for Ctrl-C")?;
        let _ = WATCH.set(watch);
    }
    Ok(())
}

/// The signal that came, if one did.
pub fn caught() -> Option<i32> {
    let number = WATCH.get()?.caught.load(Ordering::SeqCst);
    i32::try_from(number).ok().filter(|number| *number != 0)
}

/// Fails where a signal came.
///
/// # Errors
/// It came.
pub fn check() -> Result<()> {
    match caught() {
        Some(_) => Err(Failure::new(Exit::Failed, "interrupted").into()),
        None => Ok(()),
    }
}

/// Waits for `child`. Where a signal came that was meant for this process alone, it is passed on.
///
/// # Errors
/// The system does not say how it ended.
pub fn wait(child: &mut Child) -> std::io::Result<ExitStatus> {
    let Some(watch) = WATCH.get() else {
        return child.wait();
    };
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        watch.wake.set_read_timeout(caught().map(|_| PATIENCE))?;
        let woken = (&watch.wake).read(&mut [0; 64]).is_ok();
        if caught().is_some() && !woken {
            let id = i32::try_from(child.id()).ok();
            let id = id.and_then(rustix::process::Pid::from_raw);
            // Not reaped yet, so the number is still its own.
            let _ = id.map(|id| rustix::process::kill_process(id, Signal::TERM));
        }
    }
}

/// Ends as the signal would have, where one came: the shell above has to see that.
pub fn end() {
    if let Some(signal) = caught() {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}
