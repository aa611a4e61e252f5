# shellcheck shell=bash
# treehop for bash 4.4 and newer. Load it from ~/.bashrc:  eval "$(treehop init bash)"
# The files for zsh, fish and nu tell the same story in the same order.
# A leading backslash or `builtin` passes by the aliases and functions that users have for such names.

# An alias of the same name would make the definitions below a syntax error.
\unalias wcd wls 2>/dev/null || :

# --- Asking the binary ------------------------------------------------------------------------------------------

# From the main worktree if this directory was removed: there is no other way to start a program's search.
function __treehop_ask {
  if [[ -d $PWD ]]; then
    \command treehop "$@"
  else
    \command treehop -C "${__treehop_root-}" "$@"
  fi
}

# --- wcd: go to a worktree --------------------------------------------------------------------------------------

function wcd {
  local arg pick='' ended='' out dir
  local -a words=() options=() rows=()
  for arg; do
    case $ended$arg in
      --) ended=1 ;;
      -h | --help) __treehop_help_wcd && return ;;
      -i) pick=1 ;;
      -s) options+=(--subdir) ;;
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
  if [[ ${#words[@]} -gt 0 && -t 0 && -t 2 ]]; then
    out=$(__treehop_ask find --all "${options[@]}" --fields query,description,cd -- "${words[@]}") || return
    \mapfile -t rows <<<"$out"
    __treehop_pick dir "${rows[@]}" || return
  else
    dir=$(__treehop_ask find "${options[@]}" --fields cd -- "${words[@]}") || return
  fi
  \builtin cd -- "$dir" || return
  __treehop_refresh
}

function __treehop_help_wcd {
  \cat <<'END'
wcd [QUERY…]: go to the worktree that QUERY means, with its venv active

  QUERY       words of its branch or name, or a path; none: the main worktree
  ^  @  !     the main one; this one; the one whose session waits
  -           the one that you were in before
  REPO:QUERY  in another repository that you used before
  -i          pick from a list      -s  keep the subdirectory that you are in
END
}

# The worktree that one was in before this one; outside of all, the last one.
function __treehop_previous {
  if [[ -n ${TREEHOP_WORKTREE-} && -n ${__treehop_last-} ]]; then
    \printf %s "$__treehop_last"
  else
    \printf %s "${__treehop_top:--}"
  fi
}

# __treehop_pick VARIABLE ROW…: rows come in threes (query, description, directory); one needs no question.
function __treehop_pick {
  local -n __treehop_picked=$1
  local -a rows=("${@:2}") lines=()
  local i line
  for ((i = 0; i < ${#rows[@]}; i += 3)); do
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
      local PS3='worktree? '
      select line in "${lines[@]}"; do
        [[ -n $line ]] && break
      done
      [[ -n ${line-} ]] || return 1
      i=$((REPLY - 1))
    fi
  fi
  # shellcheck disable=SC2034 # a reference to the caller's variable
  __treehop_picked=${rows[i * 3 + 2]}
}

# --- wls: what is where -----------------------------------------------------------------------------------------

function wls {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    \printf 'wls: the worktrees of this repository: branch, changes, ahead and behind, sessions, age\n'
    return
  fi
  __treehop_ask list --format table "$@"
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
  if [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != "$venv" && :$PATH: == *":$VIRTUAL_ENV/bin:"* ]]; then
    # The user's own stays; one that came from a parent and is another worktree's does not.
    [[ $VIRTUAL_ENV == "${__treehop_inherited-}" ]] && __treehop_of_this_repository "$VIRTUAL_ENV" || return 0
    __treehop_drop "$VIRTUAL_ENV/bin"
  fi
  export TREEHOP_VENV=$venv VIRTUAL_ENV=$venv VIRTUAL_ENV_PROMPT=$2
  [[ :$PATH: == *":$venv/bin:"* ]] || PATH=$venv/bin:$PATH
  __treehop_dropped=''
  # shellcheck disable=SC2317 # it is the user who calls it
  function deactivate {
    __treehop_declined=$TREEHOP_VENV
    __treehop_deactivate
  }
}

function __treehop_deactivate {
  __treehop_drop "$TREEHOP_VENV/bin"
  __treehop_dropped=$TREEHOP_VENV
  [[ ${VIRTUAL_ENV-} != "$TREEHOP_VENV" ]] || \unset -v VIRTUAL_ENV VIRTUAL_ENV_PROMPT
  \unset -v TREEHOP_VENV
  \unset -f deactivate
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

# Something else (direnv) may put an older PATH back between two prompts.
function __treehop_keep_path {
  if [[ -n ${TREEHOP_VENV-} ]]; then
    [[ :$PATH: == *":$TREEHOP_VENV/bin:"* ]] || PATH=$TREEHOP_VENV/bin:$PATH
  elif [[ -n ${__treehop_dropped-} && ${VIRTUAL_ENV-} != "$__treehop_dropped" ]]; then
    __treehop_drop "$__treehop_dropped/bin"
  fi
}

# --- The prompt -------------------------------------------------------------------------------------------------

# After a change of directory: one call of the binary, which says what holds here.
function __treehop_refresh {
  local out top venv refused
  __treehop_pwd=$PWD
  if out=$(\command treehop here --fields name,venv,venv_refused,git_dir,repo.git_dir,repo.root,path 2>/dev/null); then
    {
      IFS= \read -r TREEHOP_WORKTREE
      IFS= \read -r venv
      IFS= \read -r refused
      IFS= \read -r __treehop_git_dir
      IFS= \read -r __treehop_common
      IFS= \read -r __treehop_root
      IFS= \read -r top
    } <<<"$out"
    export TREEHOP_WORKTREE
    if [[ $top != "${__treehop_top-}" ]]; then
      __treehop_last=${__treehop_top-}
      __treehop_top=$top
      [[ -z $refused || ${TREEHOP_AUTO_VENV-} == 0 ]] || \printf 'treehop: %s\n' "$refused" >&2
    fi
    __treehop_use "$venv" "$TREEHOP_WORKTREE"
    __treehop_segment
  else
    __treehop_forget
  fi
}

# At every prompt, without a process: what HEAD says, and what is under way.
function __treehop_segment {
  local dir=$__treehop_git_dir head='' branch='' operation=''
  # The 2> stands first, or a missing file would be shouted about.
  IFS= \read -r head 2>/dev/null <"$dir/HEAD" || [[ -n $head ]] || {
    __treehop_forget
    return
  }
  if [[ $head == 'ref: refs/heads/.invalid' ]]; then
    # A reftable: only the binary can say.
    head=$(\command treehop here --fields branch,prompt 2>/dev/null) || head=''
    export TREEHOP_BRANCH=${head%%$'\n'*} TREEHOP_PROMPT=${head#*$'\n'}
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
  TREEHOP_BRANCH=$branch
  TREEHOP_PROMPT=${branch:-${head:0:7}}
  [[ ${branch//\//-} == "$TREEHOP_WORKTREE" ]] || TREEHOP_PROMPT+=@$TREEHOP_WORKTREE
  [[ -z $operation ]] || TREEHOP_PROMPT+="|$operation"
  export TREEHOP_BRANCH TREEHOP_PROMPT
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
    __treehop_segment
  fi
  __treehop_keep_path
  return "$status"
}

# --- Tab --------------------------------------------------------------------------------------------------------
# What is typed need not be how the answer begins, so with several answers nothing is inserted: they are shown.

function __treehop_complete_wcd {
  local typed=${COMP_LINE:0:COMP_POINT} out word answer i
  local -a words=() rows=() lines=('')
  # Readline splits at `:` and `@` too; what it does not replace is taken off the answer again.
  \read -ra words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=('')
  word=${words[-1]}
  local kept=${word%"${COMP_WORDS[COMP_CWORD]#:}"}
  words=("${words[@]:1}")
  COMPREPLY=()
  if [[ $word == -* ]]; then
    \mapfile -t COMPREPLY < <(\compgen -W '-i -s -h' -- "$word")
    return
  fi
  words[-1]=${word#[\"\']}
  out=$(__treehop_ask find --all --fields query,description -- "${words[@]}" 2>/dev/null) || return 0
  \mapfile -t rows <<<"$out"
  for ((i = 0; i < ${#rows[@]}; i += 2)); do
    # A word that stands there already is not offered again.
    [[ " ${words[*]::${#words[@]}-1} " != *" ${rows[i]} "* ]] || continue
    \printf -v answer %q "${rows[i]}"
    [[ $word != [\"\']* || $answer == "${rows[i]}" ]] || continue
    COMPREPLY+=("${answer#"$kept"}")
    \printf -v answer '%-30s  %s' "$answer" "${rows[i + 1]}"
    lines+=("$answer")
  done
  ((${#COMPREPLY[@]} < 2)) || COMPREPLY=("${lines[@]}")
}

# --- Loading ----------------------------------------------------------------------------------------------------

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  \printf 'treehop: bash 4.4 or newer is needed, this is %s\n' "$BASH_VERSION" >&2
else
  # A parent's worktree is not ours; its venv is looked at on the first refresh.
  \unset -v TREEHOP_WORKTREE TREEHOP_BRANCH TREEHOP_PROMPT
  __treehop_inherited=${VIRTUAL_ENV-}
  __treehop_pwd=''
  if [[ "${PROMPT_COMMAND[*]-}" != *__treehop_hook* ]]; then
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
      # First, and as an array: so $? and PIPESTATUS reach the elements after it.
      PROMPT_COMMAND=(__treehop_hook "${PROMPT_COMMAND[@]}")
    else
      # shellcheck disable=SC2128,SC2178 # a string, before bash 5.1
      PROMPT_COMMAND="__treehop_hook${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
    fi
  fi
  if [[ $- == *i* ]]; then
    \complete -o nosort -F __treehop_complete_wcd wcd
  fi
fi
