//! `treehop pr`: the branch of a worktree is pushed, and a pull or merge request for it opened.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};
use gix::bstr::{BStr, BString, ByteSlice};
use serde::Serialize;

use crate::cli::{self, Format, Show};
use crate::error::{Exit, Failure};
use crate::forge::program::{self, Program};
use crate::forge::{self, Address, Forge};
use crate::git::{Git, branch_ref};
use crate::output::{self, Document};
use crate::plain::Relay;
use crate::reader::Reader;
use crate::repo::Repo;
use crate::repo::changes::Changes;
use crate::repo::entry::Entry;
use crate::search::Search;
use crate::{interrupt, remote, removal, shell, worktree};

/// What it prints.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    document: Document,
    pr: Request,
}

#[derive(Serialize)]
struct Request {
    /// The remote's name, or where it is.
    #[serde(serialize_with = "worktree::text")]
    remote: BString,
    /// The branch there.
    #[serde(serialize_with = "worktree::text")]
    branch: BString,
    forge: Option<&'static str>,
    /// Of the request, or of the page on which it is opened.
    url: Option<String>,
    created: bool,
}

/// Where a branch is pushed to.
struct Target {
    /// A name, or an address.
    remote: BString,
    /// What people may see of it: an address may hold a password.
    shown: BString,
    /// The branch there.
    branch: BString,
}

/// Runs `treehop pr`.
pub fn run(args: &cli::Pr) -> Result<()> {
    let (query, words) = super::claude::split(&args.args);
    // It ends treehop's own options, and neither program takes words after it.
    let words = words
        .strip_prefix(&[OsString::from("--")])
        .unwrap_or(&words);
    let (late, words) = &behind(words)?;
    let dir = super::current_dir()?;
    let word = query.unwrap_or(OsStr::new("@")).as_bytes().into();
    let search = Search::new(vec![word], &dir, false)?;
    let at = search.one(&dir)?;
    let (repo, entries) = (&search.repos[at.0].repo, &search.repos[at.0].entries);
    let entry = search.entry(at);
    let asked = Show {
        fields: vec!["changes".into(), "repo.default_branch".into()],
        ..Show::default()
    };
    let reader = Reader::new(repo, entries, &asked);
    let default = reader.repo().default_branch;
    let branch = own_branch(repo, entry, default.as_ref())?;
    let settings = Settings::read(&entry.path);
    let remote = args.remote.as_ref().or(late.as_ref());
    let target = target(remote, repo, entry, &settings, &branch)?;
    let address = address(entry, &target);
    let forge = address
        .as_ref()
        .and_then(|address| kind(address, &settings, &target));
    let program = forge.and_then(|forge| Program::of(forge, &entry.path));

    interrupt::watch()?;
    let mut request = Request {
        remote: target.shown.clone(),
        branch: target.branch.clone(),
        forge: forge.map(Forge::name),
        url: None,
        created: false,
    };
    let help = words.iter().any(|word| word == "--help" || word == "-h");
    if help {
        let none = || {
            let message = format!("no program opens requests on {}", target.shown);
            Failure::new(Exit::Failed, message).hint("treehop pr --help")
        };
        program.as_ref().ok_or_else(none)?.create(words)?;
    } else {
        say_changes(entry, reader.worktrees(&[at.1])?.remove(0).changes);
        push(repo, entry, &branch, &target)?;
        let page = address.as_ref().zip(forge).map(|(address, forge)| {
            let base = default.as_ref().map(|base| base.to_str_lossy());
            address.request_page(forge, &target.branch.to_str_lossy(), base.as_deref())
        });
        match &program {
            Some(program) => {
                let mut words = words.clone();
                if !is_known(repo, &target) {
                    words.extend(program.head(&target.branch, &words));
                }
                open(&mut request, program, &words, page)?;
            }
            None => show_page(&mut request, &target, address.as_ref(), page),
        }
    }
    let reader = Reader::new(repo, entries, &args.show);
    let document = reader.document(at.1, None)?;
    if args.show.fields.is_empty() && args.show.format == Format::Json {
        return output::json(&Report {
            document,
            pr: request,
        });
    }
    output::one(&document, &args.show)
}

fn say_changes(entry: &Entry, changes: Option<Changes>) {
    if let Some(changes) = changes.filter(|changes| *changes != Changes::default()) {
        let (name, counted) = (&entry.name, removal::counted(changes));
        say!("what is not committed in '{name}' is not pushed: {counted}");
    }
}

/// Does git keep here what the remote's branch is? Where a clone has a single branch, it does not.
fn is_known(repo: &Repo, target: &Target) -> bool {
    repo.object(&remote::tracking(&target.remote, &target.branch))
        .is_some()
}

