//! What `--help` says below the options, and how the shell functions are called. All of it is plain text: it costs a
//! start nothing.

/// A shell function, the command that it runs, what it does where that is more, and its usage.
pub const FUNCTIONS: [(&str, &str, &str, &str); 10] = [
    (
        "wcd",
        "find",
        "Go to the worktree that QUERY means, with its venv active",
        "wcd [OPTIONS] [QUERY]...",
    ),
    (
        "wls",
        "list",
        "Show what is where: branches, changes, sessions, ages",
        "wls [OPTIONS]",
    ),
    (
        "wnew",
        "new",
        "Create a worktree for a branch, set it up, go there",
        "wnew [OPTIONS] BRANCH\n       wnew -c [OPTIONS] BRANCH [CLAUDE'S ARGS]...",
    ),
    ("wsetup", "setup", "", "wsetup [QUERY]..."),
    (
        "wclaude",
        "claude",
        "",
        "wclaude [OPTIONS] [QUERY] [CLAUDE'S ARGS]...",
    ),
    ("wrm", "remove", "", "wrm [OPTIONS] [QUERY]..."),
    ("wundo", "undo", "", "wundo [OPTIONS] [NAME]"),
    ("wmerge", "merge", "", "wmerge [OPTIONS] [QUERY]..."),
    (
        "wpr",
        "pr",
        "",
        "wpr [OPTIONS] [QUERY] [ARGS FOR gh OR glab]...",
    ),
    ("wprune", "prune", "", "wprune [OPTIONS]"),
];

/// `treehop` itself.
pub const TREEHOP: &str = "\
In a shell, once `treehop install` has been run:
  wcd QUERY    go to a worktree         wrm     remove it; wundo brings it back
  wls          what is where            wmerge  merge it, then remove it
  wnew BRANCH  a worktree, ready        wpr     push it, open a pull request
  wsetup       install dependencies     wprune  forget what is gone or merged
  wclaude      claude in a worktree     each takes -h

Standard output is one JSON document, or what --fields names; words are on
standard error. Exit status: 0 done, 1 failed, 2 usage, 3 no such worktree,
4 ambiguous, 5 refused to protect work or a session, 6 merge conflict.";

/// `list`, `wls`
pub const LIST: &str = "\
In the table: + staged, ~ modified, ? untracked, ! conflicted files; commits
↑ ahead of and ↓ behind the default branch and upstream (`same`, `=`: neither;
`merged`: in the remote's default branch already); the last commit. claude is
busy, idle (has answered), waiting (asks you something), or did this last.

Examples:
  wls                                     in nu: wls | where changes.modified>0
  wls -w                                  kept fresh
  treehop list --fields path,claude.live  for scripts";

/// `find`, `wcd`
pub const FIND: &str = "\
QUERY is words of a branch or name, which must all fit. The best match counts:
exact, last segment, prefix, whole word, anywhere, letters in order. Or it is:
  ^  @  !     the main worktree; this one; the one whose session waits longest
              for your answer to a question of its own
  -           the one that you were in before (wcd)
  DIR         the one that holds this directory
  REPO:QUERY  in another repository that you used before

Examples:
  wcd auth     to feature/auth
  wcd fix 422  to the one that both words fit
  wcd -s auth  to the same subdirectory there
  treehop find auth --fields path,branch

Exit status: 3 none fits, 4 several do and nobody could be asked";

/// `here`
pub const HERE: &str = "\
Example:
  treehop here --fields name,branch,venv

Exit status: 3 outside of all worktrees";

/// `new`, `wnew`
pub const NEW: &str = "\
What .worktreeinclude names is copied from the main worktree, and dependencies
are installed (wsetup -h). `git config treehop.path` says where worktrees go.

Examples:
  wnew feature/auth                   a new branch from here; yours; a remote's
  wnew fix/422 --base main --name fx  begun at main, in a directory of that name
  wnew --model opus -c fix/422 \"do\"   and claude in it, at work: what follows
                                      the branch is claude's
  wnew fix/b --fork auth              with auth's conversation and changes
  wnew pr:12                          a pull request; installs nothing

Exit status: 1 also where the set-up failed: the worktree is kept
             5 its place or its branch is in use";

/// `setup`, `wsetup`
pub const SETUP: &str = "\
By what is there: the lock files of uv, poetry, pdm, pipenv, npm, pnpm, yarn and
bun; pyproject.toml, setup.py, requirements.txt, package.json, Gemfile,
composer.json, go.mod. Instead: git config --add treehop.setup 'make deps'

Examples:
  wsetup
  wsetup auth

Exit status: 1 a step failed: you see its last lines, and where its log is";

/// `claude`, `wclaude`
pub const CLAUDE: &str = "\
It is named after the worktree, has its venv, and the model that
`git config branch.NAME.treehopModel` or `treehop.model` names. In somebody
else's pull request it runs without the settings that come with it.

Examples:
  wclaude auth --continue  there, on with the last conversation
  wclaude --model sonnet   here
  wclaude -t auth          there, in a window of its own

Exit status: claude's own; 5 a session is live there";

/// `remove`, `wrm`
pub const REMOVE: &str = "\
A branch goes only when its commits are in the default branch (merged, rebased
or squashed) or its upstream. Refused are the main worktree, a locked one, one
with changes, a live session or a rebase under way. For 30 days wundo brings it
back: with -f the changes too, and ignored files up to 10 MB, but not what tools
make again (.venv, node_modules, target, …).

