//! What the tools print: kept in the worktree's git directory, shown where it matters.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::ByteSlice;
use rustix::fs::FlockOperation;

use crate::error::{Exit, Failure};
use crate::plain;

/// How much of the end of a log is looked at.
const END: u64 = 64 * 1024;

/// How tools say that they reach nobody: resolver, sockets, then the tools' own words.
#[rustfmt::skip]
const OFFLINE: [&str; 22] = [
    "Temporary failure in name resolution", "Name or service not known", "nodename nor servname provided",
    "No address associated with hostname", "Could not resolve host", "failed to lookup address", "no such host",
    "dns error", "ENOTFOUND", "EAI_AGAIN", "Network is unreachable", "network is unreachable", "ENETUNREACH",
    "No route to host", "ECONNREFUSED", "Connection refused", "connection refused", "ETIMEDOUT",
    "Failed to establish a new connection", "Cannot connect to proxy", "tcp connect error", "Failed to open TCP connection",
];

/// The log of one set-up. While it exists, no other set-up of the worktree begins.
#[derive(Debug)]
pub struct Log {
    /// Where it is.
    pub path: PathBuf,
    /// Locked. The tools get a descriptor of their own, so that a daemon that one leaves behind holds no lock.
    file: File,
}

/// Where the log of the worktree with this git directory is.
pub fn path(git_dir: &Path) -> PathBuf {
    git_dir.join("treehop-setup.log")
}

/// Is a set-up of the worktree with `git_dir` under way?
pub fn is_held(git_dir: &Path) -> bool {
    let shared = FlockOperation::NonBlockingLockShared;
    File::open(path(git_dir))
        .is_ok_and(|log| rustix::fs::flock(log, shared) == Err(rustix::io::Errno::WOULDBLOCK))
}

impl Log {
    /// Begins a new log in `git_dir`.
    ///
    /// # Errors
    /// [`Exit::Refused`] where another set-up is under way.
    pub fn open(git_dir: &Path) -> Result<Self> {
        let path = path(git_dir);
        let context = || format!("could not write '{}'", path.display());
        let mut options = crate::file::wary();
        let file = options.read(true).append(true).create(true).open(&path);
        let file = file.with_context(context)?;
        // A file system without locks is used without.
        if let Err(rustix::io::Errno::WOULDBLOCK) =
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        {
            return Err(
                Failure::new(Exit::Refused, "this worktree is being set up already")
                    .hint(format!("tail -f {}", crate::shell::quoted(&path)))
                    .into(),
            );
        }
        file.set_len(0).with_context(context)?;
        Ok(Log { path, file })
    }

    /// Writes the heading of a command and returns where what it prints begins.
    pub fn begin(&self, command: &str) -> std::io::Result<u64> {
        (&self.file).write_all(format!("$ {command}\n").as_bytes())?;
        Ok(self.file.metadata()?.len())
    }

    /// A descriptor for a tool to print to.
    pub fn for_tool(&self) -> std::io::Result<File> {
        OpenOptions::new().append(true).open(&self.path)
    }

    /// The lines since `start`, as far back as [`END`], as a terminal would show them, without empty ones.
    pub fn lines(&self, start: u64) -> Vec<String> {
        let len = self.file.metadata().map_or(start, |meta| meta.len());
        self.tail(start.max(len.saturating_sub(END)), len)
    }

    /// The last line since `start`, cheaply: a running tool is asked for it often.
    pub fn last_line(&self, start: u64) -> Option<String> {
        let len = self.file.metadata().ok()?.len();
        self.tail(start.max(len.saturating_sub(1024)), len).pop()
    }

    fn tail(&self, from: u64, to: u64) -> Vec<String> {
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or_default()];
        match self.file.read_exact_at(&mut bytes, from) {
            Err(e) if e.kind() != ErrorKind::UnexpectedEof => vec![],
            _ => shown(&bytes),
        }
    }
}