/// The branch that a request can be opened for.
fn own_branch(repo: &Repo, entry: &Entry, default: Option<&BString>) -> Result<BString> {
    let (name, head) = (&entry.name, entry.head(repo));
    let refused =
        |message: String, hint: String| Err(Failure::new(Exit::Refused, message).hint(hint).into());
    let there = shell::quoted(&entry.path);
    let Some(branch) = head.branch else {
        return match entry.operation().0 {
            Some(operation) => refused(
                format!("'{name}' is in the middle of a {operation}"),
                format!("finish it, or git -C {there} {operation} --abort"),
            ),
            None => refused(
                format!("'{name}' has no branch checked out"),
                format!("git -C {there} switch -c BRANCH"),
            ),
        };
    };
    if default == Some(&branch) {
        return refused(
            format!("'{branch}' is the branch that requests go into: it has none of its own"),
            "wnew BRANCH, and --carry for what is not committed".into(),
        );
    }
    if head.id.is_none() {
        return refused(
            format!("there is no commit on '{branch}' yet"),
            "git commit".into(),
        );
    }
    Ok(branch)
}

/// What git's configuration says of branches and remotes, by any file that it reads.
struct Settings(Vec<(BString, BString)>);

impl Settings {
    fn read(worktree: &Path) -> Self {
        let said = Git::in_dir(worktree)
            .here_only()
            .args(["config", "-z", "--get-regexp", r"^(branch|remote)\."])
            .read();
        // It fails where there are none.
        let said = said.unwrap_or_default();
        let settings = said.split(|byte| *byte == 0).filter_map(|setting| {
            let (key, value) = setting.split_once_str(b"\n")?;
            Some((key.into(), value.into()))
        });
        Settings(settings.collect())
    }

    /// `section.NAME.key`, the last word being in lower case.
    fn get(&self, section: &str, name: &BString, key: &str) -> Option<&BString> {
        let full = [section.as_bytes(), b".", name, b".", key.as_bytes()].concat();
        self.last(&full)
    }

    fn last(&self, key: &[u8]) -> Option<&BString> {
        let mut settings = self.0.iter().rev();
        settings
            .find(|(own, value)| own == key && !value.is_empty())
            .map(|(_, value)| value)
    }
}

/// Takes `--remote NAME` out of what follows the query: it is no option of gh's or glab's.
fn behind(words: &[OsString]) -> Result<(Option<OsString>, Vec<OsString>)> {
    let (mut remote, mut rest) = (None, vec![]);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--remote" {
            let missing = || Failure::new(Exit::Usage, "--remote without a name").hint("wpr -h");
            remote = Some(words.next().ok_or_else(missing)?.clone());
        } else if let Some(name) = word.as_bytes().strip_prefix(b"--remote=") {
            remote = Some(OsStr::from_bytes(name).to_owned());
        } else {
            rest.push(word.clone());
        }
    }
    Ok((remote, rest))
}

/// Where the branch goes.
fn target(
    remote: Option<&OsString>,
    repo: &Repo,
    entry: &Entry,
    settings: &Settings,
    branch: &BString,
) -> Result<Target> {
    let remotes = repo.remotes();
    if let Some(name) = remote {
        let name: BString = name.as_bytes().into();
        if !remotes.contains(&name) {
            let message = format!("there is no remote '{name}'");
            return Err(Failure::new(Exit::Failed, message)
                .listing(remotes)
                .hint("git remote add NAME ADDRESS")
                .into());
        }
        return Ok(Target {
            remote: name.clone(),
            shown: name,
            branch: branch.clone(),
        });
    }
    let tracked = settings
        .get("branch", branch, "remote")
        .filter(|remote| *remote != ".");
    let push_remote = settings.get("branch", branch, "pushremote");
    let merge = settings
        .get("branch", branch, "merge")
        .filter(|_| tracked.is_some());
    let request = |prefix: &str| {
        merge?
            .strip_prefix(prefix.as_bytes())?
            .split_str(b"/")
            .next()
    };
    if let Some(number) = request("refs/pull/").or_else(|| request("refs/merge-requests/")) {
        let number = number.as_bstr();
        let message = format!("'{branch}' is request {number} already, somebody else's");
        return Err(Failure::new(Exit::Refused, message)
            .hint("to make it a branch of your own: wpr --remote NAME")
            .into());
    }
    // As git push chooses; but what a branch of another name is tracked for is its base, not where it is pushed to.
    let counterpart = merge.is_some_and(|merge| *merge == branch_ref(branch));
    let is_remote = |remote: &&BString| remotes.contains(remote) || is_address(remote);
    let origin = BString::from("origin");
    let choice = [
        push_remote,
        tracked.filter(|_| counterpart),
        settings.last(b"remote.pushdefault"),
        tracked,
        remotes.first().filter(|_| remotes.len() == 1),
        Some(&origin),
    ];
    let chosen = choice.into_iter().flatten().find(is_remote).cloned();
    let remote = chosen.ok_or_else(|| undecided(entry, &remotes))?;
    if remotes.contains(&remote) {
        return Ok(Target {
            shown: remote.clone(),
            remote,
            branch: branch.clone(),
        });
    }
    // As gh keeps somebody's fork: without a name, the branch there as what is tracked.
    let theirs = merge
        .filter(|_| push_remote == tracked)
        .and_then(|merge| merge.strip_prefix(b"refs/heads/"));
    let shown = match Address::parse(&remote.to_str_lossy(), |_| None) {
        Some(address) => address.page(None).into(),
        None => remote.clone(),
    };
    Ok(Target {
        shown,
        branch: theirs.map_or_else(|| branch.clone(), BString::from),
        remote,
    })
}

