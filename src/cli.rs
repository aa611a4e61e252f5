//! The command line: types for clap, and the one rule that clap cannot express.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

/// Git worktrees for people who run several Claude Code sessions side by side
#[derive(Debug, Parser)]
#[command(name = "treehop", version, arg_required_else_help = false)]
pub struct Cli {
    /// Run as if started in DIR; several add up, as in git
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = clap::ValueHint::DirPath)]
    pub directory: Vec<OsString>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Understands `args`, the program's own name first.
    ///
    /// # Errors
    /// As clap.
    pub fn read(mut args: Vec<OsString>) -> Result<Self, clap::Error> {
        let claudes = take_claudes(&mut args).unwrap_or_default();
        let mut cli = Cli::try_parse_from(args)?;
        if let Command::New(new) = &mut cli.command {
            new.claude_args = claudes;
        }
        Ok(cli)
    }
}

/// With `new -c`, takes away all that follows BRANCH, options included.
fn take_claudes(args: &mut Vec<OsString>) -> Option<Vec<OsString>> {
    let is = |arg: &OsString, words: &[&str]| words.iter().any(|word| arg == word);
    args.iter().find(|arg| is(arg, &["-c", "--claude"]))?;
    let cli = Cli::command();
    let new = 1 + first_word(&cli, &args[1..])?;
    let command = cli.find_subcommand("new").filter(|_| args[new] == "new")?;
    let mut end = new + 1 + first_word(command, &args[new + 1..])?;
    let before = &args[new..end];
    before.iter().find(|arg| is(arg, &["-c", "--claude"]))?;
    let other = |arg: &OsString| {
        let arg = arg.to_string_lossy();
        ["--pr", "--detach"].contains(&arg.split('=').next().unwrap_or_default())
    };
    if !before.iter().any(other) {
        end += 1;
    }
    Some(args.split_off(end))
}

/// Where the first of `args` is that is neither an option nor an option's value.
fn first_word(command: &clap::Command, args: &[OsString]) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = args.get(at).map(|arg| arg.to_string_lossy()) {
        if arg == "--" {
            return Some(at + 1).filter(|at| *at < args.len());
        }
        let Some(name) = arg.strip_prefix('-').filter(|name| !name.is_empty()) else {
            return Some(at);
        };
        let named = |option: &&clap::Arg| match name.strip_prefix('-') {
            Some(long) => option.get_long() == Some(long),
            None => option
                .get_short()
                .is_some_and(|short| name == short.to_string()),
        };
        let option = command.get_opts().find(named);
        at += 1 + usize::from(option.is_some_and(|option| option.get_action().takes_values()));
    }
    None
}

/// One variant, one file in `cmd`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print all worktrees of the repository
    List(List),
    /// Find the worktree that QUERY means
    Find(Find),
    /// Print the worktree of the current directory
    Here(Here),
    /// Create a worktree for a branch, and set it up
    New(New),
    /// Install the dependencies of a worktree
    Setup(Setup),
    /// Run claude in a worktree, unless one is live there
    Claude(Claude),
    /// Remove worktrees, and their branches where they are merged
    Remove(Remove),
    /// Bring a removed worktree back
    Undo(Undo),
    /// Merge a worktree's branch into the main worktree's, then remove the worktree
    Merge(Merge),
    /// Push a worktree's branch and open a pull or merge request
    Pr(Pr),
    /// Forget worktrees whose directory is gone
    Prune(Prune),
    /// Answer Claude Code when it makes or removes a worktree
    Hook(Hook),
    /// Print a status line for Claude Code
    Statusline,
    /// Print the integration for a shell
    Init(Init),
    /// Load the integration from the start-up files of your shells, or set up Claude Code
    Install(Install),
    /// Print the completions of treehop itself for a shell
    Completions(Completions),
    /// Check what treehop needs and uses, and say how to mend what is missing
    Doctor(Doctor),
}

/// What a command prints about worktrees.
#[derive(Debug, Default, Args)]
pub struct Show {
    /// Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = field)]
    pub fields: Vec<String>,
    /// Fill in commit, upstream, default, changes, stashes and claude.last too
    #[arg(long)]
    pub full: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Json, conflicts_with = "fields")]
    pub format: Format,
}

