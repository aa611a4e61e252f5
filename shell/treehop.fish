# treehop for fish 3.6 and newer. Load it from ~/.config/fish/config.fish:  treehop init fish | source
# The files for bash, zsh and nu tell the same story in the same order.
# `command` and `builtin` pass by the functions (in fish, aliases are functions) that users have for such names.

# --- Asking the binary ------------------------------------------------------------------------------------------

# From the main worktree if this directory was removed, or made anew: a program cannot find out where it is there.
function __treehop_ask
    if not command -q treehop
        # fish would shout a whole stack, whatever the redirection.
        builtin printf 'treehop: the program is not on PATH\n' >&2
        return 127
    else if test . -ef "$PWD"
        command treehop $argv
    else
        command treehop -C "$__treehop_root" $argv
    end
end

# __treehop_help FUNCTION [WORD…]: if the first word asks for help, give it.
function __treehop_help
    contains -- "$argv[2]" -h --help; and __treehop_ask help $argv[1]
end

# --- wcd: go to a worktree --------------------------------------------------------------------------------------

function wcd --description 'Go to the worktree that QUERY means, with its venv active'
    set -l pick
    set -l tab
    set -l ended
    set -l words
    set -l options
    __treehop_begin
    for arg in $argv
        switch "$ended$arg"
            case --
                set ended 1
            case -h --help
                __treehop_help wcd -h
                return
            case -i --interactive
                set pick 1
            case -s --subdir
                set -a options --subdir
            case -t --tab
                set tab 1
            case -
                set -a words (__treehop_previous)
            case '-*'
                builtin printf "treehop: wcd has no option '%s'\nhint: wcd -h\n" $arg >&2
                return 2
            case '*'
                set -a words $arg
        end
    end
    # To pick without a word is to pick from all: the empty word fits all.
    set -q pick[1]; and not set -q words[1]; and set words ''
    set -l dir (__treehop_find $options -- $words)
    or return
    if set -q tab[1]
        set dir (__treehop_ask find --tab --fields cd -- $dir)
        or return
    end
    __treehop_go "$dir"
end

function __treehop_begin
    # A script has no hook: where it starts is a place to come back to.
    test "$PWD" = "$__treehop_pwd"; or __treehop_refresh
    test . -ef "$PWD"
    or builtin printf 'treehop: this directory was removed; the main worktree stands in for it\n' >&2
end

# __treehop_go DIR: go there, or stay where it is empty; what holds there holds at once.
function __treehop_go
    if test -z "$argv[1]"
        __treehop_refresh
        return 0
    end
    set -l previous $PWD
    set -g __treehop_pwd
    builtin cd -- $argv[1]
    or begin
        set -g __treehop_found
        return 1
    end
    # What fish's own `cd` does for `cd -`, `prevd` and `dirh`.
    if test "$PWD" != "$previous"
        set -g dirprev $dirprev[-24..-1] $previous
        set -g dirnext
        set -g __fish_cd_direction prev
    end
    # Where there is a hook, it has done this already.
    test "$PWD" = "$__treehop_pwd"; or __treehop_refresh
end

# The worktree that one was in before this one; outside of all, or where it was removed, the last one.
function __treehop_previous
    set -l previous $__treehop_last
    if not set -q TREEHOP_WORKTREE; and test -d "$__treehop_top"
        set previous $__treehop_top
    end
    test -n "$previous"; or set previous -
    builtin printf '%s\n' $previous
end

# __treehop_find [OPTION…] -- WORD…: the directory that the words mean. In a terminal one of several is picked.
function __treehop_find
    if test "$argv[-1]" != --; and test -t 0; and test -t 2
        set -l rows (__treehop_ask find --all --fields query,description,cd,$__treehop_fields $argv)
        or return
        __treehop_pick $rows
    else
        set -g __treehop_found (__treehop_ask find --fields cd,$__treehop_fields $argv)
        or return
        builtin printf '%s\n' $__treehop_found[1]
    end
end

