//! Running the tools: quietly, with the time that passes on standard error and all that they print in the log.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use gix::bstr::BString;
use rustix::process::{Pid, Signal, kill_process};

use super::log::{self, Log};
use super::{Status, Step, python};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::{git, interrupt, places, plain, table, venv};

/// How often a running tool is looked at, and the line in a terminal is written anew.
const TICK: Duration = Duration::from_millis(100);
/// How often a line comes where there is no terminal.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
/// How long a tool has to end: after Ctrl-C, which the terminal sends to it as well, until it is told to, and then until
/// it is killed.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many lines of a failed tool are shown.
const LAST_LINES: usize = 15;

/// A command: what is run, and what people read, where paths are relative to the worktree.
#[derive(Debug, Default)]
pub struct Command {
    args: Vec<OsString>,
    shown: Vec<String>,
}

impl Command {
    /// A command line of the user's.
    fn shell(line: &BString) -> Self {
        let line_as_is = OsString::from_vec(line.to_vec());
        Command {
            args: vec!["sh".into(), "-c".into(), line_as_is],
            shown: vec![plain::line(line)],
        }
    }

    /// One more word.
    pub fn word(&mut self, word: &str) {
        self.args.push(word.into());
        self.shown.push(quoted(word));
    }

    /// One more path, below `top`.
    pub fn path(&mut self, top: &Path, relative: &Path) {
        self.args.push(top.join(relative).into());
        self.shown.push(quoted(&relative.to_string_lossy()));
    }
}

/// `word` as one would type it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:@+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains(['"', '$', '`', '\\', '!']) {
        crate::shell::quoted(Path::new(word))
    } else {
        format!("\"{word}\"")
    }
}

/// Runs commands in one worktree.
#[derive(Debug)]
pub struct Runner<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The worktree.
    pub entry: &'a Entry,
    log: Log,
    terminal: bool,
}

impl<'a> Runner<'a> {
    /// Begins; from here on Ctrl-C ends the running tool first.
    pub fn new(repo: &'a Repo, entry: &'a Entry, log: Log) -> Result<Self> {
        interrupt::watch()?;
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Ok(Runner {
            repo,
            entry,
            log,
            terminal: std::io::stderr().is_terminal() && !dumb,
        })
    }

    /// Runs the user's own commands, until one fails.
    pub fn commands(&self, lines: &[BString], steps: &mut Vec<Step>) {
        let venv = python::environment(self.repo, self.entry);
        let venv = venv.unwrap_or_else(|_| ".venv".into());
        for line in lines {
            let step = self.run("treehop.setup", &Command::shell(line), &venv);
            let status = step.status;
            steps.push(step);
            if status != Status::Done {
                return;
            }
        }
    }

