//! `treehop here`: the worktree of the current directory.

use anyhow::Result;

use crate::claude;
use crate::cli;
use crate::known;
use crate::output;
use crate::reader::Reader;
use crate::repo::Repo;

/// Runs `treehop here`.
pub fn run(args: &cli::Here) -> Result<()> {
    let repo = Repo::discover(&super::current_dir()?)?;
    known::remember(&repo);
    let wanted = args.show.wants_sessions();
    let sessions = wanted.then(claude::live).unwrap_or_default();
    // Which of the worktrees a session is in can only be told from all of them.
    let all = repo.foreign_format || args.show.wants("claude.last") || !sessions.is_empty();
    let entries = if all {
        repo.entries()?
    } else {
        vec![repo.entry_here()?]
    };
    let here = entries
        .iter()
        .position(|entry| entry.git_dir == repo.git_dir);
    let at = here.ok_or_else(|| repo.not_listed())?;
    let reader = Reader::knowing(sessions, &repo, &entries, &args.show);
    output::one(&reader.document(at, None)?, &args.show)
}