/// Fifty possible values would be built at each start, asked for or not.
fn field(name: &str) -> Result<String, String> {
    let known = crate::worktree::FIELDS
        .contains(&name)
        .then(|| name.to_owned());
    known.ok_or_else(|| {
        "fields are named as in the JSON: path, changes.modified, repo.root, cd".into()
    })
}

/// As [`field`], where a document is not about one worktree.
fn repo_field(name: &str) -> Result<String, String> {
    field(name)
        .ok()
        .filter(|name| name == "cd" || name.starts_with("repo"))
        .ok_or_else(|| "there are cd, repo.name, repo.root, repo.git_dir, repo.bare".into())
}

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON document
    #[default]
    Json,
    /// For eyes
    Table,
}

/// `treehop list`
#[derive(Debug, Args)]
pub struct List {
    /// Show the table on the whole terminal, and keep it fresh
    #[arg(short, long, conflicts_with = "fields")]
    pub watch: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// `treehop find`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Find {
    /// Print all matches of the tier that decides
    #[arg(long)]
    pub all: bool,
    /// The last word is still being typed: after `REPO:` all fits, where it means the main worktree otherwise
    #[arg(long, hide = true)]
    pub partial: bool,
    /// Open a window or tab there (tmux, zellij, wezterm, kitty), and stay here
    #[arg(short, long, conflicts_with = "all")]
    pub tab: bool,
    /// Keep the subdirectory: `cd` is the same place in the other worktree, as far as it exists there
    #[arg(short, long)]
    pub subdir: bool,
    /// Words of a branch or name, `^` (main), `@` (this one), `!` (the one that waits), a path, REPO:QUERY; none: main
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// `treehop here`
#[derive(Debug, Args)]
pub struct Here {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// `treehop new`
#[derive(Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct New {
    /// A new, local or remote branch, or pr:N
    #[arg(value_name = "BRANCH", required_unless_present_any = ["pr", "detach", "candidates"])]
    pub branch: Option<OsString>,
    /// Where a new branch begins (default: treehop.base, else HEAD)
    #[arg(long, value_name = "REF")]
    pub base: Option<OsString>,
    /// Ask the remote for the branch first
    #[arg(long)]
    pub fetch: bool,
    /// The branch of this pull or merge request
    #[arg(long, value_name = "N", conflicts_with_all = ["branch", "detach", "base"])]
    pub pr: Option<u64>,
    /// No branch: check out this commit
    #[arg(long, value_name = "REF", conflicts_with_all = ["branch", "base"])]
    pub detach: Option<OsString>,
    /// The worktree's name, where the branch's does not suit
    #[arg(long)]
    pub name: Option<OsString>,
    /// The worktree's directory
    #[arg(long, value_name = "DIR", conflicts_with = "name", value_hint = clap::ValueHint::DirPath)]
    pub path: Option<PathBuf>,
    /// Copy the uncommitted changes of this worktree into the new one
    #[arg(long)]
    pub carry: bool,
    /// Install dependencies even of a pull request: that runs a stranger's code
    #[arg(long)]
    pub setup: bool,
    /// Install no dependencies
    #[arg(long, conflicts_with = "setup")]
    pub no_setup: bool,
    /// The model that claude uses on this branch
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// wnew: then run claude there; all that follows BRANCH is claude's
    #[arg(short = 'c', long)]
    pub claude: bool,
    /// What is claude's.
    #[arg(skip)]
    pub claude_args: Vec<OsString>,
    /// Go on with the latest conversation, and the changes, of this worktree (or QUERY's) in the new one
    #[arg(long, value_name = "QUERY", num_args = 0..=1, default_missing_value = "@", conflicts_with_all = ["base", "detach", "pr", "carry"])]
    pub fork: Option<OsString>,
    /// Open a window or tab there (tmux, zellij, wezterm, kitty), and stay here
    #[arg(short, long)]
    pub tab: bool,
    /// For Tab: the branches that BRANCH may become
    #[arg(long, hide = true)]
    pub candidates: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// `treehop setup`
#[derive(Debug, Args)]
pub struct Setup {
    /// As for find; none: this worktree
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Run claude in a worktree, unless one is live there
///
/// Becomes claude, named after the worktree, with its virtual environment active. `treehop.claude` names another program,
/// `branch.NAME.treehopModel` or `treehop.model` the model. On somebody else's pull request it runs without the settings
/// that come with it.
#[derive(Debug, Args)]
#[command(override_usage = "treehop claude [OPTIONS] [QUERY] [ARGS]...")]
pub struct Claude {
    /// Run it in spite of a live one
    #[arg(long)]
    pub force: bool,
    /// Use the settings of this pull request, now and later: that runs a stranger's hooks
    #[arg(long)]
    pub trust: bool,
    /// Run it in a new window or tab (tmux, zellij, wezterm, kitty)
    #[arg(short, long)]
    pub tab: bool,
    /// Go on with what was said last in that worktree, in a conversation of its own
    #[arg(long, value_name = "QUERY")]
    pub fork: Option<OsString>,
    /// As for find; none where the first word is an option: this worktree. What follows is claude's, as it is
    #[arg(
        value_name = "QUERY",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<OsString>,
}

/// Remove worktrees, and their branches where they are merged
///
/// A branch goes only when its commits are in the default branch (merged, rebased or squashed) or its upstream. Refused
/// are the main worktree, a locked one, one with changes, with a live session or in the middle of an operation.
/// `undo` brings all of it back for 30 days, with --force the changes and untracked files too. Ignored files are kept
/// up to 10 MB, the smallest first, except in what tools make again (`node_modules`, `.venv`, `target`, …).
#[derive(Debug, Args)]
pub struct Remove {
    /// As for find, each word another worktree; none: this one
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    /// Remove one with changes too: they are kept for undo (ignored files beyond 10 MB are not)
    #[arg(short, long)]
    pub force: bool,
    /// Keep the branch
    #[arg(long)]
    pub keep_branch: bool,
    /// Say what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print these values only, raw, one a line (cd, repo.root, …)
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = repo_field)]
    pub fields: Vec<String>,
}

/// Bring a removed worktree back
///
/// To its place, with its branch, index and files as they were. Where the branch has moved or is checked out elsewhere,
/// the worktree comes back detached.
#[derive(Debug, Args)]
pub struct Undo {
    /// Which; none: the one removed last
    pub name: Option<OsString>,
    /// Print those that can be brought back
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Merge a worktree's branch into the main worktree's, then remove the worktree
///
/// As `git merge` does it: fast-forward where that is possible, with your settings, hooks and editor. Refused, with
/// nothing changed, are a merge that would conflict (status 6), uncommitted changes on either side and a live session.
/// Then the worktree is removed, and its branch, as `remove` does it. What was interrupted goes on when run again.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Merge {
    /// As for find; none: this worktree
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    /// The branch to merge into (default: the main worktree's)
    #[arg(long, value_name = "BRANCH")]
    pub into: Option<OsString>,
    /// Make a merge commit even where the branch could be fast-forwarded
    #[arg(long, conflicts_with_all = ["squash", "rebase"])]
    pub no_ff: bool,
    /// Make one commit of all
    #[arg(long, conflicts_with = "rebase")]
    pub squash: bool,
    /// The message of that commit
    #[arg(
        short,
        long,
        value_name = "MSG",
        requires = "squash",
        allow_hyphen_values = true
    )]
    pub message: Option<OsString>,
    /// Rebase the branch first, then fast-forward
    #[arg(long)]
    pub rebase: bool,
    /// Keep the worktree and the branch
    #[arg(long)]
    pub keep: bool,
    /// Take what the upstream of the branch to merge into has first (fast-forward only)
    #[arg(long)]
    pub pull: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print these values only, raw, one a line (cd, repo.root, …)
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = repo_field)]
    pub fields: Vec<String>,
}

