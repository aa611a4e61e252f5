//! `gh` and `glab`, which open the requests, and know hosts that no name tells.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use serde_json::Value;

use super::Forge;
use crate::error::{Exit, Failure};
use crate::{git, interrupt, places, plain};

/// The forge at `host`, by the programs that know it.
pub fn knowing(host: &str) -> Option<Forge> {
    let set = |variable: &str| {
        let value = std::env::var(variable).unwrap_or_default();
        value
            .rsplit("//")
            .next()
            .map(|value| value.trim_end_matches('/'))
            == Some(host)
    };
    let logged_in = |name: &str, args: [&str; 3]| {
        let Some(program) = places::program(name) else {
            return false;
        };
        let mut asked = Command::new(program);
        // These would be the answer for any host.
        for variable in ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"] {
            asked.env_remove(variable);
        }
        asked.args(args).arg(host).stdin(Stdio::null());
        asked.stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    if set("GH_HOST") || logged_in("gh", ["auth", "token", "--hostname"]) {
        Some(Forge::GitHub)
    } else if ["GITLAB_HOST", "GL_HOST"].into_iter().any(set)
        || logged_in("glab", ["auth", "status", "--hostname"])
    {
        Some(Forge::GitLab)
    } else {
        None
    }
}

/// The program that opens requests on a forge, in a worktree.
#[derive(Debug)]
pub struct Program<'a> {
    path: PathBuf,
    /// What people type.
    pub name: &'static str,
    /// What it calls a request.
    noun: &'static str,
    worktree: &'a Path,
}

impl<'a> Program<'a> {
    /// The one for `forge`, where it is on PATH.
    pub fn of(forge: Forge, worktree: &'a Path) -> Option<Self> {
        let (name, noun) = match forge {
            Forge::GitHub => ("gh", "pr"),
            Forge::GitLab => ("glab", "mr"),
            _ => return None,
        };
        Some(Program {
            path: places::program(name)?,
            name,
            noun,
            worktree,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(self.noun).current_dir(self.worktree);
        for name in git::ELSEWHERE {
            command.env_remove(name);
        }
        command
    }

    /// The words that name the branch to gh, which looks for it in what git keeps of the remote, unless `words` do.
    pub fn head(&self, branch: &BString, words: &[OsString]) -> Vec<OsString> {
        let names = |word: &OsString| {
            let word = word.as_bytes();
            word.starts_with(b"--head") || word.starts_with(b"-H")
        };
        if self.name != "gh" || words.iter().any(names) {
            return vec![];
        }
        vec!["--head".into(), OsStr::from_bytes(branch).into()]
    }

    /// The address of the open request for `branch`, as the remote calls it, if the program says that there is one.
    pub fn find(&self, branch: &BString) -> Option<String> {
        let mut command = self.command();
        if self.name == "gh" {
            // Without an argument it knows whose branch it is.
            command.args(["view", "--json", "url,state"]);
        } else {
            command.args(["list", "--output", "json", "--source-branch"]);
            command.arg(OsStr::from_bytes(branch));
        }
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let said: Value = serde_json::from_slice(&command.output().ok()?.stdout).ok()?;
        let url = match &said {
            Value::Array(requests) => &requests.first()?["web_url"],
            request => Some(&request["url"]).filter(|_| request["state"] == "OPEN")?,
        };
        url.as_str().map(str::to_owned)
    }

    /// Lets it open a request: `create`, then `words`, with the terminal for its questions and editor. Where there is
    /// none, the address that it prints.
    ///
    /// # Errors
    /// It cannot be run, or opens none.
    pub fn create(&self, words: &[OsString]) -> Result<Option<String>> {
        let mut command = self.command();
        command.arg("create").args(words);
        let context = || format!("could not run {}", self.name);
        let stderr = std::io::stderr();
        // It asks nothing where its output is no terminal.
        let asks = std::io::stdin().is_terminal() && stderr.is_terminal();
        let out: Stdio = if asks {
            let stderr = stderr.as_fd().try_clone_to_owned();
            stderr.with_context(context)?.into()
        } else {
            Stdio::piped()
        };
        let mut child = command.stdout(out).spawn().with_context(context)?;
        let mut url = None;
        lines(&mut child, |line| {
            let word = line.trim();
            let pages = ["/pull/", "/merge_requests/"];
            if word.starts_with(b"http") && pages.iter().any(|page| word.contains_str(page)) {
                url = word.to_str().ok().map(str::to_owned);
            }
            true
        })?;
        let status = interrupt::wait(&mut child).with_context(context)?;
        interrupt::check()?;
        if status.success() {
            return Ok(url);
        }
        Err(Failure::new(Exit::Failed, format!("{} opened no request", self.name)).into())
    }
}

/// Reads the lines that a program prints, where they come here; those that `shown` chooses go on to standard error.
///
/// # Errors
/// They cannot be read.
pub fn lines(child: &mut Child, mut shown: impl FnMut(&[u8]) -> bool) -> Result<()> {
    let Some(out) = child.stdout.take() else {
        return Ok(());
    };
    for line in BufReader::new(out).split(b'\n') {
        let line = line.context("could not read what was said")?;
        if shown(&line) {
            show(&line);
        }
    }
    Ok(())
}

/// Writes a line to standard error, made plain. Nobody may be there to read it.
pub fn show(line: &[u8]) {
    let _ = writeln!(std::io::stderr(), "{}", plain::lines(&line.to_str_lossy()));
}