# __treehop_pick ROW…: rows come in tens (query, description, directory, what holds there); one needs no question.
function __treehop_pick
    set -l lines
    set -l rows $argv
    while set -q argv[10]
        set -a lines (builtin printf '%-30s  %s' $argv[1] $argv[2])
        set -e argv[1..10]
    end
    set -l i 1
    if set -q lines[2]
        if command -q fzf
            set -l line (builtin printf '%s\n' $lines |
                command fzf --no-multi --height=40% --reverse --prompt='worktree> ')
            or return
            set i (contains -i -- $line $lines)
            or return
        else
            set i 0
            for line in $lines
                set i (math $i + 1)
                builtin printf '%d) %s\n' $i $line >&2
            end
            while true
                read -l -P 'worktree? ' answer
                or return
                string match -qr '^[1-9][0-9]{0,3}$' -- $answer
                and set -q lines[$answer]
                and set i $answer
                and break
            end
        end
    end
    set -g __treehop_found $rows[(math "$i * 10 - 7")..(math "$i * 10")]
    builtin printf '%s\n' $__treehop_found[1]
end

# --- wls: what is where -----------------------------------------------------------------------------------------

function wls --description 'Show what is where: branches, changes, sessions, ages'
    __treehop_help wls $argv; and return
    __treehop_ask list --format table $argv
end

# --- wnew, wsetup, wclaude, wrm, wundo, wmerge, wpr, wprune: the life of a worktree -----------------------------

function wnew --description 'Create a worktree for a branch, set it up, go there'
    __treehop_help wnew $argv; and return
    __treehop_begin
    set -l made (__treehop_ask new --fields cd,launch.args,launch.fork $argv)
    or return
    __treehop_go "$made[1]"
    or return
    # With -c or --fork: so many of the last arguments are claude's.
    test -n "$made[2]"; or return 0
    set -l options
    test -n "$made[3]"; and set options --fork $made[3]
    set -e argv[1..(math (count $argv) - $made[2])]
    __treehop_claude $options @ $argv
end

function wsetup --description 'Install the dependencies of a worktree'
    __treehop_help wsetup $argv; and return
    set -l dir $PWD
    if string match -q -- '-*' "$argv[1]"
        __treehop_do setup $argv
        return
    end
    if set -q argv[1]
        set dir (__treehop_find -- $argv)
        or return
    end
    __treehop_do setup -- $dir
end

# What takes over the terminal is never captured: find, go there, then run it.
function wclaude --description 'Run claude in a worktree, one session in each'
    __treehop_help wclaude $argv; and return
    set -l dir
    set -l stay
    set -l options
    __treehop_begin
    while contains -- "$argv[1]" --force --trust -t --tab
        contains -- $argv[1] --force --trust; or set stay 1
        set -a options $argv[1]
        set -e argv[1]
    end
    test "$argv[1]" = -; and set argv[1] (__treehop_previous)
    if string match -qr -- '^[^-]' "$argv[1]"
        set dir (__treehop_find -- $argv[1])
        or return
        set -e argv[1]
    end
    if not set -q stay[1]
        __treehop_go "$dir"
        or return
        set dir
    end
    set -q dir[1]; or set dir @
    __treehop_claude $options $dir $argv
end

# Who said `deactivate` means claude, too.
function __treehop_claude
    test -z "$__treehop_declined"; or set -lx TREEHOP_AUTO_VENV 0
    __treehop_ask claude $argv
end

# Each word is another worktree.
function wrm --description 'Remove worktrees, and branches that are merged'
    __treehop_help wrm $argv; and return
    set -l args
    __treehop_begin
    for arg in $argv
        switch $arg
            case -
                set -a args (__treehop_previous)
            case '-*'
                set -a args $arg
            case '*'
                set -a args (__treehop_find -- $arg)
                or return
        end
    end
    __treehop_do remove $args
end

function wundo --description 'Bring a removed worktree back'
    __treehop_help wundo $argv; and return
    if test "$argv[1]" = --list
        __treehop_ask undo --list --format table
    else
        __treehop_do undo $argv
    end
end