    /// Runs one command to its end. Tools that make a virtual environment of their own accord make it at `venv`.
    pub fn run(&self, name: &'static str, command: &Command, venv: &Path) -> Step {
        let shown = command.shown.join(" ");
        let names = self.repo.settings().venv();
        let active = venv::find(&self.entry.path, &self.entry.git_dir, &names).path;
        let path = venv::search_path(active.as_deref());
        let Some(program) = program(&command.args[0], &path) else {
            let missing = command.args[0].display();
            return skipped(name, Some(shown), format!("{missing} is not on PATH"));
        };
        let mut child = std::process::Command::new(program);
        child.args(&command.args[1..]).current_dir(&self.entry.path);
        // As in a shell that stands in the worktree: another worktree's environment would get the packages.
        venv::activate(&mut child, active.as_deref());
        for name in git::ELSEWHERE {
            child.env_remove(name);
        }
        child
            .env("PWD", &self.entry.path)
            .env("UV_PROJECT_ENVIRONMENT", venv)
            .env("POETRY_VIRTUALENVS_IN_PROJECT", "true")
            .env("PIPENV_VENV_IN_PROJECT", "1");
        let began = Instant::now();
        let mut from = 0;
        let ended = self.log.begin(&shown).and_then(|start| {
            from = start;
            child.stdin(Stdio::null());
            child
                .stdout(self.log.for_tool()?)
                .stderr(self.log.for_tool()?);
            self.wait(child.spawn()?, &shown, began, start)
        });
        let time = began.elapsed();
        let reason = match ended {
            Ok(status) if status.success() => None,
            Ok(status) => {
                let ended = status.to_string().replace("exit status:", "exit status");
                let offline = log::unreachable(&self.log.lines(from));
                Some(offline.map_or_else(|| ended.clone(), |offline| format!("{ended}, {offline}")))
            }
            Err(e) => Some(format!("could not run it: {e}")),
        };
        if interrupt::caught().is_some() {
            say(&format!("{shown}: interrupted after {}", human(time)));
            say(&format!(
                "the worktree stays as it is; wsetup {} goes on",
                self.entry.name
            ));
            interrupt::end();
        }
        if reason.is_none() {
            say(&format!("{shown}: done in {}", human(time)));
        } else {
            say(&format!(
                "{shown}: failed after {}, with these last lines:",
                human(time)
            ));
            let lines = self.log.lines(from);
            for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
                say(&format!("  {line}"));
            }
        }
        Step {
            name,
            command: Some(shown),
            status: if reason.is_none() {
                Status::Done
            } else {
                Status::Failed
            },
            seconds: (time.as_secs_f64() * 10.0).round() / 10.0,
            reason,
            log: Some(self.log.path.clone()),
        }
    }

    /// Waits for `child`, and says meanwhile that it lives.
    fn wait(
        &self,
        mut child: Child,
        shown: &str,
        began: Instant,
        start: u64,
    ) -> std::io::Result<ExitStatus> {
        if !self.terminal {
            say(&format!("{shown} …"));
        }
        let mut tick = Duration::from_millis(5);
        let mut next_sign = SIGN_OF_LIFE;
        let mut asked: Option<(Instant, Signal)> = None;
        loop {
            if let Some(status) = child.try_wait()? {
                if self.terminal {
                    put("\r\x1b[K");
                }
                return Ok(status);
            }
            if let Some(signal) = interrupt::caught() {
                let patience = if signal == Signal::INT.as_raw() {
                    PATIENCE
                } else {
                    Duration::ZERO
                };
                let (due, how) =
                    asked.get_or_insert_with(|| (Instant::now() + patience, Signal::TERM));
                if Instant::now() >= *due {
                    tell(&child, *how);
                    asked = Some((Instant::now() + PATIENCE, Signal::KILL));
                }
            }
            let time = began.elapsed();
            if self.terminal {
                let last = self.log.last_line(start).unwrap_or_default();
                let width = terminal_size::terminal_size_of(std::io::stderr());
                let width = width.map_or(80, |(width, _)| usize::from(width.0));
                let line = format!("{shown} … {} {last}", human(time)).replace('\t', " ");
                // One column less: in the last one some terminals wrap.
                put(&format!(
                    "\r\x1b[K{}",
                    table::cut(&line, width.saturating_sub(1))
                ));
            } else if time > next_sign {
                say(&format!("{shown} … {}", human(time)));
                next_sign += SIGN_OF_LIFE;
            }
            std::thread::sleep(tick);
            tick = (tick * 2).min(TICK);
        }
    }
}

/// Says why a command is not run.
pub fn skipped(name: &'static str, command: Option<String>, reason: String) -> Step {
    let shown = command.as_deref().unwrap_or(name);
    say(&format!("{shown}: skipped: {reason}"));
    Step {
        command,
        ..Step::without_command(name, Status::Skipped, reason)
    }
}

/// The program to run. One that is only on the user's own PATH is one from the environment that was active there, such
/// as a poetry; it may be used, though not as an environment to install into.
fn program(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(name.into());
    }
    let name = name.to_str()?;
    places::program_in(path, name).or_else(|| places::program(name))
}

/// Sends a signal to a tool.
fn tell(child: &Child, how: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, how);
    }
}

/// A time as people say it.
fn human(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..100 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Writes a line to standard error. Nobody may be there to read it.
pub fn say(line: &str) {
    put(&format!("{line}\n"));
}

fn put(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_as_one_would_type_them() {
        for (word, typed) in [
            (".venv", ".venv"),
            (".[dev]", "\".[dev]\""),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("$(id)", "'$(id)'"),
            ("it's \"", r#"'it'\''s "'"#),
        ] {
            assert_eq!(quoted(word), typed);
        }
    }

    #[test]
    fn times_are_short() {
        let said = |seconds| human(Duration::from_secs_f64(seconds));
        assert_eq!(
            [said(0.04), said(9.94), said(75.2), said(125.0)],
            ["0.0 s", "9.9 s", "75 s", "2 min 5 s"]
        );
    }
}
