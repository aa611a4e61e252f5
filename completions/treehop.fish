# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_treehop_global_optspecs
    string join \n C= h/help V/version
end

function __fish_treehop_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_treehop_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_treehop_using_subcommand
    set -l cmd (__fish_treehop_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c treehop -n "__fish_treehop_needs_command" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_needs_command" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_needs_command" -s V -l version -d 'Print version'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "list" -d 'Print all worktrees of the repository'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "find" -d 'Find the worktree that QUERY means'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "here" -d 'Print the worktree of the current directory'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "new" -d 'Create a worktree for a branch, and set it up'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "setup" -d 'Install the dependencies of a worktree'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "claude" -d 'Run claude in a worktree, one session in each'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "remove" -d 'Remove worktrees, and branches that are merged'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "undo" -d 'Bring a removed worktree back'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "merge" -d 'Merge a worktree\'s branch into the main worktree\'s, and remove it'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "pr" -d 'Push a worktree\'s branch and open a pull or merge request'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "prune" -d 'Forget worktrees whose directory is gone'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "hook" -d 'Answer Claude Code when it makes or removes a worktree'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "statusline" -d 'Print a status line for Claude Code'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "init" -d 'Print the integration for a shell'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "install" -d 'Put treehop into your shells\' start-up files, or into Claude Code'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "completions" -d 'Print the completions of treehop itself for a shell'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "doctor" -d 'Say what is missing, and what mends it'
complete -c treehop -n "__fish_treehop_needs_command" -f -a "help" -d 'Show the help of a command or a shell function'
complete -c treehop -n "__fish_treehop_using_subcommand list" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand list" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand list" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand list" -s w -l watch -d 'The table on the whole terminal, kept fresh; q ends'
complete -c treehop -n "__fish_treehop_using_subcommand list" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand list" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand find" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand find" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand find" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand find" -l all -d 'Print all matches of the tier that decides'
complete -c treehop -n "__fish_treehop_using_subcommand find" -l partial -d 'The last word is still being typed: after `REPO:` all fits, where it means the main worktree otherwise'
complete -c treehop -n "__fish_treehop_using_subcommand find" -s t -l tab -d 'In a new window or tab (tmux, zellij, wezterm, kitty)'
complete -c treehop -n "__fish_treehop_using_subcommand find" -s s -l subdir -d 'Keep the subdirectory, as far as it exists there'
complete -c treehop -n "__fish_treehop_using_subcommand find" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand find" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand here" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand here" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand here" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand here" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand here" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand new" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand new" -l base -d 'Where a new branch begins (treehop.base, else HEAD)' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l pr -d 'The branch of this pull or merge request' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l detach -d 'No branch: check out this commit' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l name -d 'The worktree\'s name, where the branch\'s does not suit' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l path -d 'The worktree\'s directory' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand new" -l model -d 'The model that claude uses on this branch' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l fork -d 'With this one\'s (or QUERY\'s) changes and conversation' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand new" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand new" -l fetch -d 'Ask the remote for the branch first'
complete -c treehop -n "__fish_treehop_using_subcommand new" -l carry -d 'Copy the uncommitted changes of this worktree into it'
complete -c treehop -n "__fish_treehop_using_subcommand new" -l setup -d 'Install even for a pull request: runs a stranger\'s code'
complete -c treehop -n "__fish_treehop_using_subcommand new" -l no-setup -d 'Install no dependencies'
complete -c treehop -n "__fish_treehop_using_subcommand new" -s c -l claude -d 'Then run claude; what follows BRANCH is claude\'s'
complete -c treehop -n "__fish_treehop_using_subcommand new" -s t -l tab -d 'In a new window or tab (tmux, zellij, wezterm, kitty)'
complete -c treehop -n "__fish_treehop_using_subcommand new" -l candidates -d 'For Tab: the branches that BRANCH may become'
complete -c treehop -n "__fish_treehop_using_subcommand new" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand new" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand setup" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand setup" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand setup" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand setup" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand setup" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand claude" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand claude" -l fork -d 'Go on with that worktree\'s last conversation: for `wnew --fork`' -r
complete -c treehop -n "__fish_treehop_using_subcommand claude" -l force -d 'Beside a live session'
complete -c treehop -n "__fish_treehop_using_subcommand claude" -l trust -d 'With the settings of this pull request, a stranger\'s'
complete -c treehop -n "__fish_treehop_using_subcommand claude" -s t -l tab -d 'In a new window or tab (tmux, zellij, wezterm, kitty)'
complete -c treehop -n "__fish_treehop_using_subcommand claude" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand remove" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand remove" -l fields -d 'Print these values only, raw, one a line: cd,repo.root' -r
complete -c treehop -n "__fish_treehop_using_subcommand remove" -s f -l force -d 'Also with changes, which wundo brings back'
complete -c treehop -n "__fish_treehop_using_subcommand remove" -l keep-branch -d 'Keep the branch'
complete -c treehop -n "__fish_treehop_using_subcommand remove" -s n -l dry-run -d 'Only say what would be done'
complete -c treehop -n "__fish_treehop_using_subcommand remove" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand undo" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand undo" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand undo" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand undo" -l list -d 'Print what can be brought back'
complete -c treehop -n "__fish_treehop_using_subcommand undo" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand undo" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l into -d 'The branch to merge into [default: the main worktree\'s]' -r
complete -c treehop -n "__fish_treehop_using_subcommand merge" -s m -l message -d 'The message of that commit: with --squash or --no-ff' -r
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l fields -d 'Print these values only, raw, one a line: cd,repo.root' -r
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l no-ff -d 'Make a merge commit in any case'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l squash -d 'Make one commit of all'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l rebase -d 'Rebase the branch first, then fast-forward'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l keep -d 'Keep the worktree and the branch'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -l pull -d 'First bring the branch to merge into up to date'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -s n -l dry-run -d 'Only say what would be done'
complete -c treehop -n "__fish_treehop_using_subcommand merge" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand pr" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand pr" -l remote -d 'The remote to push to' -r
complete -c treehop -n "__fish_treehop_using_subcommand pr" -l fields -d 'Print these values only, raw, one a line: path,cd' -r
complete -c treehop -n "__fish_treehop_using_subcommand pr" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand pr" -l full -d 'Also commit, changes, default, upstream, stashes, …'
complete -c treehop -n "__fish_treehop_using_subcommand pr" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand prune" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand prune" -l fields -d 'Print these values only, raw, one a line: cd,repo.root' -r
complete -c treehop -n "__fish_treehop_using_subcommand prune" -l merged -d 'Remove the worktrees whose branch is merged, too'
complete -c treehop -n "__fish_treehop_using_subcommand prune" -s n -l dry-run -d 'Only say what would be done'
complete -c treehop -n "__fish_treehop_using_subcommand prune" -l behind -d 'Delete what was renamed away, and nothing else: what `remove` starts behind itself'
complete -c treehop -n "__fish_treehop_using_subcommand prune" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand hook" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand hook" -l wait -d 'A set-up that takes longer goes on behind' -r
complete -c treehop -n "__fish_treehop_using_subcommand hook" -l pid -d 'hold: the session that is about to begin' -r
complete -c treehop -n "__fish_treehop_using_subcommand hook" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand statusline" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand statusline" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand init" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand init" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand install" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand install" -l project -d 'claude: this project\'s .claude/settings.json, not your own'
complete -c treehop -n "__fish_treehop_using_subcommand install" -s n -l dry-run -d 'Only say what would be done'
complete -c treehop -n "__fish_treehop_using_subcommand install" -l uninstall -d 'Take out what was added'
complete -c treehop -n "__fish_treehop_using_subcommand install" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand completions" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand completions" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand doctor" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand doctor" -l format -d 'json, or table for eyes' -r -f -a "json\t'One JSON document'
table\t'For eyes'"
complete -c treehop -n "__fish_treehop_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c treehop -n "__fish_treehop_using_subcommand help" -s C -d 'Run as if started in DIR; several add up, as in git' -r -f -a "(__fish_complete_directories)"
complete -c treehop -n "__fish_treehop_using_subcommand help" -s h -l help -d 'Print help'
