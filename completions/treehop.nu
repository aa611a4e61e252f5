module completions {

  # Git worktrees for people who run several Claude Code sessions side by side
  export extern treehop [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete treehop list format" [] {
    [ "json" "table" ]
  }

  # `treehop list`
  export extern "treehop list" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --watch(-w)               # Show the table on the whole terminal, and keep it fresh
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop list format" # What to print
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete treehop find format" [] {
    [ "json" "table" ]
  }

  # `treehop find`
  export extern "treehop find" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --all                     # Print all matches of the tier that decides
    --partial                 # The last word is still being typed: after `REPO:` all fits, where it means the main worktree otherwise
    --tab(-t)                 # Open a window or tab there (tmux, zellij, wezterm, kitty), and stay here
    --subdir(-s)              # Keep the subdirectory: `cd` is the same place in the other worktree, as far as it exists there
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop find format" # What to print
    --help(-h)                # Print help (see more with '--help')
    ...query: string          # Words of a branch or name, `^` (main), `@` (this one), `!` (the one that waits), a path, REPO:QUERY; none: main
  ]

  def "nu-complete treehop here format" [] {
    [ "json" "table" ]
  }

  # `treehop here`
  export extern "treehop here" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop here format" # What to print
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete treehop new format" [] {
    [ "json" "table" ]
  }

  # `treehop new`
  export extern "treehop new" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --base: string            # Where a new branch begins (default: treehop.base, else HEAD)
    --fetch                   # Ask the remote for the branch first
    --pr: string              # The branch of this pull or merge request
    --detach: string          # No branch: check out this commit
    --name: string            # The worktree's name, where the branch's does not suit
    --path: directory         # The worktree's directory
    --carry                   # Copy the uncommitted changes of this worktree into the new one
    --setup                   # Install dependencies even of a pull request: that runs a stranger's code
    --no-setup                # Install no dependencies
    --model: string           # The model that claude uses on this branch
    --claude(-c)              # wnew: then run claude there; all that follows BRANCH is claude's
    --fork: string            # Go on with the latest conversation, and the changes, of this worktree (or QUERY's) in the new one
    --tab(-t)                 # Open a window or tab there (tmux, zellij, wezterm, kitty), and stay here
    --candidates              # For Tab: the branches that BRANCH may become
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop new format" # What to print
    --help(-h)                # Print help (see more with '--help')
    branch?: string           # A new, local or remote branch, or pr:N
  ]

  def "nu-complete treehop setup format" [] {
    [ "json" "table" ]
  }

  # `treehop setup`
  export extern "treehop setup" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop setup format" # What to print
    --help(-h)                # Print help (see more with '--help')
    ...query: string          # As for find; none: this worktree
  ]

  # Run claude in a worktree, unless one is live there
  export extern "treehop claude" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --force                   # Run it in spite of a live one
    --trust                   # Use the settings of this pull request, now and later: that runs a stranger's hooks
    --tab(-t)                 # Run it in a new window or tab (tmux, zellij, wezterm, kitty)
    --fork: string            # Go on with what was said last in that worktree, in a conversation of its own
    --help(-h)                # Print help (see more with '--help')
    ...args: string           # As for find; none where the first word is an option: this worktree. What follows is claude's, as it is
  ]

  # Remove worktrees, and their branches where they are merged
  export extern "treehop remove" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --force(-f)               # Remove one with changes too: they are kept for undo (ignored files beyond 10 MB are not)
    --keep-branch             # Keep the branch
    --dry-run(-n)             # Say what would be removed, and remove nothing
    --fields: string          # Print these values only, raw, one a line (cd, repo.root, …)
    --help(-h)                # Print help (see more with '--help')
    ...query: string          # As for find, each word another worktree; none: this one
  ]

  def "nu-complete treehop undo format" [] {
    [ "json" "table" ]
  }

  # Bring a removed worktree back
  export extern "treehop undo" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --list                    # Print those that can be brought back
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop undo format" # What to print
    --help(-h)                # Print help (see more with '--help')
    name?: string             # Which; none: the one removed last
  ]

  # Merge a worktree's branch into the main worktree's, then remove the worktree
  export extern "treehop merge" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --into: string            # The branch to merge into (default: the main worktree's)
    --no-ff                   # Make a merge commit even where the branch could be fast-forwarded
    --squash                  # Make one commit of all
    --message(-m): string     # The message of that commit
    --rebase                  # Rebase the branch first, then fast-forward
    --keep                    # Keep the worktree and the branch
    --pull                    # Take what the upstream of the branch to merge into has first (fast-forward only)
    --dry-run(-n)             # Say what would be done, and do nothing
    --fields: string          # Print these values only, raw, one a line (cd, repo.root, …)
    --help(-h)                # Print help (see more with '--help')
    ...query: string          # As for find; none: this worktree
  ]

  def "nu-complete treehop pr format" [] {
    [ "json" "table" ]
  }

  # Push a worktree's branch and open a pull or merge request
  export extern "treehop pr" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --remote: string          # The remote to push to
    --fields: string          # Print these values only, raw, one a line (name, claude.live, repo.root, cd, …)
    --full                    # Fill in commit, upstream, default, changes, stashes and claude.last too
    --format: string@"nu-complete treehop pr format" # What to print
    --help(-h)                # Print help (see more with '--help')
    ...args: string           # As for find; none where the first word is an option: this worktree. What follows is for gh or glab, as it is
  ]

  # Forget worktrees whose directory is gone
  export extern "treehop prune" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --merged                  # Remove the worktrees whose branch is merged, too
    --dry-run(-n)             # Say what would be done, and do nothing
    --behind                  # Delete what was renamed away, and nothing else: what `remove` starts behind itself
    --fields: string          # Print these values only, raw, one a line (cd, repo.root, …)
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete treehop hook event" [] {
    [ "worktree-create" "worktree-remove" "hold" ]
  }

  # Answer Claude Code when it makes or removes a worktree
  export extern "treehop hook" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --wait: string            # worktree-create: how long a set-up may keep Claude Code waiting before it goes on behind; less than the hook's timeout
    --pid: string             # hold: the session that is about to begin
    --help(-h)                # Print help (see more with '--help')
    event: string@"nu-complete treehop hook event" # The hook
  ]

  # Print a status line for Claude Code
  export extern "treehop statusline" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
  ]

  def "nu-complete treehop init shell" [] {
    [ "bash" "zsh" "fish" "nu" ]
  }

  # `treehop init`
  export extern "treehop init" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
    shell: string@"nu-complete treehop init shell" # The shell to print it for
  ]

  def "nu-complete treehop install targets" [] {
    [ "bash" "zsh" "fish" "nu" "claude" ]
  }

  # Load the integration from the start-up files of your shells, or set up Claude Code
  export extern "treehop install" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --project                 # With claude: the settings that this worktree shares with others, .claude/settings.json, and not your own
    --dry-run(-n)             # Say what would be written, and write nothing
    --uninstall               # Take out what was added
    --help(-h)                # Print help (see more with '--help')
    ...targets: string@"nu-complete treehop install targets" # The shells to install for, or claude; none: the shells that you have
  ]

  def "nu-complete treehop completions shell" [] {
    [ "bash" "zsh" "fish" "nu" ]
  }

  # `treehop completions`
  export extern "treehop completions" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
    shell: string@"nu-complete treehop completions shell" # The shell to print them for
  ]

  def "nu-complete treehop doctor format" [] {
    [ "json" "table" ]
  }

  # `treehop doctor`
  export extern "treehop doctor" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --format: string@"nu-complete treehop doctor format" # What to print
    --help(-h)                # Print help (see more with '--help')
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "treehop help" [
  ]

  # Print all worktrees of the repository
  export extern "treehop help list" [
  ]

  # Find the worktree that QUERY means
  export extern "treehop help find" [
  ]

  # Print the worktree of the current directory
  export extern "treehop help here" [
  ]

  # Create a worktree for a branch, and set it up
  export extern "treehop help new" [
  ]

  # Install the dependencies of a worktree
  export extern "treehop help setup" [
  ]

  # Run claude in a worktree, unless one is live there
  export extern "treehop help claude" [
  ]

  # Remove worktrees, and their branches where they are merged
  export extern "treehop help remove" [
  ]

  # Bring a removed worktree back
  export extern "treehop help undo" [
  ]

  # Merge a worktree's branch into the main worktree's, then remove the worktree
  export extern "treehop help merge" [
  ]

  # Push a worktree's branch and open a pull or merge request
  export extern "treehop help pr" [
  ]

  # Forget worktrees whose directory is gone
  export extern "treehop help prune" [
  ]

  # Answer Claude Code when it makes or removes a worktree
  export extern "treehop help hook" [
  ]

  # Print a status line for Claude Code
  export extern "treehop help statusline" [
  ]

  # Print the integration for a shell
  export extern "treehop help init" [
  ]

  # Load the integration from the start-up files of your shells, or set up Claude Code
  export extern "treehop help install" [
  ]

  # Print the completions of treehop itself for a shell
  export extern "treehop help completions" [
  ]

  # Check what treehop needs and uses, and say how to mend what is missing
  export extern "treehop help doctor" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "treehop help help" [
  ]

}

export use completions *