function wmerge --description "Merge a worktree's branch into the main worktree's, and remove it"
    __treehop_help wmerge $argv; and return
    __treehop_do merge $argv
end

function wpr --description "Push a worktree's branch and open a pull or merge request"
    __treehop_help wpr $argv; and return
    __treehop_do pr $argv
end

function wprune --description 'Forget worktrees whose directory is gone'
    __treehop_help wprune $argv; and return
    __treehop_do prune $argv
end

# __treehop_do COMMAND ARG…: do it, and go where it says. Also where it fails: a venv may be there, or gone.
function __treehop_do
    __treehop_begin
    set -g __treehop_found
    set -l dir (__treehop_ask $argv[1] --fields cd $argv[2..-1])
    set -l ended $status
    __treehop_go "$dir"
    and return $ended
end

# --- The virtual environment ------------------------------------------------------------------------------------
# `activate` is never sourced: it loses prompts and edits of PATH. Only what treehop activated is deactivated.

# __treehop_use VENV NAME: have VENV active, or none where it is empty.
function __treehop_use --argument-names venv name
    test "$TREEHOP_AUTO_VENV" != 0; or set venv ''
    test "$venv" = "$__treehop_declined"; or set -g __treehop_declined ''
    if test -n "$TREEHOP_VENV"; and test "$TREEHOP_VENV" != "$venv"
        __treehop_deactivate
    end
    if test -z "$venv"; or test -n "$__treehop_declined"
        return 0
    end
    if test -n "$VIRTUAL_ENV"; and test "$VIRTUAL_ENV" != "$TREEHOP_VENV"; and contains -- $VIRTUAL_ENV/bin $PATH
        # The user's own stays; one that came from a parent and is another worktree's does not.
        test "$VIRTUAL_ENV" != "$venv"
        and test "$VIRTUAL_ENV" = "$__treehop_inherited"
        and __treehop_of_this_repository $VIRTUAL_ENV
        or return 0
        __treehop_drop $VIRTUAL_ENV/bin
    end
    # What a parent left in PATH may stand far back (macOS, in a login shell): without our `deactivate`, begin anew.
    __treehop_ours; or __treehop_drop $venv/bin
    contains -- $venv/bin $PATH; or set -gx PATH $venv/bin $PATH
    set -gx TREEHOP_VENV $venv
    set -gx VIRTUAL_ENV $venv
    set -gx VIRTUAL_ENV_PROMPT $name
    set -l i (contains -i -- $venv $__treehop_dropped); and set -e __treehop_dropped[$i]
    function deactivate --description 'Leave the venv that treehop activated'
        set -g __treehop_declined $TREEHOP_VENV
        __treehop_deactivate
    end
end

function __treehop_deactivate
    __treehop_drop $TREEHOP_VENV/bin
    contains -- $TREEHOP_VENV $__treehop_dropped; or set -ga __treehop_dropped $TREEHOP_VENV
    test "$VIRTUAL_ENV" = "$TREEHOP_VENV"; and set -eg VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    set -eg TREEHOP_VENV
    # The user may have activated another one since, which has its own.
    __treehop_ours; and functions -e deactivate
    return 0
end

# Is `deactivate` the one that treehop defined?
function __treehop_ours
    functions -q deactivate
    and functions deactivate | string match -q '*__treehop_*'
end

# __treehop_drop DIR: take DIR out of PATH, wherever it stands.
function __treehop_drop
    while contains -- $argv[1] $PATH
        set -e PATH[(contains -i -- $argv[1] $PATH)]
    end
end

function __treehop_of_this_repository
    set -l common (command treehop -C $argv[1] here --fields repo.git_dir 2>/dev/null)
    and test "$common" = "$__treehop_common"
end

