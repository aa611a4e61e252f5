//! `treehop claude`: one session in each worktree. It becomes claude, so it is the one command that prints no JSON.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use anyhow::{Context, Result};
use gix::bstr::ByteSlice;

use crate::claude::{self, Session};
use crate::error::{Exit, Failure};
use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::search::Search;
use crate::session::launch::{self, Program};
use crate::session::lock::Lock;
use crate::session::words::Words;
use crate::{cli, session, shell, tab};

/// A worktree, among the others of its repository.
struct Place {
    repo: Repo,
    entries: Vec<Entry>,
    at: usize,
    /// Where to go in it.
    dir: PathBuf,
}

impl Place {
    /// The one that `query` means, `@` where there is none. Who stands in it stays in the same directory.
    fn find(query: Option<&OsStr>) -> Result<Self> {
        let dir = super::current_dir()?;
        let word = query.unwrap_or(OsStr::new("@")).as_bytes().into();
        let search = Search::new(vec![word], &dir, false)?;
        let at = search.one(&dir).map_err(|error| {
            // `@` outside of any.
            match error.downcast::<Failure>() {
                Ok(failure) if failure.hint.is_none() => failure
                    .hint("wclaude QUERY, or claude itself, which runs anywhere")
                    .into(),
                Ok(failure) => failure.into(),
                Err(error) => error,
            }
        })?;
        let entry = search.entry(at);
        // Seen from there, since a worktree may have settings of its own.
        let repo = Repo::discover(&entry.path)?;
        let entries = repo.entries()?;
        let place = entries.iter().position(|e| e.git_dir == entry.git_dir);
        let place = place.ok_or_else(|| repo.not_listed())?;
        let roots: Vec<_> = entries.iter().map(|e| e.path.as_path()).collect();
        let dir = if claude::innermost(&roots, &dir) == Some(place) {
            dir
        } else {
            search.landing(at, &dir, false)
        };
        Ok(Place {
            repo,
            entries,
            at: place,
            dir,
        })
    }

    fn entry(&self) -> &Entry {
        &self.entries[self.at]
    }

    /// Its name, to be typed.
    fn typed(&self) -> String {
        shell::quoted(OsStr::from_bytes(&self.entry().name))
    }

    /// The sessions that are live in it, this process left out.
    fn sessions(&self) -> Vec<Session> {
        let mut sessions = session::live(&self.entries);
        sessions.retain(|(at, session)| *at == self.at && session.pid != std::process::id());
        sessions.into_iter().map(|(_, session)| session).collect()
    }
}

/// Runs `treehop claude`.
pub fn run(args: &cli::Claude) -> Result<()> {
    if args.tab {
        tab::check()?;
    }
    let (query, words) = split(&args.args);
    let words = Words(&words);
    let place = Place::find(query)?;
    let (entry, settings) = (place.entry(), place.repo.settings());
    if entry.main && place.repo.bare {
        let message = format!("'{}' is bare: it has no files", place.dir.display());
        return Err(Failure::new(Exit::Failed, message)
            .hint("wclaude QUERY")
            .into());
    }
    let program = Program::find(settings.claude())?;
    let branch = entry.branch_meant();
    let stranger = branch.as_ref().filter(|branch| {
        settings.pull_request(branch.as_bstr()).is_some() && !settings.trusted(branch.as_bstr())
    });
    let mut options = match &args.fork {
        Some(query) => fork(query, words, &program)?,
        None => vec![],
    };
    if words.take_options() && program.claude {
        if !words.name() {
            options.extend(["--name".into(), OsString::from_vec(entry.name.to_vec())]);
        }
        let model = branch.as_ref().and_then(|b| settings.model(b.as_bstr()));
        if let Some(model) = model.or_else(|| settings.default_model())
            && !words.model()
        {
            options.extend(["--model".into(), OsString::from_vec(model.into())]);
        }
    }
    if stranger.is_some() && !args.trust && words.start_session() {
        options.extend(without_their_settings(&place, &program)?);
    }
    let lock = if words.start_session() {
        guard(&place, args.force)?
    } else {
        None
    };
    if args.tab {
        // The window takes the lock anew: what would be refused there is refused here.
        drop(lock);
        let flags = [(args.force, "--force"), (args.trust, "--trust")];
        let flags = flags.iter().filter(|(set, _)| *set);
        let mut again: Vec<OsString> = flags.map(|(_, flag)| (*flag).into()).collect();
        if let Some(query) = &args.fork {
            again.extend(["--fork".into(), latest(query)?.0.into_os_string()]);
        }
        again.push("@".into());
        again.extend_from_slice(words.0);
        return tab::open(&place.dir, entry.name.as_bstr(), Some(&again));
    }
    std::env::set_current_dir(&place.dir)
        .with_context(|| format!("could not enter '{}'", place.dir.display()))?;
    if let Some(branch) = stranger.filter(|_| args.trust) {
        crate::creation::checkout::set(&place.repo, branch, "treehopTrust", OsStr::new("true"))?;
    }
    let mut command = program.command(&place.repo, &place.entries, entry, &place.dir);
    command.args(options).args(words.0);
    if words.background() && program.claude {
        let stands = || !place.sessions().is_empty();
        return launch::hand_over(command, lock, &program.shown, stands);
    }
    launch::become_it(command, lock, &program.shown)
}