fn undecided(entry: &Entry, remotes: &[BString]) -> Failure {
    let Some(first) = remotes.first() else {
        return Failure::new(Exit::Failed, "there is no remote to push to")
            .hint("git remote add origin ADDRESS");
    };
    let (name, count) = (&entry.name, remotes.len());
    let message = format!("'{name}' could be pushed to any of {count}:");
    Failure::new(Exit::Ambiguous, message)
        .listing(remotes)
        .hint(format!(
            "wpr --remote {first}, or git config remote.pushDefault NAME"
        ))
}

/// Is it no name?
fn is_address(remote: &[u8]) -> bool {
    remote.contains(&b'/') || remote.contains(&b':')
}

/// Where git pushes to, all its rules for addresses applied.
fn address(entry: &Entry, target: &Target) -> Option<Address> {
    let remote = OsStr::from_bytes(&target.remote);
    let ask = |args: &[&str]| {
        Git::in_dir(&entry.path)
            .here_only()
            .args(args)
            .args([remote])
            .read()
    };
    let said = ask(&["remote", "get-url", "--push", "--"])
        .or_else(|_| ask(&["ls-remote", "--get-url", "--"]))
        .ok()?;
    Address::parse(&said.to_str_lossy(), forge::by_ssh)
}

/// What kind of forge is at `address`: what the user says, what its name does, which program knows it.
fn kind(address: &Address, settings: &Settings, target: &Target) -> Option<Forge> {
    let set = settings.get("remote", &target.remote, "treehopforge");
    set.and_then(|name| Forge::named(name.to_str().ok()?))
        .or_else(|| address.forge())
        .or_else(|| program::knowing(&address.host))
}

/// Pushes the branch and makes it track what it was pushed to.
fn push(repo: &Repo, entry: &Entry, branch: &BString, target: &Target) -> Result<()> {
    let shown = &target.shown;
    let refspec = [&branch_ref(branch)[..], b":", &branch_ref(&target.branch)].concat();
    let mut child = Git::changing(&entry.path)
        .args(["push", "--porcelain", "--set-upstream"])
        // Its standard error will not be the terminal that ours may be.
        .args(std::io::stderr().is_terminal().then_some("--progress"))
        .args(["--"])
        .args([
            OsStr::from_bytes(&target.remote),
            OsStr::from_bytes(&refspec),
        ])
        .far()
        .start()?;
    drop(child.stdin.take());
    let relay = Relay::of(&mut child);
    // A hook's lines, then where to, then FLAG, tab, what to what, tab, how it went.
    let (mut to, mut result) = (None::<Vec<u8>>, None);
    program::lines(&mut child, |line| {
        if let [flag @ (b' ' | b'*' | b'=' | b'!'), b'\t', rest @ ..] = line {
            result = Some((*flag, rest.to_vec()));
            to = None;
        }
        // It was a hook's, too.
        if let Some(line) = to.take() {
            program::show(&line);
        }
        if line.starts_with(b"To ") && result.is_none() {
            to = Some(line.to_vec());
        }
        to.is_none() && result.is_none()
    })?;
    if let Some(line) = to {
        program::show(&line);
    }
    let status = interrupt::wait(&mut child).context("could not run git")?;
    relay.end();
    interrupt::check()?;
    let place = if target.branch == *branch {
        format!("{shown}")
    } else {
        format!("{shown} as '{}'", target.branch)
    };
    match &result {
        Some((b'=', _)) if status.success() => {
            say!("'{branch}' is on {place} already, as it is here");
        }
        Some((b'*', _)) if status.success() => {
            say!("pushed '{branch}' to {place}, a new branch there");
        }
        Some(_) if status.success() => say!("pushed '{branch}' to {place}"),
        _ => {
            let said = result.and_then(|(_, rest)| Some(rest.rsplit_once_str(b"\t")?.1.into()));
            let said: BString = said.unwrap_or_default();
            return Err(rejected(repo, entry, branch, target, said.as_bstr()));
        }
    }
    tracks(repo, branch, target)
}