/// Push a worktree's branch and open a pull or merge request
///
/// Pushes it, never forcing, to the remote that it tracks, the only one, `remote.pushDefault` or `origin`, and runs
/// `gh pr create ARGS` or `glab mr create ARGS` there. A request that is open already is shown. Without the program the
/// page is, on which one is opened. `remote.NAME.treehopForge` names the forge where its address does not: github, gitlab,
/// gitea, bitbucket, bitbucket-server, azure, sourcehut.
#[derive(Debug, Args)]
#[command(override_usage = "treehop pr [OPTIONS] [QUERY] [ARGS]...")]
pub struct Pr {
    /// The remote to push to
    #[arg(long, value_name = "NAME")]
    pub remote: Option<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
    /// As for find; none where the first word is an option: this worktree. What follows is for gh or glab, as it is
    #[arg(
        value_name = "QUERY",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<OsString>,
}

/// Forget worktrees whose directory is gone
///
/// A worktree that was moved is named and kept. Ends interrupted removals, and drops what `undo` has kept for more than
/// 30 days.
#[derive(Debug, Args)]
pub struct Prune {
    /// Remove the worktrees whose branch is merged, too
    #[arg(long)]
    pub merged: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Delete what was renamed away, and nothing else: what `remove` starts behind itself
    #[arg(long, hide = true)]
    pub behind: bool,
    /// Print these values only, raw, one a line (cd, repo.root, …)
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = repo_field)]
    pub fields: Vec<String>,
}

