//! A picture on the whole terminal, drawn anew until somebody has seen enough; then the terminal is as it was.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::error::{Exit, Failure};
use crate::{interrupt, output};

/// How long a picture stands.
const PAUSE: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};
/// The other screen, without a cursor and without wrapping.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Draws `picture` every two seconds and after each change of the terminal's size, until `q`, Ctrl-C or Ctrl-D.
///
/// # Errors
/// [`Exit::Usage`] where there is no terminal; or `picture` fails. The terminal is as before in any case.
pub fn until_seen(picture: impl Fn() -> Result<String>) -> Result<()> {
    let _terminal = Terminal::take()?;
    while interrupt::caught().is_none() {
        draw(&picture()?)?;
        if seen_enough()? {
            break;
        }
    }
    Ok(())
}

/// The terminal, for as long as this lives.
struct Terminal(Termios);

impl Terminal {
    fn take() -> Result<Self> {
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            return Err(Failure::new(Exit::Usage, "--watch needs a terminal")
                .hint("treehop list --format table")
                .into());
        }
        interrupt::watch()?;
        // Only so that the wait for a key ends.
        let resized = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(Signal::WINCH.as_raw(), resized)?;
        let before = tcgetattr(std::io::stdin()).context("could not read the terminal's modes")?;
        let mut raw = before.clone();
        // Ctrl-C comes as a key, so that ending with it is no failure.
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw)
            .context("could not change the terminal's modes")?;
        let terminal = Terminal(before);
        output::raw(ENTER.as_bytes())?;
        Ok(terminal)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = output::raw(LEAVE.as_bytes());
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Draws over what is there, and not a line more than there is room for.
fn draw(picture: &str) -> Result<()> {
    let rows = terminal_size::terminal_size().map_or(24, |(_, rows)| usize::from(rows.0));
    let lines: Vec<_> = picture.lines().take(rows).collect();
    let text = format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n"));
    output::raw(text.as_bytes())
}

/// Waits for a key, a signal or the next picture. True: it was a key that ends.
fn seen_enough() -> Result<bool> {
    let stdin = std::io::stdin();
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&PAUSE)) {
        Ok(0) | Err(Errno::INTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error).context("could not wait for a key"),
    }
    let mut keys = [0; 64];
    let read = rustix::io::read(&stdin, &mut keys).context("could not read a key")?;
    // No key at all: the terminal is gone.
    Ok(read == 0 || keys[..read].iter().any(|key| b"qQ\x03\x04".contains(key)))
}
