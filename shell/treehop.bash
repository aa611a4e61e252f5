# shellcheck shell=bash
# treehop for bash 4.4 and newer. Load it from ~/.bashrc:  eval "$(treehop init bash)"
# The files for zsh, fish and nu tell the same story in the same order.
# A leading backslash or `builtin` passes by the aliases and functions that users have for such names.

# An alias of the same name would make the definitions below a syntax error.
\unalias wcd wls wnew wsetup wclaude wrm wundo wmerge wpr wprune 2>/dev/null || :

# --- Asking the binary ------------------------------------------------------------------------------------------

# From the main worktree if this directory was removed, or made anew: a program cannot find out where it is there.
function __treehop_ask {
  if [[ . -ef $PWD ]]; then
    \builtin "$__treehop_run" treehop "$@"
  else
    \builtin "$__treehop_run" treehop -C "${__treehop_root:-/}" "$@"
  fi
}

# In `$(…)` it takes the place of that process, a fork less: `__treehop_run='exec' __treehop_ask …`.
__treehop_run='command'

# __treehop_help FUNCTION [WORD…]: if the first word asks for help, give it.
function __treehop_help {
  [[ ${2-} == -h || ${2-} == --help ]] && __treehop_ask help "$1"
}

# --- wcd: go to a worktree --------------------------------------------------------------------------------------

