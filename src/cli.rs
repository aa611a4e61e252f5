//! The command line: types for clap, and the one rule that clap cannot express.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::help;

/// Git worktrees for people who run several Claude Code sessions side by side
#[derive(Debug, Parser)]
#[command(name = "treehop", version, arg_required_else_help = false, disable_help_subcommand = true, after_help = help::TREEHOP)]
pub struct Cli<C: Subcommand = Command> {
    /// Run as if started in DIR; several add up, as in git
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = clap::ValueHint::DirPath)]
    pub directory: Vec<OsString>,
    /// What to do.
    #[command(subcommand)]
    pub command: C,
}

impl Cli {
    /// Understands `args`, the program's own name first.
    ///
    /// # Errors
    /// As clap.
    pub fn read(mut args: Vec<OsString>) -> Result<Self, clap::Error> {
        if args.get(1).is_some_and(Frequent::is) {
            let Cli { directory, command } = Cli::try_parse_from(args)?;
            let command = Command::Frequent(command);
            return Ok(Cli { directory, command });
        }
        let claudes = take_claudes(&mut args).unwrap_or_default();
        let mut cli = Self::try_parse_from(args)?;
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
    let new = 1 + first_word(&<Cli>::command(), &args[1..])?;
    (args[new] == "new").then_some(())?;
    let command = New::augment_args(clap::Command::default());
    let mut end = new + 1 + first_word(&command, &args[new + 1..])?;
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

/// One variant, one file in `cmd`. Deferred: only the options of the command that is run are built, at each start. So
/// what each does is said here for the list of all, and above its type for its own help.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// The first ones.
    #[command(flatten)]
    Frequent(Frequent),
    /// Create a worktree for a branch, and set it up
    New(New),
    /// Install the dependencies of a worktree
    Setup(Setup),
    /// Run claude in a worktree, one session in each
    Claude(Claude),
    /// Remove worktrees, and branches that are merged
    Remove(Remove),
    /// Bring a removed worktree back
    Undo(Undo),
    /// Merge a worktree's branch into the main worktree's, and remove it
    Merge(Merge),
    /// Push a worktree's branch and open a pull or merge request
    Pr(Pr),
    /// Forget worktrees whose directory is gone
    Prune(Prune),
    /// Answer Claude Code when it makes or removes a worktree
    Hook(Hook),
    /// Print a status line for Claude Code
    #[command(after_help = help::STATUSLINE)]
    Statusline,
    /// Print the integration for a shell
    Init(Init),
    /// Put treehop into your shells' start-up files, or into Claude Code
    Install(Install),
    /// Print the completions of treehop itself for a shell
    Completions(Completions),
    /// Say what is missing, and what mends it
    Doctor(Doctor),
    /// Show the help of a command or a shell function
    Help(Help),
}

/// What runs at each change of directory, each Tab and each look: where one of them is named, the other commands are
/// not even built.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Frequent {
    /// Print all worktrees of the repository
    List(List),
    /// Find the worktree that QUERY means
    Find(Find),
    /// Print the worktree of the current directory
    Here(Here),
}

impl Frequent {
    fn is(word: &OsString) -> bool {
        ["list", "find", "here"].iter().any(|name| word == name)
    }
}

/// What a command prints about worktrees.
#[derive(Debug, Default, Args)]
pub struct Show {
    /// Print these values only, raw, one a line: path,cd
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = field)]
    pub fields: Vec<String>,
    /// Also commit, changes, default, upstream, stashes, …
    #[arg(long)]
    pub full: bool,
    /// json, or table for eyes
    #[arg(long, value_enum, default_value_t = Format::Json, conflicts_with = "fields", hide_possible_values = true)]
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