/// The lines in `bytes` as a terminal shows them in the end: no colours, and of a line that was written over and over
/// what was written last.
fn shown(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.lines().map(|line| {
        let line = line.to_str_lossy();
        let line = anstream::adapter::strip_str(&line).to_string();
        let last = line.trim_end().rsplit('\r').next().unwrap_or_default();
        plain::lines(last)
    });
    lines.filter(|line| !line.trim().is_empty()).collect()
}

/// What a tool that printed `lines` could not reach, if that is why it failed.
pub fn unreachable(lines: &[String]) -> Option<String> {
    let mut telling = lines
        .iter()
        .filter(|line| OFFLINE.iter().any(|words| line.contains(words)))
        .peekable();
    telling.peek()?;
    let host = telling.find_map(|line| host(line));
    // uv names the address some lines before the cause, pip in its first line.
    let asked =
        |line: &&String| line.contains("Failed to fetch") || line.starts_with("Looking in indexes");
    let host = host.or_else(|| {
        lines
            .iter()
            .rev()
            .filter(asked)
            .find_map(|line| host_of_url(line))
    });
    Some(format!(
        "could not reach {}: offline?",
        host.unwrap_or_else(|| "the network".into())
    ))
}

fn host(line: &str) -> Option<String> {
    let after = |start: &str| {
        let rest = &line[line.find(start)? + start.len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || ".-_:[]".contains(c)));
        let host = rest[..end.unwrap_or(rest.len())].trim_end_matches([':', '.']);
        (!host.is_empty()).then(|| host.to_owned())
    };
    host_of_url(line)
        .or_else(|| after("host='"))
        .or_else(|| after("ENOTFOUND "))
        .or_else(|| after("EAI_AGAIN "))
        .or_else(|| after("Could not resolve host: "))
        .or_else(|| after("dial tcp: lookup "))
}

fn host_of_url(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("://")?;
    let authority = rest
        .split(|c: char| c == '/' || c == '\'' || c == '"' || c == ')' || c.is_whitespace())
        .next()?;
    // A password in an address is nothing for a screen.
    let host = authority
        .rsplit('@')
        .next()?
        .trim_end_matches([':', ',', '.']);
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(text: &str) -> Option<String> {
        unreachable(&shown(text.as_bytes()))
    }

    #[test]
    fn the_tools_words_for_offline_are_known() {
        for (text, host) in [
            (
                "WARNING: Retrying after connection broken by 'NewConnectionError('<pip._vendor.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/x/\nERROR: No matching distribution found for x",
                "the network",
            ),
            (
                "Looking in indexes: https://me:pw@pypi.corp/simple, https://pypi.org/simple\nWARNING: Retrying: Failed to establish a new connection\nsee https://pip.pypa.io/warnings",
                "pypi.corp",
            ),
            (
                "HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded: Temporary failure in name resolution",
                "pypi.org",
            ),
            (
                "npm error network request to https://registry.npmjs.org/is-odd failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org",
                "registry.npmjs.org",
            ),
            (
                "error: Failed to fetch: http://127.0.0.1:9/simple/x/\n  cause: client error (Connect)\n  cause: tcp connect error",
                "127.0.0.1:9",
            ),
            (
                "go: proxy.golang.org/x: dial tcp: lookup proxy.golang.org: no such host",
                "proxy.golang.org",
            ),
            (
                "request to https://me:secret@npm.corp/x failed, reason: connect ECONNREFUSED",
                "npm.corp",
            ),
        ] {
            let expected = format!("could not reach {host}: offline?");
            assert_eq!(reached(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn another_failure_is_not_called_offline() {
        for text in [
            "",
            "npm error 404 Not Found - GET https://registry.npmjs.org/nope - Not found",
            "SyntaxError: invalid syntax",
        ] {
            assert_eq!(reached(text), None, "{text}");
        }
    }

    #[test]
    fn lines_are_what_a_terminal_shows_in_the_end() {
        let printed = b"\x1b[31mred\x1b[0m\r\n\n10%\r20%\rdone\r\n\x07bell \xff\n";
        assert_eq!(shown(printed), ["red", "done", "bell \u{fffd}"]);
    }
}
