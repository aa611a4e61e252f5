//! A worktree as treehop prints it: the JSON contract of every command.

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};
use serde::{Serialize, Serializer};

use crate::claude::{Conversation, Session};
use crate::plain;
use crate::repo::changes::Changes;

/// All that treehop knows of one worktree. Every key is always there; `None` becomes null: not asked for, unknown,
/// or not applicable.
#[derive(Debug, Default, Serialize)]
pub struct Worktree {
    /// What people call it.
    #[serde(serialize_with = "text")]
    pub name: BString,
    /// Its directory, a real path.
    #[serde(serialize_with = "path")]
    pub path: PathBuf,
    /// Its own git directory.
    #[serde(serialize_with = "path")]
    pub git_dir: PathBuf,
    /// The branch, without `refs/heads/`.
    #[serde(serialize_with = "text_or_null")]
    pub branch: Option<BString>,
    /// The commit in hexadecimal; `None` on an unborn branch.
    pub head: Option<String>,
    /// Is it the main worktree?
    pub main: bool,
    /// Does one stand in it?
    pub current: bool,
    /// Is a commit checked out and no branch?
    pub detached: bool,
    /// Is it kept from being removed, and why?
    pub locked: Option<Reason>,
    /// Would `git worktree prune` forget it, and why?
    pub prunable: Option<Reason>,
    /// `rebase`, `merge`, `cherry-pick`, `revert` or `bisect`, when one is under way.
    pub operation: Option<&'static str>,
    /// Its virtual environment.
    #[serde(serialize_with = "path_or_null")]
    pub venv: Option<PathBuf>,
    /// Why a virtual environment that is there is not used.
    pub venv_refused: Option<String>,
    /// The model that claude uses on this branch.
    #[serde(serialize_with = "text_or_null")]
    pub model: Option<BString>,
    /// The prompt segment as plain text.
    #[serde(serialize_with = "text")]
    pub prompt: BString,
    /// Claude Code's sessions here.
    pub claude: Claude,
    /// The commit that is checked out.
    pub commit: Option<Commit>,
    /// Where the branch is pushed to and pulled from.
    pub upstream: Option<Upstream>,
    /// How the branch stands to the default branch.
    pub default: Option<Standing>,
    /// What is not committed.
    pub changes: Option<Changes>,
    /// How many entries of the stash, which all worktrees share, were made on the branch.
    pub stashes: Option<usize>,
}

/// Why, in words; empty where none were given.
#[derive(Debug, Serialize)]
pub struct Reason {
    /// The words.
    pub reason: String,
}

/// Claude Code in a worktree.
#[derive(Debug, Default, Serialize)]
pub struct Claude {
    /// The sessions that run there now; `None`: not asked for.
    pub live: Option<Vec<Session>>,
    /// The conversation that was active there last.
    pub last: Option<Conversation>,
}

/// A commit, short.
#[derive(Debug, Serialize)]
pub struct Commit {
    /// In hexadecimal.
    pub sha: String,
    /// Its first line.
    #[serde(serialize_with = "text")]
    pub subject: BString,
    /// When it was committed, RFC 3339 in UTC.
    pub time: String,
}

/// An upstream branch, and how many commits lie between.
#[derive(Debug, Serialize)]
pub struct Upstream {
    /// Such as `origin/main`.
    #[serde(serialize_with = "text")]
    pub name: BString,
    /// Commits here that it lacks; `None` when it is gone.
    pub ahead: Option<usize>,
    /// Commits there that are lacking here; `None` when it is gone.
    pub behind: Option<usize>,
    /// Is it configured, but no longer there?
    pub gone: bool,
}

/// How a branch stands to the default branch.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// Commits that the default branch lacks.
    pub ahead: usize,
    /// Commits of the default branch that are lacking here.
    pub behind: usize,
    /// Are all its commits in the default branch?
    pub merged: bool,
}

