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

  # Print all worktrees of the repository
  export extern "treehop list" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --watch(-w)               # The table on the whole terminal, kept fresh; q ends
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop list format" # json, or table for eyes
    --help(-h)                # Print help
  ]

  def "nu-complete treehop find format" [] {
    [ "json" "table" ]
  }

  # Find the worktree that QUERY means
  export extern "treehop find" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --all                     # Print all matches of the tier that decides
    --partial                 # The last word is still being typed: after `REPO:` all fits, where it means the main worktree otherwise
    --tab(-t)                 # In a new window or tab (tmux, zellij, wezterm, kitty)
    --subdir(-s)              # Keep the subdirectory, as far as it exists there
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop find format" # json, or table for eyes
    --help(-h)                # Print help
    ...query: string          # Which worktree, see below; none: the main one
  ]

  def "nu-complete treehop here format" [] {
    [ "json" "table" ]
  }

  # Print the worktree of the current directory
  export extern "treehop here" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop here format" # json, or table for eyes
    --help(-h)                # Print help
  ]

  def "nu-complete treehop new format" [] {
    [ "json" "table" ]
  }

  # Create a worktree for a branch, and set it up
  export extern "treehop new" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --base: string            # Where a new branch begins (treehop.base, else HEAD)
    --fetch                   # Ask the remote for the branch first
    --pr: string              # The branch of this pull or merge request
    --detach: string          # No branch: check out this commit
    --name: string            # The worktree's name, where the branch's does not suit
    --path: directory         # The worktree's directory
    --carry                   # Copy the uncommitted changes of this worktree into it
    --setup                   # Install even for a pull request: runs a stranger's code
    --no-setup                # Install no dependencies
    --model: string           # The model that claude uses on this branch
    --claude(-c)              # Then run claude; what follows BRANCH is claude's
    --fork: string            # With this one's (or QUERY's) changes and conversation
    --tab(-t)                 # In a new window or tab (tmux, zellij, wezterm, kitty)
    --candidates              # For Tab: the branches that BRANCH may become
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop new format" # json, or table for eyes
    --help(-h)                # Print help
    branch?: string           # A new, local or remote branch, or pr:N
  ]

  def "nu-complete treehop setup format" [] {
    [ "json" "table" ]
  }

  # Install the dependencies of a worktree
  export extern "treehop setup" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop setup format" # json, or table for eyes
    --help(-h)                # Print help
    ...query: string          # As for wcd; none: this one
  ]

  # Run claude in a worktree, one session in each
  export extern "treehop claude" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --force                   # Beside a live session
    --trust                   # With the settings of this pull request, a stranger's
    --tab(-t)                 # In a new window or tab (tmux, zellij, wezterm, kitty)
    --fork: string            # Go on with that worktree's last conversation: for `wnew --fork`
    --help(-h)                # Print help
    ...args: string           # As for wcd; none before an option: this one; then claude's
  ]

  # Remove worktrees, and branches that are merged
  export extern "treehop remove" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --force(-f)               # Also with changes, which wundo brings back
    --keep-branch             # Keep the branch
    --dry-run(-n)             # Only say what would be done
    --fields: string          # Print these values only, raw, one a line: cd,repo.root
    --help(-h)                # Print help
    ...query: string          # As for wcd, each word another worktree; none: this one
  ]

  def "nu-complete treehop undo format" [] {
    [ "json" "table" ]
  }

  # Bring a removed worktree back
  export extern "treehop undo" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --list                    # Print what can be brought back
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop undo format" # json, or table for eyes
    --help(-h)                # Print help
    name?: string             # Its name or branch; none: the one removed last
  ]

  # Merge a worktree's branch into the main worktree's, and remove it
  export extern "treehop merge" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --into: string            # The branch to merge into [default: the main worktree's]
    --no-ff                   # Make a merge commit in any case
    --squash                  # Make one commit of all
    --message(-m): string     # The message of that commit: with --squash or --no-ff
    --rebase                  # Rebase the branch first, then fast-forward
    --keep                    # Keep the worktree and the branch
    --pull                    # First bring the branch to merge into up to date
    --dry-run(-n)             # Only say what would be done
    --fields: string          # Print these values only, raw, one a line: cd,repo.root
    --help(-h)                # Print help
    ...query: string          # As for wcd; none: this one
  ]

  def "nu-complete treehop pr format" [] {
    [ "json" "table" ]
  }

  # Push a worktree's branch and open a pull or merge request
  export extern "treehop pr" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --remote: string          # The remote to push to
    --fields: string          # Print these values only, raw, one a line: path,cd
    --full                    # Also commit, changes, default, upstream, stashes, …
    --format: string@"nu-complete treehop pr format" # json, or table for eyes
    --help(-h)                # Print help
    ...args: string           # As for wcd; none before an option: this one; then gh's or glab's
  ]

  # Forget worktrees whose directory is gone
  export extern "treehop prune" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --merged                  # Remove the worktrees whose branch is merged, too
    --dry-run(-n)             # Only say what would be done
    --behind                  # Delete what was renamed away, and nothing else: what `remove` starts behind itself
    --fields: string          # Print these values only, raw, one a line: cd,repo.root
    --help(-h)                # Print help
  ]

  def "nu-complete treehop hook event" [] {
    [ "worktree-create" "worktree-remove" "hold" ]
  }

  # Answer Claude Code when it makes or removes a worktree
  export extern "treehop hook" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --wait: string            # A set-up that takes longer goes on behind
    --pid: string             # hold: the session that is about to begin
    --help(-h)                # Print help
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

  # Print the integration for a shell
  export extern "treehop init" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
    shell: string@"nu-complete treehop init shell" # The shell to print it for
  ]

  def "nu-complete treehop install targets" [] {
    [ "bash" "zsh" "fish" "nu" "claude" ]
  }

  # Put treehop into your shells' start-up files, or into Claude Code
  export extern "treehop install" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --project                 # claude: this project's .claude/settings.json, not your own
    --dry-run(-n)             # Only say what would be done
    --uninstall               # Take out what was added
    --help(-h)                # Print help
    ...targets: string@"nu-complete treehop install targets" # bash, zsh, fish, nu, claude; none: the shells you have
  ]

  def "nu-complete treehop completions shell" [] {
    [ "bash" "zsh" "fish" "nu" ]
  }

  # Print the completions of treehop itself for a shell
  export extern "treehop completions" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
    shell: string@"nu-complete treehop completions shell" # The shell to print them for
  ]

  def "nu-complete treehop doctor format" [] {
    [ "json" "table" ]
  }

  # Say what is missing, and what mends it
  export extern "treehop doctor" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --format: string@"nu-complete treehop doctor format" # json, or table for eyes
    --help(-h)                # Print help
  ]

  # Show the help of a command or a shell function
  export extern "treehop help" [
    -C: directory             # Run as if started in DIR; several add up, as in git
    --help(-h)                # Print help
    word?: string             # list, wls, …; none: treehop's own
  ]

}

export use completions *