Examples:
  wrm           this one, and to the main worktree
  wrm auth 422  two others
  wrm -n auth   what would be done?

Exit status: 5 refused";

/// `undo`, `wundo`
pub const UNDO: &str = "\
To its place, with branch, index and files as they were, and you go there. Where
the branch has moved or is checked out elsewhere, it comes back detached. What
was merged stays merged.

Examples:
  wundo
  wundo --list
  wundo auth

Exit status: 3 nothing to bring back, 5 its place is taken";

/// `merge`, `wmerge`
pub const MERGE: &str = "\
As git merge does it, with your settings, hooks and editor. A merge that would
conflict changes nothing. Refused are uncommitted changes on either side and a
live session in what goes. What was interrupted goes on with the next wmerge.

Examples:
  wmerge                              this one
  wmerge auth --squash -m \"Add auth\"  that one, as one commit

Exit status: 5 refused, 6 it would conflict";

/// `pr`, `wpr`
pub const PR: &str = "\
Pushes, never forcing, to the remote that it tracks, the only one,
`remote.pushDefault` or origin; then runs gh pr create or glab mr create with
ARGS. Without gh or glab you get the page where a request is opened. One that is
open already is shown. `git config remote.NAME.treehopForge` names the forge
where its address does not: github, gitlab, gitea, bitbucket, bitbucket-server,
azure or sourcehut.

Examples:
  wpr --title \"Add auth support\" --fill
  wpr auth --draft

Exit status: 1 not pushed or not opened, 5 it has no branch of its own";

/// `prune`, `wprune`
pub const PRUNE: &str = "\
A worktree that was moved is named and kept. Ends interrupted removals, and
drops what wundo has kept for more than 30 days.

Examples:
  wprune
  wprune --merged -n  which ones are merged?";

/// `hook`
pub const HOOK: &str = "\
`treehop install claude` puts it into Claude Code's settings. It reads what
Claude Code gives its hooks; worktree-create answers with a path, and no JSON.
--wait is to be less than the timeout of the hook.";

/// `statusline`
pub const STATUSLINE: &str = "\
`treehop install claude` puts it into Claude Code's settings: worktree, branch,
changes and model. It reads what Claude Code gives a status line.";

/// `init`
pub const INIT: &str = "\
Examples:
  eval \"$(treehop init bash)\"             in ~/.bashrc; the same for zsh
  treehop init fish | source              in config.fish
  treehop init nu | save -f ~/treehop.nu  in config.nu then: use ~/treehop.nu *";

/// `install`
pub const INSTALL: &str = "\
A marked block goes into .bashrc, .zshrc, fish's conf.d or nu's autoload; with
claude, a status line and hooks into its settings, so that
`claude --worktree NAME` makes what wnew NAME makes. Nothing else is touched.

Examples:
  treehop install          after an update, too
  treehop install -n       what would be written?
  treehop install claude";

/// `completions`
pub const COMPLETIONS: &str = "\
Those of the functions (wcd, wnew, …) come with `treehop install`.

Example:
  treehop completions bash >~/.local/share/bash-completion/completions/treehop";

/// `doctor`
pub const DOCTOR: &str = "\
Example:
  treehop doctor --format table";
