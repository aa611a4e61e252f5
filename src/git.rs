//! Running git itself: all that changes a repository, and what treehop cannot read on its own.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gix::bstr::BString;

use crate::error::{Exit, Failure};
use crate::plain::Relay;
use crate::{interrupt, places};

/// The variables that make git look at another repository than the one of the directory that it runs in.
pub const ELSEWHERE: [&str; 5] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
];

/// The first git that can do all that is asked of it (`merge-tree --write-tree`), major and minor.
pub const OLDEST: (u32, u32) = (2, 38);

/// A git command to run, never through a shell.
#[derive(Debug)]
pub struct Git(Command);

/// Git ended with another status than 0.
#[derive(Debug)]
pub struct Failed {
    /// What git said, without the final newline.
    pub stderr: String,
    /// None: a signal ended it.
    status: Option<i32>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stderr.as_str(), self.status) {
            ("", None) => f.write_str("git was ended by a signal"),
            ("", Some(status)) => write!(f, "git ended with status {status}"),
            (said, _) => {
                // After what there is to say, git explains at length what a lock is.
                let said = said.split("\n\nAnother git process").next().unwrap_or(said);
                f.write_str(said.strip_prefix("fatal: ").unwrap_or(said))
            }
        }
    }
}

impl std::error::Error for Failed {}

impl Git {
    fn program() -> Command {
        // One that is nowhere fails when it is run: a bare name would be looked for in relative parts of PATH too.
        Command::new(places::program("git").unwrap_or("/nonexistent/git".into()))
    }

    /// Git, run in `dir`, taking no lock that it does not need, in English, asking nobody.
    pub fn in_dir(dir: &Path) -> Self {
        let mut command = Git::program();
        command
            .arg("--no-optional-locks")
            .current_dir(dir)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        Git(command)
    }

    /// Git as in [`Git::in_dir`], run there only to look: no program that the configuration names watches the files, and
    /// what a partial clone lacks is not fetched, by an old git neither.
    pub fn looking(dir: &Path) -> Self {
        Git::in_dir(dir)
            .here_only()
            .args(["-c", "core.fsmonitor=false"])
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
    }

    /// Git for the repository at `common_dir`, wherever one stands, and otherwise as [`Git::in_dir`].
    pub fn at(common_dir: &Path) -> Self {
        Git::in_dir(common_dir)
            .here_only()
            .env("GIT_DIR", common_dir)
    }

    /// Git, run in `dir` to change something: with the user's language, locks, hooks and editor.
    pub fn changing(dir: &Path) -> Self {
        let mut command = Git::program();
        command.current_dir(dir);
        Git(command).here_only()
    }

    /// One more variable in its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// What it commits is treehop's own, made at `seconds` since 1970.
    pub fn own(mut self, seconds: i64) -> Self {
        for who in ["AUTHOR", "COMMITTER"] {
            self.0
                .env(format!("GIT_{who}_NAME"), "treehop")
                .env(format!("GIT_{who}_EMAIL"), "treehop")
                .env(format!("GIT_{who}_DATE"), format!("{seconds} +0000"));
        }
        self
    }

    /// More arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.args(args);
        self
    }

    /// Forget `GIT_DIR` and its kind: the directory alone decides which repository is meant.
    pub fn here_only(mut self) -> Self {
        for name in ELSEWHERE {
            self.0.env_remove(name);
        }
        self
    }

    /// It speaks with a remote, whose words it passes on as they are: they are shown plain, by [`Relay::of`] where it is
    /// started and not run.
    pub fn far(mut self) -> Self {
        self.0.stderr(Stdio::piped());
        self
    }

    /// Runs it for what it does. All that it and its hooks print goes to standard error: standard output is JSON.
    ///
    /// # Errors
    /// [`Failed`] where git ends with another status than 0; what it said is on the screen already.
    pub fn run(self) -> Result<()> {
        let stderr = std::io::stderr()
            .as_fd()
            .try_clone_to_owned()
            .context("could not use standard error")?;
        self.run_to(stderr.into())
    }

    /// As [`Git::run`], where only what it says on standard error, how far it is and what went wrong, is for people.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub fn work(self) -> Result<()> {
        self.run_to(Stdio::null())
    }

    fn run_to(mut self, stdout: Stdio) -> Result<()> {
        let mut child = self.0.stdout(stdout).spawn().map_err(not_run)?;
        let relay = Relay::of(&mut child);
        let status = interrupt::wait(&mut child).context("could not run git")?;
        relay.end();
        judged(status, b"")
    }

    /// Starts it with pipes to and from it; what it says for people goes to standard error.
    ///
    /// # Errors
    /// Git cannot be run.
    pub fn start(mut self) -> Result<Child> {
        self.0
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(not_run)
    }

    /// Runs it with what `write` writes as its standard input and returns its standard output, which must be short.
    ///
    /// # Errors
    /// `write` fails, or git does.
    pub fn feed(self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<Vec<u8>> {
        let mut child = self.start()?;
        let written = match child.stdin.take() {
            Some(pipe) => {
                let mut pipe = std::io::BufWriter::with_capacity(64 * 1024, pipe);
                write(&mut pipe).and_then(|()| pipe.flush().context("git stopped reading"))
            }
            None => Ok(()),
        };
        if written.is_err() {
            // It must not take the part that it has for the whole.
            let _ = child.kill();
        }
        let out = child.wait_with_output().context("could not run git")?;
        written?;
        judged(out.status, b"").map(|()| out.stdout)
    }

    /// Runs it where its status is an answer too. Returns that, and its standard output.
    ///
    /// # Errors
    /// Git cannot be run, or a signal ended it.
    pub fn ask(mut self) -> Result<(i32, Vec<u8>)> {
        let out = self.0.output().map_err(not_run)?;
        let status = out.status.code().context("git was ended by a signal")?;
        Ok((status, out.stdout))
    }

    /// Runs it and returns its standard output.
    ///
    /// # Errors
    /// [`Failed`] where git ends with another status than 0.
    pub fn read(mut self) -> Result<Vec<u8>> {
        let out = self.0.output().map_err(not_run)?;
        judged(out.status, &out.stderr).map(|()| out.stdout)
    }
}

