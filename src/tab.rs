//! A new window or tab of the terminal that one is in.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use gix::bstr::{BStr, ByteSlice};

use crate::error::{Exit, Failure};
use crate::plain;

/// A terminal: the variable by which one knows that one is in it, and the command that opens a window. The program
/// that is to run there follows.
struct Adapter {
    variable: &'static str,
    command: &'static [&'static str],
}

const ADAPTERS: [Adapter; 4] = [
    Adapter {
        variable: "TMUX",
        command: &["tmux", "new-window", "-c", "{dir}", "-n", "{name}", "--"],
    },
    Adapter {
        variable: "ZELLIJ",
        command: &[
            "zellij",
            "action",
            "new-tab",
            "--close-on-exit",
            "--cwd",
            "{dir}",
            "--name",
            "{name}",
            "--",
        ],
    },
    Adapter {
        variable: "WEZTERM_PANE",
        command: &["wezterm", "cli", "spawn", "--cwd", "{dir}", "--"],
    },
    Adapter {
        variable: "KITTY_WINDOW_ID",
        command: &[
            "kitten",
            "@",
            "launch",
            "--type=tab",
            "--cwd",
            "{dir}",
            "--tab-title",
            "{name}",
        ],
    },
];

/// Runs claude in the new window, and the user's shell when that has ended.
const THEN_SHELL: &str =
    r#"treehop=$1 shell=$2; shift 2; "$treehop" claude "$@"; exec "$shell" -i"#;

/// Makes sure that there is a terminal that opens windows, before anything is made for it.
///
/// # Errors
/// [`Exit::Failed`] where there is none.
pub fn check() -> Result<()> {
    adapter().map(drop)
}

/// Opens a window called `name` at `dir` with the shell that called us; with `claude`, first `treehop claude` with those
/// arguments.
///
/// # Errors
/// As [`check`]; or the terminal refuses.
pub fn open(dir: &Path, name: &BStr, claude: Option<&[OsString]>) -> Result<()> {
    let adapter = adapter()?;
    let shell = shell();
    // A terminal may understand more in a name than letters: `#(…)` is a command to tmux.
    let name: String = name
        .to_str_lossy()
        .replace(|c| plain::hidden(c) || c == '#', "?");
    let fill = |word: &&str| match *word {
        "{dir}" => dir.as_os_str().to_owned(),
        "{name}" => name.clone().into(),
        word => word.into(),
    };
    let mut words = adapter.command.iter().map(fill);
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(&program);
    command.args(words);
    match claude {
        None => command.arg(shell).arg("-i"),
        Some(args) => {
            let treehop = std::env::current_exe().context("could not find treehop itself")?;
            command
                .args(["sh", "-c", THEN_SHELL, "sh"].map(OsStr::new))
                .arg(treehop)
                .arg(shell)
                .args(args)
        }
    };
    let out = command.stdin(Stdio::null()).output();
    let out = out.with_context(|| format!("could not run {}", program.display()))?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr);
    let message = format!("{} opened no window: {}", program.display(), said.trim());
    Err(Failure::new(Exit::Failed, message)
        .hint("without -t")
        .into())
}

fn adapter() -> Result<&'static Adapter> {
    let here =
        |adapter: &&Adapter| std::env::var_os(adapter.variable).is_some_and(|v| !v.is_empty());
    let found = ADAPTERS.iter().find(here);
    found.ok_or_else(|| {
        let message =
            "there is no tmux, zellij, wezterm or kitty around this shell to open a window";
        Failure::new(Exit::Failed, message)
            .hint("without -t")
            .into()
    })
}

/// The shell that called us, where the system says which it is; else the login shell.
fn shell() -> PathBuf {
    let parent = rustix::process::getppid();
    let parent = parent
        .and_then(|pid| std::fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero())).ok());
    let names = ["bash", "zsh", "fish", "nu"];
    let is_shell = |program: &PathBuf| names.iter().any(|name| program.ends_with(name));
    let login = || {
        std::env::var_os("SHELL")
            .filter(|shell| !shell.is_empty())
            .map(PathBuf::from)
    };
    parent
        .filter(is_shell)
        .or_else(login)
        .unwrap_or_else(|| "sh".into())
}