/// Print all worktrees of the repository
#[derive(Debug, Args)]
#[command(after_help = help::LIST)]
pub struct List {
    /// The table on the whole terminal, kept fresh; q ends
    #[arg(short, long, conflicts_with = "fields")]
    pub watch: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Find the worktree that QUERY means
#[derive(Debug, Args)]
#[command(after_help = help::FIND)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Find {
    /// Print all matches of the tier that decides
    #[arg(long)]
    pub all: bool,
    /// The last word is still being typed: after `REPO:` all fits, where it means the main worktree otherwise
    #[arg(long, hide = true)]
    pub partial: bool,
    /// In a new window or tab (tmux, zellij, wezterm, kitty)
    #[arg(short, long, conflicts_with = "all")]
    pub tab: bool,
    /// Keep the subdirectory, as far as it exists there
    #[arg(short, long)]
    pub subdir: bool,
    /// Which worktree, see below; none: the main one
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Print the worktree of the current directory
#[derive(Debug, Args)]
#[command(after_help = help::HERE)]
pub struct Here {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Create a worktree for a branch, and set it up
#[derive(Debug, Default, Args)]
#[command(after_help = help::NEW)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct New {
    /// A new, local or remote branch, or pr:N
    #[arg(value_name = "BRANCH", required_unless_present_any = ["pr", "detach", "candidates"])]
    pub branch: Option<OsString>,
    /// Where a new branch begins (treehop.base, else HEAD)
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
    /// Copy the uncommitted changes of this worktree into it
    #[arg(long)]
    pub carry: bool,
    /// Install even for a pull request: runs a stranger's code
    #[arg(long)]
    pub setup: bool,
    /// Install no dependencies
    #[arg(long, conflicts_with = "setup")]
    pub no_setup: bool,
    /// The model that claude uses on this branch
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Then run claude; what follows BRANCH is claude's
    #[arg(short = 'c', long)]
    pub claude: bool,
    /// What is claude's.
    #[arg(skip)]
    pub claude_args: Vec<OsString>,
    /// With this one's (or QUERY's) changes and conversation
    #[arg(long, value_name = "QUERY", num_args = 0..=1, default_missing_value = "@", conflicts_with_all = ["base", "detach", "pr", "carry"])]
    pub fork: Option<OsString>,
    /// In a new window or tab (tmux, zellij, wezterm, kitty)
    #[arg(short, long)]
    pub tab: bool,
    /// For Tab: the branches that BRANCH may become
    #[arg(long, hide = true)]
    pub candidates: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Install the dependencies of a worktree
#[derive(Debug, Args)]
#[command(after_help = help::SETUP)]
pub struct Setup {
    /// As for wcd; none: this one
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Run claude in a worktree, one session in each
#[derive(Debug, Args)]
#[command(override_usage = "treehop claude [OPTIONS] [QUERY] [ARGS]...", after_help = help::CLAUDE)]
pub struct Claude {
    /// Beside a live session
    #[arg(long)]
    pub force: bool,
    /// With the settings of this pull request, a stranger's
    #[arg(long)]
    pub trust: bool,
    /// In a new window or tab (tmux, zellij, wezterm, kitty)
    #[arg(short, long)]
    pub tab: bool,
    /// Go on with that worktree's last conversation: for `wnew --fork`
    #[arg(long, value_name = "QUERY", hide = true)]
    pub fork: Option<OsString>,
    /// As for wcd; none before an option: this one; then claude's
    #[arg(
        value_name = "QUERY",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<OsString>,
}

/// Remove worktrees, and branches that are merged
#[derive(Debug, Args)]
#[command(after_help = help::REMOVE)]
pub struct Remove {
    /// As for wcd, each word another worktree; none: this one
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    /// Also with changes, which wundo brings back
    #[arg(short, long)]
    pub force: bool,
    /// Keep the branch
    #[arg(long)]
    pub keep_branch: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print these values only, raw, one a line: cd,repo.root
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = repo_field)]
    pub fields: Vec<String>,
}

/// Bring a removed worktree back
#[derive(Debug, Args)]
#[command(after_help = help::UNDO)]
pub struct Undo {
    /// Its name or branch; none: the one removed last
    pub name: Option<OsString>,
    /// Print what can be brought back
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
}

/// Merge a worktree's branch into the main worktree's, and remove it
#[derive(Debug, Args)]
#[command(
    after_help = help::MERGE,
    group(ArgGroup::new("one commit").args(["squash", "no_ff"]))
)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Merge {
    /// As for wcd; none: this one
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,
    /// The branch to merge into [default: the main worktree's]
    #[arg(long, value_name = "BRANCH")]
    pub into: Option<OsString>,
    /// Make a merge commit in any case
    #[arg(long, conflicts_with = "rebase")]
    pub no_ff: bool,
    /// Make one commit of all
    #[arg(long, conflicts_with = "rebase")]
    pub squash: bool,
    /// The message of that commit: with --squash or --no-ff
    #[arg(
        short,
        long,
        value_name = "MSG",
        requires = "one commit",
        allow_hyphen_values = true
    )]
    pub message: Option<OsString>,
    /// Rebase the branch first, then fast-forward
    #[arg(long)]
    pub rebase: bool,
    /// Keep the worktree and the branch
    #[arg(long)]
    pub keep: bool,
    /// First bring the branch to merge into up to date
    #[arg(long)]
    pub pull: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print these values only, raw, one a line: cd,repo.root
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = repo_field)]
    pub fields: Vec<String>,
}