/// Answer Claude Code when it makes or removes a worktree
///
/// Reads from standard input what Claude Code gives its hooks. For worktree-create the answer is no JSON: Claude Code wants
/// the path of the worktree and nothing else.
#[derive(Debug, Args)]
pub struct Hook {
    /// The hook
    pub event: Event,
    /// worktree-create: how long a set-up may keep Claude Code waiting before it goes on behind; less than the hook's timeout
    #[arg(long, value_name = "SECONDS", default_value_t = 480)]
    pub wait: u64,
    /// hold: the session that is about to begin
    #[arg(long, hide = true)]
    pub pid: Option<u32>,
}

/// The hooks that treehop answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Event {
    WorktreeCreate,
    WorktreeRemove,
    /// What worktree-create leaves behind.
    #[value(hide = true)]
    Hold,
}

/// The shells that have an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Nu,
}

/// `treehop init`
#[derive(Debug, Args)]
pub struct Init {
    /// The shell to print it for
    pub shell: Shell,
}

/// What `treehop install` knows how to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Target {
    Bash,
    Zsh,
    Fish,
    Nu,
    Claude,
}

/// Load the integration from the start-up files of your shells, or set up Claude Code
///
/// With `claude`, Claude Code's settings get treehop's status line, and hooks by which `claude --worktree NAME` makes the
/// worktree that `wnew NAME` makes, and removes it as `wrm` does. All else in them stays, a status line of your own, too.
#[derive(Debug, Args)]
pub struct Install {
    /// The shells to install for, or claude; none: the shells that you have
    #[arg(value_name = "SHELL|claude")]
    pub targets: Vec<Target>,
    /// With claude: the settings that this worktree shares with others, .claude/settings.json, and not your own
    #[arg(long)]
    pub project: bool,
    /// Say what would be written, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Take out what was added
    #[arg(long)]
    pub uninstall: bool,
}

/// `treehop completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to print them for
    pub shell: Shell,
}

/// `treehop doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::quick;
    use proptest::prelude::*;

    #[test]
    fn what_follows_the_branch_is_claudes() {
        for (line, claudes) in [
            ("new a/b --model opus", None),
            ("new -c a/b", Some(0)),
            ("new -c a/b --model opus -c", Some(3)),
            ("-C /x new --base main -c --name=n a/b -- x", Some(2)),
            ("new -c --pr 12 x", Some(1)),
            ("new --detach=v1 -c x y", Some(2)),
            ("find -c new -c x y", None),
            ("new -c -- -x y", Some(1)),
        ] {
            let mut args: Vec<OsString> = vec!["treehop".into()];
            args.extend(line.split(' ').map(OsString::from));
            assert_eq!(
                take_claudes(&mut args).map(|args| args.len()),
                claudes,
                "{line}"
            );
        }
    }

    proptest! {
        #![proptest_config(quick())]

        #[test]
        fn only_fields_that_there_are_can_be_asked_for(words in proptest::collection::vec("[a-z._]{0,14}|path|repo.root|\\PC{0,6}", 1..4)) {
            let fields = words.join(",");
            let known = fields.split(',').all(|name| crate::worktree::FIELDS.contains(&name));
            let read = Cli::read(["treehop", "list", "--fields", &fields].map(OsString::from).into());
            prop_assert_eq!(read.is_ok(), known && !fields.starts_with('-'));
        }
    }
}