# Something else (direnv) may put an older PATH back, with a venv of long ago; after our hook, so that this also
# runs before each command.
function __treehop_keep_path --on-event fish_preexec
    test "$PATH $VIRTUAL_ENV $TREEHOP_VENV" != "$__treehop_kept"; or return 0
    for venv in $__treehop_dropped
        test "$VIRTUAL_ENV" = "$venv"; or __treehop_drop $venv/bin
    end
    if set -q VIRTUAL_ENV
        test -z "$TREEHOP_VENV"
        or contains -- $TREEHOP_VENV/bin $PATH
        or set -gx PATH $TREEHOP_VENV/bin $PATH
    else if test -n "$TREEHOP_VENV"
        # By the `deactivate` of an `activate` that the user sourced over ours.
        set -g __treehop_declined $TREEHOP_VENV
        __treehop_deactivate
    else if test -n "$__treehop_venv"
        # What was active when one came here (direnv's, the user's own) is gone.
        __treehop_use $__treehop_venv $TREEHOP_WORKTREE
    end
    set -g __treehop_kept "$PATH $VIRTUAL_ENV $TREEHOP_VENV"
end

# --- The prompt -------------------------------------------------------------------------------------------------

# After a change of directory: one call of the binary, which says what holds here. Where `find` led here it has said so.
function __treehop_refresh
    set -l here $__treehop_found[2..]
    set -g __treehop_found
    # Once it is there, the next prompt asks again.
    if not command -q treehop
        __treehop_forget
        return 0
    end
    set -g __treehop_pwd $PWD
    if test "$here[7]" != "$PWD"
        set here (command treehop here --fields $__treehop_fields 2>/dev/null)
        or begin
            __treehop_forget
            return 0
        end
    end
    set -g __treehop_venv $here[2]
    set -g __treehop_git_dir $here[4]
    set -g __treehop_marks $here[4]/{rebase-{merge,apply},{MERGE,CHERRY_PICK,REVERT}_HEAD,sequencer/todo,BISECT_LOG}
    set -g __treehop_common $here[5]
    set -g __treehop_root $here[6]
    if not set -q TREEHOP_WORKTREE; or test "$here[7]" != "$__treehop_top"
        if test -n "$here[3]"; and test "$TREEHOP_AUTO_VENV" != 0
            builtin printf 'treehop: %s\n' $here[3] >&2
        end
    end
    if test "$here[7]" != "$__treehop_top"
        set -g __treehop_last $__treehop_top
        set -g __treehop_top $here[7]
    end
    set -gx TREEHOP_WORKTREE $here[1]
    set -g __treehop_seen
    __treehop_use "$__treehop_venv" $TREEHOP_WORKTREE
    __treehop_segment
end

# At every prompt, without a process: what HEAD says, and what is under way.
function __treehop_segment
    set -l dir $__treehop_git_dir
    set -l branch
    set -l operation
    # Tested first: a redirection that fails cannot be silenced.
    if not test -d "$__treehop_top"; or not test -r $dir/HEAD
        __treehop_forget
        return 0
    end
    read -l head <$dir/HEAD
    # One test for the usual answer: nothing is under way.
    if path filter -q -- $__treehop_marks
        if test -d $dir/rebase-merge; or test -d $dir/rebase-apply
            set operation rebase
        else if test -e $dir/MERGE_HEAD
            set operation merge
        else if test -e $dir/CHERRY_PICK_HEAD
            set operation cherry-pick
        else if test -e $dir/REVERT_HEAD
            set operation revert
        else if test -r $dir/sequencer/todo
            read operation <$dir/sequencer/todo
            string match -q 'revert*' -- $operation; and set operation revert; or set operation cherry-pick
        else
            set operation bisect
        end
    end
    set -l waiting ""
    test "$TREEHOP_PROMPT_SESSIONS" = 1; and __treehop_waiting
    # A command substitution costs more than all of the above: only for something new.
    test "$head $operation$waiting" != "$__treehop_seen"; or return 0
    if test "$head" = 'ref: refs/heads/.invalid'
        # A reftable: only the binary can say.
        set -l here (command treehop here --fields branch,prompt 2>/dev/null)
        set -gx TREEHOP_BRANCH $here[1]
        set -gx TREEHOP_PROMPT "$here[2]$waiting"
        return 0
    end
    set -g __treehop_seen "$head $operation$waiting"
    string match -q 'ref: refs/heads/*' -- $head; and set branch (string sub -s 17 -- $head)
    if test "$operation" = rebase
        if test -r $dir/rebase-merge/head-name
            read branch <$dir/rebase-merge/head-name
        else if test -r $dir/rebase-apply/head-name
            read branch <$dir/rebase-apply/head-name
        end
        set branch (string replace -r '^(refs/heads/|detached HEAD$)' '' -- $branch)
    end
    set -l segment $branch
    test -n "$branch"; or set segment (string sub -l 7 -- $head)
    test (string replace -a / - -- "$branch") = "$TREEHOP_WORKTREE"; or set segment $segment@$TREEHOP_WORKTREE
    # A terminal obeys controls and marks that turn letters round: they are shown as `?`, as the binary shows them.
    # (Not last: its status is 1 where nothing was to be replaced.)
    set segment (string replace -ra '[\p{Cc}\x{61c}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}]' '?' -- $segment)
    test -z "$operation"; or set segment "$segment|$operation"
    set -gx TREEHOP_BRANCH $branch
    set -gx TREEHOP_PROMPT "$segment$waiting"