/// Push a worktree's branch and open a pull or merge request
#[derive(Debug, Args)]
#[command(override_usage = "treehop pr [OPTIONS] [QUERY] [ARGS]...", after_help = help::PR)]
pub struct Pr {
    /// The remote to push to
    #[arg(long, value_name = "NAME")]
    pub remote: Option<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub show: Show,
    /// As for wcd; none before an option: this one; then gh's or glab's
    #[arg(
        value_name = "QUERY",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<OsString>,
}

/// Forget worktrees whose directory is gone
#[derive(Debug, Args)]
#[command(after_help = help::PRUNE)]
pub struct Prune {
    /// Remove the worktrees whose branch is merged, too
    #[arg(long)]
    pub merged: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Delete what was renamed away, and nothing else: what `remove` starts behind itself
    #[arg(long, hide = true)]
    pub behind: bool,
    /// Print these values only, raw, one a line: cd,repo.root
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = repo_field)]
    pub fields: Vec<String>,
}

/// Answer Claude Code when it makes or removes a worktree
#[derive(Debug, Args)]
#[command(after_help = help::HOOK)]
pub struct Hook {
    /// The hook
    pub event: Event,
    /// A set-up that takes longer goes on behind
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

/// Print the integration for a shell
#[derive(Debug, Args)]
#[command(after_help = help::INIT)]
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

/// Put treehop into your shells' start-up files, or into Claude Code
#[derive(Debug, Args)]
#[command(after_help = help::INSTALL)]
pub struct Install {
    /// bash, zsh, fish, nu, claude; none: the shells you have
    #[arg(value_name = "SHELL|claude", hide_possible_values = true)]
    pub targets: Vec<Target>,
    /// claude: this project's .claude/settings.json, not your own
    #[arg(long)]
    pub project: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Take out what was added
    #[arg(long)]
    pub uninstall: bool,
}

/// Print the completions of treehop itself for a shell
#[derive(Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub struct Completions {
    /// The shell to print them for
    pub shell: Shell,
}

/// Say what is missing, and what mends it
#[derive(Debug, Args)]
#[command(after_help = help::DOCTOR)]
pub struct Doctor {
    /// json, or table for eyes
    #[arg(long, value_enum, default_value_t = Format::Json, hide_possible_values = true)]
    pub format: Format,
}

/// Show the help of a command or a shell function
#[derive(Debug, Args)]
pub struct Help {
    /// list, wls, …; none: treehop's own
    pub word: Option<String>,
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