/// The query, and what is claude's. There is no query where the first word is an option.
pub fn split(args: &[OsString]) -> (Option<&OsStr>, Vec<OsString>) {
    // A first `--` is claude's like any other, but clap takes it for its own.
    let given: Vec<OsString> = std::env::args_os().collect();
    let before = given.len().checked_sub(args.len() + 1);
    let dashes = before.map(|at| &given[at]).filter(|word| *word == "--");
    let option = |word: &OsString| word.as_bytes().starts_with(b"-") && word != "-";
    match args.split_first() {
        Some((query, rest)) if dashes.is_none() && !option(query) => (Some(query), rest.to_vec()),
        _ => (None, dashes.into_iter().chain(args).cloned().collect()),
    }
}

/// The options for claude that go on with what was said last in the worktree that `query` means.
fn fork(query: &OsStr, words: Words, program: &Program) -> Result<Vec<OsString>> {
    if !program.claude {
        let message = format!(
            "--fork is claude's, and treehop.claude is '{}'",
            program.shown
        );
        return Err(Failure::new(Exit::Failed, message).into());
    }
    if words.resume() || !words.take_options() {
        let message = "--fork begins a session, and goes on with a conversation of its own";
        return Err(Failure::new(Exit::Usage, message)
            .hint("treehop claude --help")
            .into());
    }
    let (_, conversation) = latest(query)?;
    Ok(["--resume", &conversation, "--fork-session"]
        .map(OsString::from)
        .into())
}

/// The directory of the worktree that `query` means, and the id of the latest conversation there.
///
/// # Errors
/// [`Exit::NotFound`] where there is none; or as `find`.
pub fn latest(query: &OsStr) -> Result<(PathBuf, String)> {
    let place = Place::find(Some(query))?;
    let roots: Vec<_> = place.entries.iter().map(|e| e.path.as_path()).collect();
    let Some(last) = claude::last(&roots).remove(&place.at) else {
        let message = format!(
            "there is no conversation in '{}' to fork",
            place.entry().name
        );
        return Err(Failure::new(Exit::NotFound, message)
            .hint("--carry takes the changes along alone")
            .into());
    };
    Ok((place.entry().path.clone(), last.session_id))
}

/// The options for claude that keep it from what a stranger commits as a hook or a status line.
fn without_their_settings(place: &Place, program: &Program) -> Result<[OsString; 2]> {
    let name = &place.entry().name;
    let trust = format!("wclaude --trust {}", place.typed());
    if !program.claude {
        let message = format!(
            "'{name}' is a pull request, and '{}' cannot be kept from the settings in it",
            program.shown
        );
        return Err(Failure::new(Exit::Refused, message).hint(trust).into());
    }
    say!(
        "'{name}' is a pull request: claude runs without the settings in it (to use them: {trust})"
    );
    Ok(["--setting-sources", "user"].map(OsString::from))
}

/// Takes the lock, unless a session is live in the worktree. With `force` it is not held where it cannot be.
fn guard(place: &Place, force: bool) -> Result<Option<Lock>> {
    let lock = || Lock::take(&place.entry().git_dir);
    if force {
        return Ok(lock().unwrap_or_default());
    }
    let (name, typed) = (&place.entry().name, place.typed());
    let mut sessions = vec![];
    // Who had the lock may be gone when one looks who it is.
    for _ in 0..3 {
        let lock = lock()?;
        sessions = place.sessions();
        if sessions.is_empty() && lock.is_some() {
            return Ok(lock);
        }
        if !sessions.is_empty() {
            break;
        }
    }
    let described: Vec<_> = sessions.iter().map(session::describe).collect();
    // Somebody has the lock, and cannot be told who.
    let who = match described.as_slice() {
        [] => String::new(),
        some => format!(": {}", some.join(", ")),
    };
    let message = format!("a session is live in '{name}'{who}");
    Err(Failure::new(Exit::Refused, message)
        .hint(format!(
            "go on in its terminal; another one with all of it: wnew BRANCH --fork {typed}; all the same: wclaude --force {typed}"
        ))
        .into())
}