end

# With TREEHOP_PROMPT_SESSIONS=1: how many sessions wait for somebody, by what Claude Code writes down about each.
# Into the caller's `waiting`, as a command substitution would cost more.
function __treehop_waiting --no-scope-shadowing
    set -l dir $HOME/.claude
    set -q CLAUDE_CONFIG_DIR; and set dir $CLAUDE_CONFIG_DIR
    set -l count 0
    for file in $dir/sessions/*.json
        test -r $file; and read -l entry <$file
        and string match -q '*"status":"waiting"*' -- $entry
        or continue
        # It outlives a kill -9: so does the process live, and is it the same, begun at the same time?
        set -l pid (string replace -rf '.*/(\d+)\.json$' '$1' -- $file)
        test -r "/proc/$pid/stat"; and read -l stat <"/proc/$pid/stat"
        or continue
        set -l fields (string split ' ' -- (string replace -r '.*\) ' '' -- $stat))
        string match -q "*\"procStart\":\"$fields[20]\"*" -- $entry; and set count (math $count + 1)
    end
    test $count = 0; or set waiting " !$count"
end

# Outside of all worktrees, or where one was removed.
function __treehop_forget
    set -eg TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
    set -g __treehop_git_dir
    set -g __treehop_venv
    __treehop_use '' ''
end

# --- Tab --------------------------------------------------------------------------------------------------------
# What is typed need not be how the answer begins.

function __treehop_complete
    set -l words (commandline -opc)[2..-1]
    set -l typed (commandline -ct)
    string match -q -- '-*' $typed; and return
    # A quote that is still open is closed first.
    set -l word (string unescape -- "$typed"; or string unescape -- "$typed'"; or string unescape -- "$typed\"")
    set words (string match -v -- '-*' $words) "$word"
    set -l rows (__treehop_candidates $argv[1] $words 2>/dev/null)
    while set -q rows[2]
        # A word that stands there already is not offered again.
        contains -- $rows[1] $words[1..-2]; or builtin printf '%s\t%s\n' $rows[1] $rows[2]
        set -e rows[1..2]
    end
end

# __treehop_candidates FUNCTION WORD…: what the last word may become, with a description below each.
function __treehop_candidates
    switch $argv[1]
        case wcd wsetup wclaude wmerge wpr
            __treehop_ask find --all --partial --fields query,description -- $argv[2..-1]
        case wrm
            __treehop_ask find --all --partial --fields query,description -- $argv[-1]
        case wnew
            __treehop_ask new --candidates --fields query,description -- $argv[-1]
        case wundo
            __treehop_ask undo --list --fields query,description -- $argv[-1]
    end
end

# --- Loading ----------------------------------------------------------------------------------------------------

if not string match -qr '^(3\.([6-9]|[1-9]\d)|[4-9]|[1-9]\d)' -- $version
    builtin printf 'treehop: fish 3.6 or newer is needed, this is %s\n' $version >&2
