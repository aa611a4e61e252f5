# treehop for zsh 5.8 and newer. Load it from ~/.zshrc:  eval "$(treehop init zsh)"
# The files for bash, fish and nu tell the same story in the same order.
# A leading backslash or `builtin` passes by the aliases and functions that users have for such names.
# `emulate -L zsh` where the user's shell comes in: options such as KSH_ARRAYS or ERR_EXIT do not reach what follows.

# An alias of the same name would hide the functions below.
\unalias wcd wls wnew wsetup wclaude wrm wundo wmerge wpr wprune 2>/dev/null || :

# --- Asking the binary ------------------------------------------------------------------------------------------

# From the main worktree if this directory was removed, or made anew: a program cannot find out where it is there.
function __treehop_ask {
  if [[ . -ef $PWD ]]; then
    \command treehop "$@"
  else
    \command treehop -C "${__treehop_root:-/}" "$@"
  fi
}

# __treehop_help FUNCTION [WORD…]: if the first word asks for help, give it.
function __treehop_help {
  [[ ${2-} == -h || ${2-} == --help ]] && __treehop_ask help "$1"
}

# --- wcd: go to a worktree --------------------------------------------------------------------------------------

function wcd {
  local dir=''
  __treehop_begin
  # A function of its own, so that `cd` below runs with the user's options (AUTO_PUSHD).
  () {
    \builtin emulate -L zsh
    local arg pick='' tab='' ended=''
    local -a words=() options=()
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
    [[ -z $pick || ${#words} -gt 0 ]] || words=('')
    __treehop_find dir "${options[@]}" -- "${words[@]}" || return
    [[ -z $tab ]] || dir=$(__treehop_ask find --tab --fields cd -- "$dir")
  } "$@" || return
  [[ -z $dir ]] || __treehop_go "$dir"
}

function __treehop_begin {
  # A script has seen no prompt yet: where it starts is a place to come back to.
  [[ -n $__treehop_pwd ]] || __treehop_refresh
  [[ . -ef $PWD ]] || \printf 'treehop: this directory was removed; the main worktree stands in for it\n' >&2
}

# __treehop_go DIR: go there, or stay where it is empty; what holds there holds at once.
function __treehop_go {
  if [[ -z $1 ]]; then
    __treehop_refresh
    return
  fi
  \builtin cd -- "$1" || {
    __treehop_found=()
    return 1
  }
  [[ $PWD == "$__treehop_pwd" ]] || __treehop_refresh
}

# The worktree that one was in before this one; outside of all, the last one. Without any, the binary says so.
function __treehop_previous {
  local previous=$__treehop_last
  [[ -n ${TREEHOP_WORKTREE-} || ! -d $__treehop_top ]] || previous=$__treehop_top
  \printf %s "${previous:--}"
}

# __treehop_find VARIABLE [OPTION…] -- WORD…: the directory that the words mean. In a terminal one of several is picked.
function __treehop_find {
  \builtin emulate -L zsh
  local out
  if [[ ${@[-1]} != -- && -t 0 && -t 2 ]]; then
    out=$(__treehop_ask find --all --fields "query,description,cd,$__treehop_fields" "${@[2,-1]}") || return
    __treehop_pick "$1" "${(@f)out}"
  else
    out=$(__treehop_ask find --fields "cd,$__treehop_fields" "${@[2,-1]}") || return
    __treehop_found=("${(@f)out}")
    \printf -v "$1" %s "${__treehop_found[1]}"
  fi
}

# __treehop_pick VARIABLE ROW…: rows come in tens (query, description, directory, what holds there); one needs no question.
function __treehop_pick {
  local -a rows=("${@[2,-1]}") lines=()
  local i line='' REPLY
  for ((i = 1; i < ${#rows}; i += 10)); do
    \printf -v line '%-30s  %s' "${rows[i]}" "${rows[i + 1]}"
    lines+=("$line")
  done
  i=1
  if ((${#lines} > 1)); then
    if \builtin whence -p fzf >/dev/null; then
      # The number in front says which it was, and is not shown.
      line=$(
        for i in {1..${#lines}}; do \printf '%d\t%s\n' "$i" "${lines[i]}"; done |
          \command fzf --delimiter='\t' --with-nth=2 --no-multi --height=40% --reverse --prompt='worktree> '
      ) || return
      i=${line%%$'\t'*}
    else
      local PS3='worktree? '
      line=''
      select line in "${lines[@]}"; do
        [[ -n $line ]] && break
      done
      [[ -n $line ]] || return 1
      i=${lines[(Ie)$line]}
    fi
  fi
  __treehop_found=("${(@)rows[i * 10 - 7,i * 10]}")
  \printf -v "$1" %s "${__treehop_found[1]}"
}

# --- wls: what is where -----------------------------------------------------------------------------------------

function wls {
  __treehop_help wls "$@" && return
  __treehop_ask list --format table "$@"
}

# --- wnew, wsetup, wclaude, wrm, wundo, wmerge, wpr, wprune: the life of a worktree -----------------------------

function wnew {
  __treehop_help wnew "$@" && return
  local out dir='' count='' fork=''
  local -a options=()
  __treehop_begin
  out=$(__treehop_ask new --fields cd,launch.args,launch.fork "$@") || return
  {
    IFS= \read -r dir || :
    IFS= \read -r count || :
    IFS= \read -r fork || :
  } <<<"$out"
  __treehop_go "$dir" || return
  # With -c or --fork: so many of the last arguments are claude's.
  [[ -n $count ]] || return 0
  [[ -z $fork ]] || options=(--fork "$fork")
  __treehop_claude "${options[@]}" @ "${@:$(($# - count + 1))}"
}

function wsetup {
  __treehop_help wsetup "$@" && return
  local dir=$PWD
  if [[ ${1-} == -* ]]; then
    __treehop_do setup "$@"
    return
  fi
  (($# == 0)) || __treehop_find dir -- "$@" || return
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
  [[ -z $__treehop_declined ]] || local -x TREEHOP_AUTO_VENV=0
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
  local dir ended=0
  __treehop_begin
  __treehop_found=()
  dir=$(__treehop_ask "$1" --fields cd "${@:2}") || ended=$?
  __treehop_go "$dir" && return "$ended"
}

# --- The virtual environment ------------------------------------------------------------------------------------
# `activate` is never sourced: it loses prompts and edits of PATH. Only what treehop activated is deactivated.

# __treehop_use VENV NAME: have VENV active, or none where it is empty.
function __treehop_use {
  local venv=$1
  [[ ${TREEHOP_AUTO_VENV-} != 0 ]] || venv=''
  [[ $venv == "$__treehop_declined" ]] || __treehop_declined=''
  [[ -z ${TREEHOP_VENV-} || $TREEHOP_VENV == "$venv" ]] || __treehop_deactivate
  [[ -n $venv && -z $__treehop_declined ]] || return 0
  # The (Ie) gives the place in the array, 0 if it is not there.
  if [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != "${TREEHOP_VENV-}" ]] && ((${path[(Ie)$VIRTUAL_ENV/bin]})); then
    # The user's own stays; one that came from a parent and is of a worktree of this repository does not.
    [[ $VIRTUAL_ENV == "$__treehop_inherited" ]] && __treehop_of_this_repository "$VIRTUAL_ENV" || return 0
    __treehop_drop "$VIRTUAL_ENV/bin"
  fi
  # What a parent left in PATH may stand far back (macOS, in a login shell): without our `deactivate`, begin anew.
  [[ ${functions[deactivate]-} == *__treehop_* ]] || __treehop_drop "$venv/bin"
  ((${path[(Ie)$venv/bin]})) || path=("$venv/bin" "${path[@]}")
  export TREEHOP_VENV=$venv VIRTUAL_ENV=$venv VIRTUAL_ENV_PROMPT=$2
  __treehop_dropped=("${(@)__treehop_dropped:#$venv}")
  function deactivate {
    \builtin emulate -L zsh
    __treehop_declined=$TREEHOP_VENV
    __treehop_deactivate
  }
}

function __treehop_deactivate {
  __treehop_drop "$TREEHOP_VENV/bin"
  __treehop_dropped+=("$TREEHOP_VENV")
  [[ ${VIRTUAL_ENV-} != "$TREEHOP_VENV" ]] || \unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
  \unset TREEHOP_VENV
  # The user may have activated another one since, which has its own.
  [[ ${functions[deactivate]-} != *__treehop_* ]] || \unset -f deactivate
}

# __treehop_drop DIR: take DIR out of PATH, wherever it stands. (A `local path` anywhere would destroy PATH.)
function __treehop_drop {
  path=("${(@)path:#$1}")
}

function __treehop_of_this_repository {
  local common
  common=$(\command treehop -C "$1" here --fields repo.git_dir 2>/dev/null) && [[ $common == "$__treehop_common" ]]
}

# Something else (direnv) may put an older PATH back between two prompts, with a venv of long ago.
function __treehop_keep_path {
  local venv
  for venv in "${__treehop_dropped[@]}"; do
    [[ ${VIRTUAL_ENV-} == "$venv" ]] || ((!${path[(Ie)$venv/bin]})) || __treehop_drop "$venv/bin"
  done
  [[ -n ${TREEHOP_VENV-} ]] || return 0
  if [[ -z ${VIRTUAL_ENV-} ]]; then
    # The user's own `activate` and `deactivate` went over ours.
    __treehop_declined=$TREEHOP_VENV
    __treehop_deactivate
  elif ((!${path[(Ie)$TREEHOP_VENV/bin]})); then
    path=("$TREEHOP_VENV/bin" "${path[@]}")
  fi
}

# --- The prompt -------------------------------------------------------------------------------------------------

# After a change of directory: one call of the binary, which says what holds here. Where `find` led here it has said so.
function __treehop_refresh {
  \builtin emulate -L zsh
  local out top venv refused
  local -a here=("${(@)__treehop_found[2,-1]}")
  __treehop_found=()
  if [[ ${here[7]-} == "$PWD" ]]; then
    __treehop_pwd=$PWD
  elif \builtin whence -p treehop >/dev/null; then
    __treehop_pwd=$PWD
    out=$(\command treehop here --fields "$__treehop_fields" 2>/dev/null) || out=''
    here=("${(@f)out}")
  fi
  # Not on PATH yet: ask again at the next prompt, and wake no command_not_found_handler.
  if [[ -z ${here[7]-} ]]; then
    __treehop_forget
    return
  fi
  venv=${here[2]} refused=${here[3]} top=${here[7]}
  __treehop_git_dir=${here[4]} __treehop_common=${here[5]} __treehop_root=${here[6]}
  [[ $top == "$__treehop_top" && -n ${TREEHOP_WORKTREE-} || -z $refused || ${TREEHOP_AUTO_VENV-} == 0 ]] ||
    \printf 'treehop: %s\n' "$refused" >&2
  if [[ $top != "$__treehop_top" ]]; then
    __treehop_last=$__treehop_top
    __treehop_top=$top
  fi
  export TREEHOP_WORKTREE=${here[1]}
  __treehop_use "$venv" "$TREEHOP_WORKTREE"
  __treehop_look || :
  __treehop_segment
}

# At every prompt, without a process: what HEAD says, and what is under way. The usual answer is that all is as it was.
function __treehop_look {
  local dir=$__treehop_git_dir
  __treehop_head=''
  # Tested first: to silence a redirection that fails costs more. (`read` takes one letter at a time; this is no process.)
  [[ ! -d $__treehop_top || ! -r $dir/HEAD ]] || __treehop_head=$(<"$dir/HEAD")
  [[ -n $__treehop_head && $__treehop_head == "$__treehop_seen" && ${TREEHOP_PROMPT_SESSIONS-} != 1 &&
    ! -e $dir/rebase-merge && ! -e $dir/rebase-apply && ! -e $dir/MERGE_HEAD && ! -e $dir/CHERRY_PICK_HEAD &&
    ! -e $dir/REVERT_HEAD && ! -e $dir/sequencer/todo && ! -e $dir/BISECT_LOG ]]
}

# What is new: it is put into the variables.
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
    {
      IFS= \read -r branch <"$dir/rebase-merge/head-name" || IFS= \read -r branch <"$dir/rebase-apply/head-name" || :
    } 2>/dev/null
    branch=${branch#refs/heads/}
    [[ $branch != 'detached HEAD' ]] || branch=''
  elif [[ -e $dir/MERGE_HEAD ]]; then
    operation=merge
  elif [[ -e $dir/CHERRY_PICK_HEAD ]]; then
    operation=cherry-pick
  elif [[ -e $dir/REVERT_HEAD ]]; then
    operation=revert
  elif [[ -e $dir/sequencer/todo ]]; then
    { IFS= \read -r operation <"$dir/sequencer/todo" || : } 2>/dev/null
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
  [[ $TREEHOP_PROMPT != *[[:cntrl:]]* && $TREEHOP_PROMPT != *[^[:ascii:]]* ]] || __treehop_plain
  __treehop_waiting
}

# A terminal obeys controls and marks that turn letters round: they are shown as `?`, as the binary shows them.
function __treehop_plain {
  # As bytes, whatever the locale.
  \builtin setopt local_options no_multibyte
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
  [[ ${TREEHOP_PROMPT_SESSIONS-} == 1 ]] || return 0
  for file in "${CLAUDE_CONFIG_DIR:-$HOME/.claude}"/sessions/<->.json(N); do
    { IFS= \read -r -d '' entry <"$file" || : } 2>/dev/null
    [[ $entry == *'"status":"waiting"'* ]] || continue
    # It outlives a kill -9: so does the process live, and is it the same, begun at the same time?
    { IFS= \read -r stat <"/proc/${file:t:r}/stat" || continue } 2>/dev/null
    fields=("${(@s: :)stat##*\) }")
    [[ $entry != *"\"procStart\":\"${fields[20]}\""* ]] || ((waiting += 1))
  done
  ((waiting == 0)) || TREEHOP_PROMPT+=" !$waiting"
}

# Outside of all worktrees, or where one was removed.
function __treehop_forget {
  \unset TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
  __treehop_git_dir=''
  __treehop_use '' ''
}

# zsh itself keeps the status of the last command for the next hook and the prompt.
function __treehop_hook {
  \builtin emulate -L zsh
  if [[ $PWD != "$__treehop_pwd" ]]; then
    __treehop_refresh
  elif [[ -n $__treehop_git_dir ]]; then
    __treehop_look || __treehop_segment
  fi
  __treehop_keep_path
  # Here, as compinit may come after us, or come again and forget. (`-v` is quick; `+` copies all of it.)
  [[ ! -v _comps || -n ${_comps[wcd]-} ]] || \compdef __treehop_complete wcd wls wnew wsetup wclaude wrm wundo wmerge wpr wprune
}

# --- Tab --------------------------------------------------------------------------------------------------------
# What is typed need not be how the answer begins, so with several answers nothing is inserted: they are shown.
# No `emulate` here: compsys has set the options that it needs.

function __treehop_complete {
  local out line i
  local -a typed=() rows=() answers=() lines=()
  if [[ $PREFIX == -* ]]; then
    \compadd -- $(__treehop_options "$service")
    return
  fi
  ((CURRENT < 3)) || typed=("${(@Q)${(@)words[2,CURRENT - 1]:#-*}}")
  out=$(__treehop_candidates "$service" "${typed[@]}" "${(Q)PREFIX}" 2>/dev/null) || return
  [[ -n $out ]] || return
  rows=("${(@f)out}")
  for ((i = 1; i < ${#rows}; i += 2)); do
    # A word that stands there already is not offered again.
    ((!${typed[(Ie)${rows[i]}]})) || continue
    answers+=("${rows[i]}")
    \printf -v line '%-30s  %s' "${rows[i]}" "${rows[i + 1]}"
    lines+=("$line")
  done
  # -U: they are matches already, whatever was typed; -V: in this order; -l: each on its own line.
  \compadd -U -V treehop -l -d lines -a answers
  ((${#answers} < 2)) || compstate[insert]='' compstate[list]='list force'
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

() {
  \builtin emulate -L zsh
  local -a version=("${(@s:.:)ZSH_VERSION}")
  if ((${version[1]} * 100 + ${version[2]%%[^0-9]*} < 508)); then
    \printf 'treehop: zsh 5.8 or newer is needed, this is %s\n' "$ZSH_VERSION" >&2
    return 0
  fi
  # A parent's worktree is not ours; its venv is looked at on the first refresh.
  \unset TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
  typeset -g __treehop_inherited=${__treehop_inherited-${VIRTUAL_ENV-}} __treehop_pwd=''
  typeset -g __treehop_head __treehop_seen __treehop_root __treehop_git_dir __treehop_common __treehop_top __treehop_last __treehop_declined
  # What is asked about a worktree, and what `find` has said of the one that it named.
  typeset -g __treehop_fields=name,venv,venv_refused,git_dir,repo.git_dir,repo.root,path
  typeset -ga __treehop_dropped __treehop_found chpwd_functions precmd_functions
  # Last, so that what direnv does to PATH is mended in the same round.
  chpwd_functions=("${(@)chpwd_functions:#__treehop_refresh}" __treehop_refresh)
  precmd_functions=("${(@)precmd_functions:#__treehop_hook}" __treehop_hook)
  # EXTENDED_GLOB would expand the ^ of `wcd ^`.
  \builtin alias wcd='noglob wcd' wsetup='noglob wsetup' wrm='noglob wrm'
}