fn judged(status: ExitStatus, stderr: &[u8]) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    // So git says that it does not understand what it is asked.
    if status.code() == Some(129) {
        not_too_old()?;
    }
    let stderr = String::from_utf8_lossy(stderr).trim_end().to_owned();
    let status = status.code();
    Err(Failed { stderr, status }.into())
}

/// Fails where git is older than [`OLDEST`].
///
/// # Errors
/// It is.
pub fn not_too_old() -> Result<()> {
    let git = places::program("git");
    match git.and_then(|git| places::version(&git)) {
        Some((found, text)) if found < OLDEST => {
            let (major, minor) = OLDEST;
            let message = format!("git {text} is too old: this needs {major}.{minor} or newer");
            let failure = Failure::new(Exit::Failed, message);
            Err(failure.hint("treehop doctor --format table").into())
        }
        _ => Ok(()),
    }
}

/// Fails where there is no git: before anything is begun that only git can end.
///
/// # Errors
/// There is none.
pub fn present() -> Result<()> {
    if places::program("git").is_some() {
        return Ok(());
    }
    let (major, minor) = OLDEST;
    let failure = Failure::new(Exit::Failed, "git is not on PATH");
    let hint = format!("install git {major}.{minor} or newer");
    Err(failure.hint(hint).into())
}

fn not_run(error: std::io::Error) -> anyhow::Error {
    match present() {
        Ok(()) => anyhow::Error::from(error).context("could not run git"),
        Err(missing) => missing,
    }
}

/// How long a lock that another git holds is waited for.
const LOCKED: Duration = Duration::from_secs(10);

/// Runs what `git` builds (in English, as [`Git::at`] is), again and again while another git holds a lock that it does
/// not wait for itself: that of the configuration, above all.
///
/// # Errors
/// As [`Git::read`].
pub fn patiently(git: impl Fn() -> Git) -> Result<Vec<u8>> {
    let begun = Instant::now();
    // Those that wait do not all come back at the same time.
    let pause = Duration::from_millis(5 + u64::from(std::process::id() % 11));
    loop {
        let done = git().read();
        let locked =
            |error: &anyhow::Error| config_locked(error) || said(error, ".lock': File exists");
        match done {
            Err(error) if locked(&error) && begun.elapsed() < LOCKED => {
                interrupt::check()?;
                std::thread::sleep(pause);
            }
            done => return done,
        }
    }
}

/// The full name of a branch.
pub fn branch_ref(branch: &[u8]) -> BString {
    [b"refs/heads/", branch].concat().into()
}

/// Is there a ref of this full name, whatever was read before?
pub fn has_ref(common_dir: &Path, name: &OsStr) -> bool {
    let git = Git::at(common_dir).args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
    git.args([name]).read().is_ok()
}

/// Did git fail without saying why, which is its way to say no?
pub fn wordless(error: &anyhow::Error) -> bool {
    let failed = error.downcast_ref::<Failed>();
    failed.is_some_and(|failed| failed.stderr.is_empty() && failed.status.is_some())
}

/// Did git, in English, fail since another one writes the configuration?
pub fn config_locked(error: &anyhow::Error) -> bool {
    said(error, "could not lock config file")
}

fn said(error: &anyhow::Error, words: &str) -> bool {
    let failed = error.downcast_ref::<Failed>();
    failed.is_some_and(|failed| failed.stderr.contains(words))
}