/// A repository as treehop prints it.
#[derive(Debug, Serialize)]
pub struct RepoInfo {
    /// The name of the main worktree's directory.
    #[serde(serialize_with = "text")]
    pub name: BString,
    /// The main worktree, or the directory around a bare repository.
    #[serde(serialize_with = "path")]
    pub root: PathBuf,
    /// The git directory that all worktrees share.
    #[serde(serialize_with = "path")]
    pub git_dir: PathBuf,
    /// Has it no main working tree?
    pub bare: bool,
    /// The branch that work ends up in.
    #[serde(serialize_with = "text_or_null")]
    pub default_branch: Option<BString>,
}

/// The prompt segment: the branch, or 7 digits of the commit; `@` and the worktree's name unless that is the branch
/// with `/` as `-`; `|` and what is under way. The shells build the same from `HEAD` at each prompt.
pub fn prompt(
    name: &BString,
    branch: Option<&BString>,
    head: Option<&str>,
    operation: Option<&str>,
) -> BString {
    let short = || BString::from(head.and_then(|hex| hex.get(..7)).unwrap_or_default());
    let mut segment = branch.map_or_else(short, |branch| plain::bytes(branch.as_bstr()));
    if branch.is_none_or(|branch| branch.replace("/", "-") != name[..]) {
        segment.push(b'@');
        segment.extend_from_slice(name);
    }
    if let Some(operation) = operation {
        segment.push(b'|');
        segment.extend_from_slice(operation.as_bytes());
    }
    segment
}

/// Bytes as JSON has to have them: what is not UTF-8 becomes U+FFFD. `--fields` prints the bytes themselves.
pub fn text<S: Serializer>(value: &BString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.to_str_lossy())
}

/// As [`text`].
#[allow(clippy::ref_option, reason = "serde calls it so")]
pub fn text_or_null<S: Serializer>(value: &Option<BString>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(|v| v.to_str_lossy()).serialize(to)
}

/// A path as JSON has to have it, as [`text`].
pub fn path<S: Serializer>(value: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.to_string_lossy())
}

/// As [`path`].
#[allow(clippy::ref_option, reason = "serde calls it so")]
pub fn path_or_null<S: Serializer>(value: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(|v| v.to_string_lossy()).serialize(to)
}

/// The value of `key` as raw bytes, where JSON could not hold it as it is.
pub fn raw<'a>(worktree: &'a Worktree, key: &str) -> Option<&'a BStr> {
    let bytes = |path: &'a Path| path.as_os_str().as_encoded_bytes().as_bstr();
    Some(match key {
        "name" => worktree.name.as_bstr(),
        "path" => bytes(&worktree.path),
        "git_dir" => bytes(&worktree.git_dir),
        "branch" => worktree
            .branch
            .as_ref()
            .map(|b| b.as_bstr())
            .unwrap_or_default(),
        "venv" => worktree.venv.as_deref().map(bytes).unwrap_or_default(),
        "prompt" => worktree.prompt.as_bstr(),
        _ => return None,
    })
}

/// The names that `--fields` knows.
#[rustfmt::skip]
pub const FIELDS: [&str; 53] = [
    "name", "path", "git_dir", "branch", "head", "main", "current", "detached", "locked", "locked.reason", "prunable",
    "prunable.reason", "operation", "venv", "venv_refused", "model", "prompt", "claude", "claude.live", "claude.last",
    "claude.last.session_id", "claude.last.title", "claude.last.updated_at", "commit", "commit.sha", "commit.subject",
    "commit.time", "upstream", "upstream.name", "upstream.ahead", "upstream.behind", "upstream.gone", "default",
    "default.ahead", "default.behind", "default.merged", "changes", "changes.staged", "changes.modified",
    "changes.untracked", "changes.conflicted", "stashes", "repo", "repo.name", "repo.root", "repo.git_dir", "repo.bare",
    "repo.default_branch", "cd", "query", "description", "launch.args", "launch.fork",
];
