//! A real terminal: one tmux server for each test.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Scratch, tools};

/// How long a condition may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long to look away between two looks at the screen.
const BLINK: Duration = Duration::from_millis(12);

/// A terminal with one program in it.
pub struct Tmux {
    socket: PathBuf,
}

/// What is on the screen.
#[derive(PartialEq, Eq)]
pub struct Screen {
    /// Its lines, without the spaces at their ends.
    pub lines: Vec<String>,
    /// The line that the cursor is in.
    pub cursor: usize,
    /// The program has ended.
    pub dead: bool,
}

impl Screen {
    /// All of it.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Whether it shows `text`.
    pub fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The line with the cursor.
    pub fn cursor_line(&self) -> &str {
        self.lines.get(self.cursor).map_or("", String::as_str)
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .lines
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        writeln!(
            f,
            "+{}+{}",
            "-".repeat(width),
            if self.dead {
                " (the program has ended)"
            } else {
                ""
            }
        )?;
        let used = self
            .lines
            .iter()
            .rposition(|line| !line.is_empty())
            .unwrap_or(0)
            .max(self.cursor);
        for (at, line) in self.lines.iter().enumerate().take(used + 1) {
            writeln!(
                f,
                "|{line:width$}|{}",
                if at == self.cursor { " <" } else { "" }
            )?;
        }
        write!(f, "+{}+", "-".repeat(width))
    }
}

impl Tmux {
    /// Starts `program` in a terminal of that size.
    pub fn start(
        scratch: &Scratch,
        env: &BTreeMap<OsString, OsString>,
        dir: &Path,
        (columns, rows): (u16, u16),
        program: &[OsString],
    ) -> Tmux {
        let number = fs::read_dir(&scratch.root)
            .expect("the scratch directory")
            .count();
        let tmux = Tmux {
            socket: scratch.root.join(format!("tmux-{number}")),
        };
        let conf = scratch.root.join("tmux.conf");
        fs::write(
            &conf,
            "set -g status off\nset -g remain-on-exit on\nset -sg escape-time 0\nset -g history-limit 0\n\
             set -g default-terminal tmux-256color\nset -g allow-rename off\n",
        )
        .expect("tmux.conf");
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut command = Command::new(tools::program("tmux"));
        command.arg("-f").arg(&conf).arg("-S").arg(&tmux.socket);
        command
            .args(["new-session", "-d", "-x", &columns, "-y", &rows, "-c"])
            .arg(dir)
            .arg("--")
            .args(program);
        command
            .env_clear()
            .envs(env)
            .env("TERM", "xterm-256color")
            .current_dir(dir)
            .stdin(Stdio::null());
        let out = command.output().expect("tmux runs");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        tmux
    }

    /// Has tmux do something; what it printed, if it did.
    pub fn tell<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Option<String> {
        let mut command = Command::new(tools::program("tmux"));
        command
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .arg("-u")
            .arg("-S")
            .arg(&self.socket)
            .args(args);
        let out = command.stdin(Stdio::null()).output().expect("tmux runs");
        out.status
            .success()
            .then(|| String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Types text.
    pub fn text(&self, text: &str) {
        self.tell(["send-keys", "-l", "--", &literal(text)])
            .expect("tmux takes text");
    }

    /// Types text and Enter.
    pub fn line(&self, text: &str) {
        let typed = literal(text);
        self.tell(["send-keys", "-l", "--", &typed, ";", "send-keys", "Enter"])
            .expect("tmux takes a line");
    }

    /// Presses keys, by tmux's names (`Enter`, `Tab`, `C-c`).
    pub fn keys(&self, keys: &[&str]) {
        self.tell(["send-keys"].iter().chain(keys))
            .expect("tmux takes keys");
    }

    /// Makes the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tell(["resize-window", "-x", &columns, "-y", &rows])
            .expect("tmux resizes");
    }

    /// Looks at the screen.
    pub fn screen(&self) -> Screen {
        let look = "#{cursor_y} #{pane_dead}";
        let text = self.tell(["display-message", "-p", look, ";", "capture-pane", "-p"]);
        let text = text.unwrap_or_else(|| "0 1".to_owned());
        let mut lines = text.lines().map(|line| line.trim_end().to_owned());
        let first = lines.next().unwrap_or_default();
        let (cursor, dead) = first.split_once(' ').unwrap_or(("0", "1"));
        Screen {
            cursor: cursor.parse().unwrap_or(0),
            dead: dead == "1",
            lines: lines.collect(),
        }
    }

    /// The lines of the screen with their colours, up to the last one that is not empty.
    pub fn coloured(&self) -> String {
        let text = self.tell(["capture-pane", "-e", "-p"]);
        text.expect("a screen").trim_end().to_owned()
    }

    /// Waits until the screen is as `right` says, and gives it.
    #[track_caller]
    pub fn wait(&self, what: &str, right: impl Fn(&Screen) -> bool) -> Screen {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if right(&screen) {
                return screen;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what}:\n{screen}"
            );
            assert!(!screen.dead, "the program ended before {what}:\n{screen}");
            sleep(BLINK);
        }
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> Screen {
        self.wait(&format!("{text:?}"), |screen| screen.shows(text))
    }

    /// Waits until the screen is as `right` says and stays so for two looks: a shell draws in several writes.
    #[track_caller]
    pub fn settle(&self, what: &str, right: impl Fn(&Screen) -> bool) -> Screen {
        let start = Instant::now();
        loop {
            let before = self.wait(what, &right);
            sleep(BLINK);
            let after = self.screen();
            if before == after {
                return after;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the screen never rests at {what}:\n{after}"
            );
        }
    }

    /// Waits until the program has ended.
    #[track_caller]
    pub fn ended(&self) -> Screen {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if screen.dead {
                return screen;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the program does not end:\n{screen}"
            );
            sleep(BLINK);
        }
    }
}

/// An argument that ends with `;` would end the command for tmux.
fn literal(text: &str) -> String {
    text.strip_suffix(';')
        .map_or_else(|| text.to_owned(), |text| format!("{text}\\;"))
}

impl Drop for Tmux {
    /// A shell writes its history when its terminal goes: the scratch home has to outlive it.
    fn drop(&mut self) {
        let pid = self
            .tell(["display-message", "-p", "#{pane_pid}"])
            .unwrap_or_default();
        self.tell(["kill-server"]);
        let process = Path::new("/proc").join(pid.trim());
        let start = Instant::now();
        while !pid.is_empty() && process.exists() && start.elapsed() < PATIENCE {
            sleep(BLINK);
        }
    }
}

/// Waits for something that is not on a screen.
#[track_caller]
pub fn until(what: &str, mut right: impl FnMut() -> bool) {
    let start = Instant::now();
    while !right() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        sleep(BLINK);
    }
}