function wcd {
  local arg pick='' tab='' ended='' dir
  local -a words=() options=()
  __treehop_begin
  for arg; do
    case $ended$arg in
      --) ended=1 ;;
      -h | --help) __treehop_help wcd -h && return ;;
      -i | --interactive) pick=1 ;;
      -s | --subdir) options+=(--subdir) ;;
      -t | --tab) tab=1 ;;
      -) words+=("$(__treehop_previous)") ;;
      -*)
        \printf "treehop: wcd has no option '%s'\nhint: wcd -h\n" "$arg" >&2
        return 2
        ;;
      *) words+=("$arg") ;;
    esac
  done
  # To pick without a word is to pick from all: the empty word fits all.
  [[ -z $pick || ${#words[@]} -gt 0 ]] || words=('')
  __treehop_find dir "${options[@]}" -- "${words[@]}" || return
  [[ -z $tab ]] || dir=$(__treehop_run='exec' __treehop_ask find --tab --fields cd -- "$dir") || return
  __treehop_go "$dir"
}

function __treehop_begin {
  # A script has seen no prompt yet: where it starts is a place to come back to.
  [[ -n $__treehop_pwd ]] || __treehop_refresh
  [[ . -ef $PWD ]] || \printf 'treehop: this directory was removed; the main worktree stands in for it\n' >&2
}

# __treehop_go DIR: go there, or stay where it is empty; what holds there holds at once.
function __treehop_go {
  [[ -z $1 ]] || \builtin cd -- "$1" || {
    __treehop_found=()
    return 1
  }
  __treehop_refresh
}

# The worktree that one was in before this one; outside of all, the last one. Without any, the binary says so.
function __treehop_previous {
  local previous=${__treehop_last-}
  [[ -n ${TREEHOP_WORKTREE-} || ! -d ${__treehop_top-} ]] || previous=$__treehop_top
  \printf %s "${previous:--}"
}

# __treehop_find VARIABLE [OPTION…] -- WORD…: the directory that the words mean. In a terminal one of several is picked.
function __treehop_find {
  local __treehop_out
  local -a __treehop_rows
  if [[ $# -gt 2 && ${*: -1} != -- && -t 0 && -t 2 ]]; then
    __treehop_out=$(__treehop_run='exec' __treehop_ask find --all --fields "query,description,cd,$__treehop_fields" "${@:2}") || return
    \mapfile -t __treehop_rows <<<"$__treehop_out"
    __treehop_pick "$1" "${__treehop_rows[@]}"
  else
    __treehop_out=$(__treehop_run='exec' __treehop_ask find --fields "cd,$__treehop_fields" "${@:2}") || return
    \mapfile -t __treehop_found <<<"$__treehop_out"
    \printf -v "$1" %s "${__treehop_found[0]}"
  fi
}

# __treehop_pick VARIABLE ROW…: rows come in tens (query, description, directory, what holds there); one needs no question.
function __treehop_pick {
  local -a rows=("${@:2}") lines=()
  local i line
  for ((i = 0; i < ${#rows[@]}; i += 10)); do
    \printf -v line '%-30s  %s' "${rows[i]}" "${rows[i + 1]}"
    lines+=("$line")
  done
  i=0
  if ((${#lines[@]} > 1)); then
    if \builtin type -P fzf >/dev/null; then
      # The number in front says which it was, and is not shown.
      line=$(
        for i in "${!lines[@]}"; do \printf '%d\t%s\n' "$i" "${lines[i]}"; done |
          \command fzf --delimiter='\t' --with-nth=2 --no-multi --height=40% --reverse --prompt='worktree> '
      ) || return
      i=${line%%$'\t'*}
    else
      local PS3='worktree? ' REPLY
      line=''
      select line in "${lines[@]}"; do
        [[ -n $line ]] && break
      done
      [[ -n ${line-} ]] || return 1
      i=$((REPLY - 1))
    fi
  fi
  __treehop_found=("${rows[@]:i*10+2:8}")
  \printf -v "$1" %s "${__treehop_found[0]}"
}

# --- wls: what is where -----------------------------------------------------------------------------------------

function wls {
  __treehop_help wls "$@" && return
  __treehop_ask list --format table "$@"
}

# --- wnew, wsetup, wclaude, wrm, wundo, wmerge, wpr, wprune: the life of a worktree -----------------------------

function wnew {
  __treehop_help wnew "$@" && return
  local out dir count fork
  local -a options=()
  __treehop_begin
  out=$(__treehop_run='exec' __treehop_ask new --fields cd,launch.args,launch.fork "$@") || return
  {
    IFS= \read -r dir
    IFS= \read -r count
    IFS= \read -r fork
  } <<<"$out"
  __treehop_go "$dir" || return
  # With -c or --fork: so many of the last arguments are claude's.
  [[ -n $count ]] || return 0
  [[ -z $fork ]] || options=(--fork "$fork")
  __treehop_claude "${options[@]}" @ "${@:$#-count+1}"
}

function wsetup {
  __treehop_help wsetup "$@" && return
  local dir=$PWD
  if [[ ${1-} == -* ]]; then
    __treehop_do setup "$@"
    return
  fi
  [[ $# -eq 0 ]] || __treehop_find dir -- "$@" || return
  __treehop_do setup -- "$dir"
}

# What takes over the terminal is never captured: find, go there, then run it.
function wclaude {
  __treehop_help wclaude "$@" && return
  local dir='' stay=''
  local -a options=()
  __treehop_begin
  while :; do
    case ${1-} in
      --force | --trust) ;;
      -t | --tab) stay=1 ;;
      *) break ;;
    esac
    options+=("$1")
    shift
  done
  [[ ${1-} != - ]] || set -- "$(__treehop_previous)" "${@:2}"
  if [[ -n ${1-} && $1 != -* ]]; then
    __treehop_find dir -- "$1" || return
    shift
  fi
  if [[ -z $stay ]]; then
    __treehop_go "$dir" || return
    dir=''
  fi
  __treehop_claude "${options[@]}" "${dir:-@}" "$@"
}

# Who said `deactivate` means claude, too.
function __treehop_claude {
  [[ -z ${__treehop_declined-} ]] || local -x TREEHOP_AUTO_VENV=0
  __treehop_ask claude "$@"
}

# Each word is another worktree.
function wrm {
  __treehop_help wrm "$@" && return
  local arg dir
  local -a args=()
  __treehop_begin
  for arg; do
    case $arg in
      -) args+=("$(__treehop_previous)") ;;
      -*) args+=("$arg") ;;
      *) __treehop_find dir -- "$arg" && args+=("$dir") || return ;;
    esac
  done
  __treehop_do remove "${args[@]}"
}

function wundo {
  __treehop_help wundo "$@" && return
  if [[ ${1-} == --list ]]; then
    __treehop_ask undo --list --format table
  else
    __treehop_do undo "$@"
  fi
}

function wmerge {
  __treehop_help wmerge "$@" && return
  __treehop_do merge "$@"
}

function wpr {
  __treehop_help wpr "$@" && return
  __treehop_do pr "$@"
}

function wprune {
  __treehop_help wprune "$@" && return
  __treehop_do prune "$@"
}

# __treehop_do COMMAND ARG…: do it, and go where it says. Also where it fails: a venv may be there, or gone.
function __treehop_do {
  local dir status=0
  __treehop_begin
  __treehop_found=()
  dir=$(__treehop_run='exec' __treehop_ask "$1" --fields cd "${@:2}") || status=$?
  __treehop_go "$dir" && return "$status"
}

# --- The virtual environment ------------------------------------------------------------------------------------
# `activate` is never sourced: it loses prompts and edits of PATH. Only what treehop activated is deactivated.

# __treehop_use VENV NAME: have VENV active, or none where it is empty.
function __treehop_use {
  local venv=$1
  [[ ${TREEHOP_AUTO_VENV-} != 0 ]] || venv=''
  [[ $venv == "${__treehop_declined-}" ]] || __treehop_declined=''
  [[ -z ${TREEHOP_VENV-} || $TREEHOP_VENV == "$venv" ]] || __treehop_deactivate
  [[ -n $venv && -z $__treehop_declined ]] || return 0
  if [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != "${TREEHOP_VENV-}" && :$PATH: == *":$VIRTUAL_ENV/bin:"* ]]; then
    # The user's own stays; one that came from a parent and is another worktree's does not.
    [[ $VIRTUAL_ENV == "${__treehop_inherited-}" ]] && __treehop_of_this_repository "$VIRTUAL_ENV" || return 0
    __treehop_drop "$VIRTUAL_ENV/bin"
  fi
  # What a parent left in PATH may stand far back (macOS, in a login shell): without our `deactivate`, begin anew.
  __treehop_ours || __treehop_drop "$venv/bin"
  [[ :$PATH: == *":$venv/bin:"* ]] || PATH=$venv/bin:$PATH
  export TREEHOP_VENV=$venv VIRTUAL_ENV=$venv VIRTUAL_ENV_PROMPT=$2
  __treehop_forgive "$venv"
  # shellcheck disable=SC2317 # it is the user who calls it
  function deactivate {
    __treehop_declined=$TREEHOP_VENV
    __treehop_deactivate
  }
}

function __treehop_deactivate {
  __treehop_drop "$TREEHOP_VENV/bin"
  __treehop_dropped+=("$TREEHOP_VENV")
  [[ ${VIRTUAL_ENV-} != "$TREEHOP_VENV" ]] || \unset -v VIRTUAL_ENV VIRTUAL_ENV_PROMPT
  \unset -v TREEHOP_VENV
  # The user may have activated another one since, which has its own.
  ! __treehop_ours || \unset -f deactivate
}

# __treehop_forgive VENV: it may be in PATH again. (`unset` of an element would run what a subscript holds.)
function __treehop_forgive {
  local venv
  local -a rest=()
  for venv in "${__treehop_dropped[@]}"; do
    [[ $venv == "$1" ]] || rest+=("$venv")
  done
  __treehop_dropped=("${rest[@]}")
}

# Is `deactivate` the one that treehop defined?
function __treehop_ours {
  \builtin declare -F deactivate >/dev/null && [[ $(\builtin declare -f deactivate) == *__treehop_* ]]
}

# __treehop_drop DIR: take DIR out of PATH, wherever it stands.
function __treehop_drop {
  local path=:$PATH:
  while [[ $path == *":$1:"* ]]; do
    path=${path/":$1:"/:}
  done
  path=${path#:}
  PATH=${path%:}
}

function __treehop_of_this_repository {
  local common
  common=$(\command treehop -C "$1" here --fields repo.git_dir 2>/dev/null) && [[ $common == "${__treehop_common-}" ]]
}

# Something else (direnv) may put an older PATH back between two prompts, with a venv of long ago.
function __treehop_keep_path {
  local venv
  for venv in "${__treehop_dropped[@]}"; do
    [[ ${VIRTUAL_ENV-} == "$venv" || :$PATH: != *":$venv/bin:"* ]] || __treehop_drop "$venv/bin"
  done
  [[ -n ${TREEHOP_VENV-} ]] || return 0
  if [[ -z ${VIRTUAL_ENV-} ]]; then
    # The user's own `activate` and `deactivate` went over ours.
    __treehop_declined=$TREEHOP_VENV
    __treehop_deactivate
  elif [[ :$PATH: != *":$TREEHOP_VENV/bin:"* ]]; then
    PATH=$TREEHOP_VENV/bin:$PATH
  fi
}

# --- The prompt -------------------------------------------------------------------------------------------------

# After a change of directory: one call of the binary, which says what holds here. Where `find` led here it has said so.
function __treehop_refresh {
  local out top venv refused
  local -a here=("${__treehop_found[@]:1}")
  __treehop_found=()
  if [[ ${here[6]-} == "$PWD" ]]; then
    __treehop_pwd=$PWD
  elif \builtin type -P treehop >/dev/null; then
    __treehop_pwd=$PWD
    out=$(\command treehop here --fields "$__treehop_fields" 2>/dev/null) || out=''
    \mapfile -t here <<<"$out"
  fi
  # Not on PATH yet: ask again at the next prompt, and wake no command_not_found_handle.
  if [[ -z ${here[6]-} ]]; then
    __treehop_forget
    return
  fi
  venv=${here[1]} refused=${here[2]} top=${here[6]}
  __treehop_git_dir=${here[3]} __treehop_common=${here[4]} __treehop_root=${here[5]}
  [[ $top == "${__treehop_top-}" && -n ${TREEHOP_WORKTREE-} || -z $refused || ${TREEHOP_AUTO_VENV-} == 0 ]] ||
    \printf 'treehop: %s\n' "$refused" >&2
  if [[ $top != "${__treehop_top-}" ]]; then
    __treehop_last=${__treehop_top-}
    __treehop_top=$top
  fi
  export TREEHOP_WORKTREE=${here[0]}
  __treehop_use "$venv" "$TREEHOP_WORKTREE"
  __treehop_look || :
  __treehop_segment
}

# At every prompt, without a process: what HEAD says, and what is under way. The usual answer is that all is as it was.
function __treehop_look {
  local dir=$__treehop_git_dir
  __treehop_head=''
  # Tested first: to silence a redirection that fails costs more.
  [[ ! -d $__treehop_top || ! -r $dir/HEAD ]] || IFS= \read -r __treehop_head <"$dir/HEAD" || :
  [[ -n $__treehop_head && $__treehop_head == "${__treehop_seen-}" && ${TREEHOP_PROMPT_SESSIONS-} != 1 &&
    ! -e $dir/rebase-merge && ! -e $dir/rebase-apply && ! -e $dir/MERGE_HEAD && ! -e $dir/CHERRY_PICK_HEAD &&
    ! -e $dir/REVERT_HEAD && ! -e $dir/sequencer/todo && ! -e $dir/BISECT_LOG ]]
}

# What is new: it is put into the variables. (Not in one with the above: bash copies a function at each call.)
function __treehop_segment {
  local dir=$__treehop_git_dir head=$__treehop_head branch='' operation=''
  __treehop_seen=''
  if [[ -z $head ]]; then
    __treehop_forget
    return
  fi
  if [[ $head == 'ref: refs/heads/.invalid' ]]; then
    # A reftable: only the binary can say, and it may be different each time.
    head=$(\command treehop here --fields branch,prompt 2>/dev/null) || head=''
    export TREEHOP_BRANCH=${head%%$'\n'*} TREEHOP_PROMPT=${head#*$'\n'}
    __treehop_waiting
    return
  fi
  [[ $head != 'ref: refs/heads/'* ]] || branch=${head#ref: refs/heads/}
  if [[ -d $dir/rebase-merge || -d $dir/rebase-apply ]]; then
    operation=rebase
    IFS= \read -r branch 2>/dev/null <"$dir/rebase-merge/head-name" ||
      IFS= \read -r branch 2>/dev/null <"$dir/rebase-apply/head-name" || :
    branch=${branch#refs/heads/}
    [[ $branch != 'detached HEAD' ]] || branch=''
  elif [[ -e $dir/MERGE_HEAD ]]; then
    operation=merge
  elif [[ -e $dir/CHERRY_PICK_HEAD ]]; then
    operation=cherry-pick
  elif [[ -e $dir/REVERT_HEAD ]]; then
    operation=revert
  elif [[ -e $dir/sequencer/todo ]]; then
    IFS= \read -r operation 2>/dev/null <"$dir/sequencer/todo" || :
    [[ $operation == revert* ]] && operation=revert || operation=cherry-pick
  elif [[ -e $dir/BISECT_LOG ]]; then
    operation=bisect
  fi
  [[ -n $operation || ${TREEHOP_PROMPT_SESSIONS-} == 1 ]] || __treehop_seen=$head
  TREEHOP_BRANCH=$branch
  TREEHOP_PROMPT=${branch:-${head:0:7}}
  [[ ${branch//\//-} == "$TREEHOP_WORKTREE" ]] || TREEHOP_PROMPT+=@$TREEHOP_WORKTREE
  [[ -z $operation ]] || TREEHOP_PROMPT+="|$operation"
  export TREEHOP_BRANCH TREEHOP_PROMPT
  [[ $TREEHOP_PROMPT != *[[:cntrl:]]* && $TREEHOP_PROMPT != *[![:ascii:]]* ]] || __treehop_plain
  __treehop_waiting
}

# A terminal obeys controls and marks that turn letters round: they are shown as `?`, as the binary shows them.
function __treehop_plain {
  # As bytes, whatever the locale.
  local LC_ALL=C
  TREEHOP_PROMPT=${TREEHOP_PROMPT//[[:cntrl:]]/?}
  TREEHOP_PROMPT=${TREEHOP_PROMPT//$'\xc2'[$'\x80'-$'\x9f']/?}
  TREEHOP_PROMPT=${TREEHOP_PROMPT//$'\xd8\x9c'/?}
  TREEHOP_PROMPT=${TREEHOP_PROMPT//$'\xe2\x80'[$'\x8b\x8e\x8f\xa8'-$'\xae']/?}
  TREEHOP_PROMPT=${TREEHOP_PROMPT//$'\xe2\x81'[$'\xa0'-$'\xaf']/?}
  TREEHOP_PROMPT=${TREEHOP_PROMPT//$'\xef\xbb\xbf'/?}
}

# With TREEHOP_PROMPT_SESSIONS=1: how many sessions wait for somebody, by what Claude Code writes down about each.
function __treehop_waiting {
  local file entry stat waiting=0
  local -a fields
  [[ ${TREEHOP_PROMPT_SESSIONS-} == 1 ]] && ! \shopt -q failglob || return 0
  for file in "${CLAUDE_CONFIG_DIR:-$HOME/.claude}"/sessions/[0-9]*.json; do
    IFS= \read -r -d '' entry 2>/dev/null <"$file" || :
    [[ $entry == *'"status":"waiting"'* ]] || continue
    # It outlives a kill -9: so does the process live, and is it the same, begun at the same time?
    file=${file##*/}
    IFS= \read -r stat 2>/dev/null <"/proc/${file%.json}/stat" || continue
    IFS=' ' \read -r -a fields <<<"${stat##*) }"
    [[ $entry != *"\"procStart\":\"${fields[19]}\""* ]] || ((waiting += 1))
  done
  ((waiting == 0)) || TREEHOP_PROMPT+=" !$waiting"
}

# Outside of all worktrees, or where one was removed.
function __treehop_forget {
  \unset -v TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
  __treehop_git_dir=''
  __treehop_use '' ''
}

# The hook hands on the status that it got, so that the next one shows the right one.
function __treehop_hook {
  local status=$?
  if [[ $PWD != "${__treehop_pwd-}" ]]; then
    __treehop_refresh
  elif [[ -n ${__treehop_git_dir-} ]]; then
    __treehop_look || __treehop_segment
  fi
  __treehop_keep_path
  return "$status"
}

# --- Tab --------------------------------------------------------------------------------------------------------
# What is typed need not be how the answer begins, so with several answers nothing is inserted: they are shown.

function __treehop_complete {
  local typed=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} kept='' out word answer i
  local -a words=() before=() rows=() lines=('')
  COMPREPLY=()
  # shellcheck disable=SC2162 # a backslash keeps a space in a word, as in the command line
  \read -a words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=('')
  word=${words[-1]}
  if [[ $word == -* ]]; then
    \mapfile -t COMPREPLY < <(\compgen -W "$(__treehop_options "$1")" -- "$word")
    return
  fi
  # Readline splits at `:` and `@` too; what it does not replace is taken off the answer again.
  [[ $current != : ]] || current=''
  [[ $word != *"$current" ]] || kept=${word%"$current"}
  for answer in "${words[@]:1:${#words[@]}-2}"; do
    [[ $answer == -* ]] || before+=("$answer")
  done
  out=$(__treehop_candidates "$1" "${before[@]}" "${word#[\"\']}" 2>/dev/null) || return 0
  [[ -n $out ]] || return 0
  \mapfile -t rows <<<"$out"
  for ((i = 0; i < ${#rows[@]}; i += 2)); do
    # A word that stands there already is not offered again.
    [[ " ${before[*]} " != *" ${rows[i]} "* ]] || continue
    \printf -v answer %q "${rows[i]}"
    [[ $word != [\"\']* || $answer == "${rows[i]}" ]] || continue
    COMPREPLY+=("${answer#"$kept"}")
    \printf -v answer '%-30s  %s' "$answer" "${rows[i + 1]}"
    lines+=("$answer")
  done
  ((${#COMPREPLY[@]} < 2)) || COMPREPLY=("${lines[@]}")
}

# __treehop_candidates FUNCTION WORD…: what the last word may become, with a description below each.
function __treehop_candidates {
  case $1 in
    wcd | wsetup | wclaude | wmerge | wpr) __treehop_ask find --all --partial --fields query,description -- "${@:2}" ;;
    wrm) __treehop_ask find --all --partial --fields query,description -- "${@: -1}" ;;
    wnew) __treehop_ask new --candidates --fields query,description -- "${@: -1}" ;;
    wundo) __treehop_ask undo --list --fields query,description -- "${@: -1}" ;;
  esac
}

function __treehop_options {
  case $1 in
    wcd) \printf '%s ' -i --interactive -s --subdir -t --tab --help ;;
    wls) \printf '%s ' --watch --help ;;
    wnew) \printf '%s ' --base --fetch --pr --detach --name --path --carry --setup --no-setup --model --fork --tab --claude --help ;;
    wclaude) \printf '%s ' --force --trust --tab --help ;;
    wrm) \printf '%s ' --force --keep-branch --dry-run --help ;;
    wundo) \printf '%s ' --list --help ;;
    wmerge) \printf '%s ' --into --no-ff --squash --message --rebase --keep --pull --dry-run --help ;;
    wpr) \printf '%s ' --remote --help ;;
    wprune) \printf '%s ' --merged --dry-run --help ;;
    *) \printf '%s ' --help ;;
  esac
}

# --- Loading ----------------------------------------------------------------------------------------------------

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  \printf 'treehop: bash 4.4 or newer is needed, this is %s\n' "$BASH_VERSION" >&2
else
  # A parent's worktree is not ours; its venv is looked at on the first refresh.
  \unset -v TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
  __treehop_inherited=${__treehop_inherited-${VIRTUAL_ENV-}}
  __treehop_pwd=''
  # What is asked about a worktree, and what `find` has said of the one that it named.
  __treehop_fields=name,venv,venv_refused,git_dir,repo.git_dir,repo.root,path
  declare -ga __treehop_dropped __treehop_found
  if [[ "${PROMPT_COMMAND[*]-}" != *__treehop_hook* ]]; then
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
      # First, and as an array: so $? and PIPESTATUS reach the elements after it. Last, for what direnv does to PATH.
      PROMPT_COMMAND=(__treehop_hook "${PROMPT_COMMAND[@]}" __treehop_keep_path)
    else
      # shellcheck disable=SC2128,SC2178 # a string, before bash 5.1
      PROMPT_COMMAND="__treehop_hook${PROMPT_COMMAND:+; $PROMPT_COMMAND}; __treehop_keep_path"
    fi
  fi
  if [[ $- == *i* ]]; then
    \complete -o nosort -F __treehop_complete wcd wls wnew wsetup wclaude wrm wundo wmerge wpr wprune
  fi
fi