/// Sees to it that the branch tracks what it was pushed to: where another git holds the lock of the configuration, the
/// push has gone well without.
fn tracks(repo: &Repo, branch: &BString, target: &Target) -> Result<()> {
    let settings = repo.branch_settings(branch)?;
    let to = branch_ref(&target.branch);
    for (key, value) in [("remote", &target.remote), ("merge", &to)] {
        let mut last = settings.iter().rev();
        let last = last.find(|(own, _)| own.eq_ignore_ascii_case(key.as_bytes()));
        if last.is_none_or(|(_, own)| own != value) {
            crate::creation::checkout::set(repo, branch, key, OsStr::from_bytes(value))?;
        }
    }
    Ok(())
}

/// Why the push failed, as far as git says it in a word, and what helps.
fn rejected(
    repo: &Repo,
    entry: &Entry,
    branch: &BString,
    target: &Target,
    said: &BStr,
) -> anyhow::Error {
    let Target {
        shown,
        branch: to,
        remote,
    } = target;
    let why = match said.find_byte(b'(') {
        Some(at) => said[at + 1..].trim_end_with(|c| c == ')').as_bstr(),
        None => said,
    };
    let there = format!("git -C {}", shell::quoted(&entry.path));
    let from = if is_address(remote) {
        b"ADDRESS"
    } else {
        &remote[..]
    };
    let [from, on] = [from, to].map(|word| shell::quoted(OsStr::from_bytes(word)));
    let place = format!("{from} {on}");
    let pull = format!("{there} pull --rebase {place}");
    let failure = |message: String| Failure::new(Exit::Failed, message);
    match why.to_str_lossy().as_ref() {
        "fetch first" => {
            failure(format!("'{to}' on {shown} has commits that are not here")).hint(pull)
        }
        "non-fast-forward" if rewritten(repo, branch, &target.remote, to) => failure(format!(
            "'{branch}' was rewritten here since it was pushed to {shown}"
        ))
        .hint(format!(
            "if nobody else works on it: {there} push --force-with-lease {place}"
        )),
        "non-fast-forward" => failure(format!(
            "'{to}' on {shown} has commits that '{branch}' lacks"
        ))
        .hint(pull),
        "" => failure(format!("could not push '{branch}' to {shown}"))
            .hint("git, a hook or the remote has said why, above"),
        why => failure(format!("{shown} does not take '{branch}': {why}"))
            .hint("the remote may have said more, above"),
    }
    .into()
}

/// Was what is known of the remote's branch a commit of ours once?
fn rewritten(repo: &Repo, branch: &BString, remote: &BString, to: &BString) -> bool {
    let Some(theirs) = repo.object(&remote::tracking(remote, to)) else {
        return false;
    };
    let ours = branch_ref(branch);
    let log = Git::at(&repo.common_dir)
        .args(["reflog", "show", "--format=%H", "--end-of-options"])
        .args([OsStr::from_bytes(&ours)])
        .read();
    log.is_ok_and(|log| log.lines().any(|id| id == theirs.as_bytes()))
}

/// Shows the request that is open, or has one opened.
fn open(
    request: &mut Request,
    program: &Program,
    words: &[OsString],
    page: Option<String>,
) -> Result<()> {
    let branch = request.branch.clone();
    let found = program.find(&branch);
    interrupt::check()?;
    if let Some(url) = found {
        say!("there is a request for '{branch}' already: {url}");
        request.url = Some(url);
        return Ok(());
    }
    let said = program.create(words).map_err(|error| {
        let hint = page.as_ref().map(|page| {
            format!("'{branch}' is pushed: wpr again, or open the request here: {page}")
        });
        match (error.downcast::<Failure>(), hint) {
            (Ok(failure), Some(hint)) if failure.hint.is_none() => failure.hint(hint).into(),
            (Ok(failure), _) => failure.into(),
            (Err(error), _) => error,
        }
    })?;
    // In a terminal it has shown the address, to people only.
    let url = said.or_else(|| program.find(&branch));
    interrupt::check()?;
    request.created = url.is_some();
    request.url = url.or(page);
    Ok(())
}

/// Says where a request is opened, as far as that is known.
fn show_page(
    request: &mut Request,
    target: &Target,
    address: Option<&Address>,
    page: Option<String>,
) {
    if let Some(page) = &page {
        say!("open the request here: {page}");
    } else if let Some(address) = address {
        let (host, page) = (&address.host, address.page(None));
        say!("which forge is at {host} is not known; the repository may be at {page}");
        if target.remote == target.shown {
            let names = Forge::names().collect::<Vec<_>>().join("|");
            let key = format!("remote.{}.treehopForge", target.remote);
            say!("hint: git config {} {names}", shell::quoted(key));
        }
    } else {
        say!("no request was opened: '{}' is on no forge", target.shown);
    }
    request.url = page;
}