else
    set -q __treehop_inherited; or set -g __treehop_inherited $VIRTUAL_ENV
    # What is asked about a worktree, and what `find` has said of the one that it named.
    set -g __treehop_fields name,venv,venv_refused,git_dir,repo.git_dir,repo.root,path
    set -g __treehop_found
    if status is-interactive
        # A parent's worktree is not ours; its venv is looked at on the first refresh.
        set -eg TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
        set -g __treehop_pwd
        # Nothing is called now: files of conf.d are read before config.fish sets PATH.
        function __treehop_hook --on-variable PWD --on-event fish_prompt
            # The usual answer is that all is as it was. Without a block or a function: for each, fish counts the
            # lines above.
            test "$PWD" = "$__treehop_pwd"; and test -d "$__treehop_top"; and test -r "$__treehop_git_dir/HEAD"
            and read -l head <"$__treehop_git_dir/HEAD"
            and test "$head " = "$__treehop_seen"
            and not path filter -q -- $__treehop_marks
            and not set -q TREEHOP_PROMPT_SESSIONS
            and test "$PATH $VIRTUAL_ENV $TREEHOP_VENV" = "$__treehop_kept"
            and return
            if test "$PWD" != "$__treehop_pwd"
                __treehop_refresh
            else if test -n "$__treehop_git_dir"
                __treehop_segment
            end
            __treehop_keep_path
        end
        for name in wcd wls wnew wsetup wclaude wrm wundo wmerge wpr wprune
            complete -c $name -e
            complete -c $name -f -k -a "(__treehop_complete $name)"
            complete -c $name -s h -l help -d 'show help'
        end
        complete -c wcd -s i -l interactive -d 'pick from a list'
        complete -c wcd -s s -l subdir -d 'keep the subdirectory'
        complete -c wcd -s t -l tab -d 'in a new window or tab'
        complete -c wls -s w -l watch -d 'on the whole terminal, kept fresh'
        complete -c wnew -l base -x -d 'where a new branch begins'
        complete -c wnew -l fetch -d 'ask the remote first'
        complete -c wnew -l pr -x -d 'a pull or merge request'
        complete -c wnew -l detach -x -d 'a commit, and no branch'
        complete -c wnew -l name -x -d "the worktree's name"
        complete -c wnew -l path -r -F -d "the worktree's directory"
        complete -c wnew -l carry -d 'with the uncommitted changes of this one'
        complete -c wnew -l setup -d 'install, even for a pull request'
        complete -c wnew -l no-setup -d 'install nothing'
        complete -c wnew -l model -x -d 'the model that claude uses there'
        complete -c wnew -l fork -d 'with the conversation and changes of a worktree'
        complete -c wnew -s t -l tab -d 'in a new window or tab'
        complete -c wnew -s c -l claude -d 'then run claude; what follows BRANCH is its'
        complete -c wclaude -l force -d 'beside another session'
        complete -c wclaude -l trust -d "with a stranger's settings"
        complete -c wclaude -s t -l tab -d 'in a new window or tab'
        complete -c wrm -s f -l force -d 'with changes, too: wundo has them'
        complete -c wrm -l keep-branch -d 'keep the branch'
        complete -c wrm -s n -l dry-run -d 'only say what would be done'
        complete -c wundo -l list -d 'what can be brought back'
        complete -c wmerge -l into -x -d 'the branch to merge into'
        complete -c wmerge -l no-ff -d 'a merge commit in any case'
        complete -c wmerge -l squash -d 'as one commit'
        complete -c wmerge -s m -l message -x -d 'the message of that commit'
        complete -c wmerge -l rebase -d 'its commits on top'
        complete -c wmerge -l keep -d 'keep the worktree'
        complete -c wmerge -l pull -d "take the upstream's first"
        complete -c wmerge -s n -l dry-run -d 'only say what would be done'
        complete -c wpr -l remote -x -d 'the remote to push to'
        complete -c wprune -l merged -d 'remove what is merged, too'
        complete -c wprune -s n -l dry-run -d 'only say what would be done'
    end
end
