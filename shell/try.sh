#!/usr/bin/env bash
# Builds treehop and opens a shell with it in a scratch copy of a repository with four worktrees.
# Usage: bash shell/try.sh [bash|zsh|fish|nu] [-c COMMAND]
# With -c, runs COMMAND in that shell and ends with its status. Without a terminal, shows a short tour.
# Nothing of yours is touched: HOME, settings and repositories are made for this and removed at the end.
# shellcheck disable=SC2016 # what stands in single quotes is for the other shell
set -euo pipefail

fail() {
  printf 'try.sh: %s\nhint: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
shell='' command=''
while (($# > 0)); do
  case $1 in
    bash | zsh | fish | nu) shell=$1 ;;
    -c)
      (($# > 1)) || fail '-c needs a command' "bash shell/try.sh -c 'wcd auth'" 2
      command=$2
      shift
      ;;
    *) fail "what is '$1'?" 'bash shell/try.sh [bash|zsh|fish|nu] [-c COMMAND]' 2 ;;
  esac
  shift
done

# Your own shell, where it is one of the four; the test run keeps a nu of its own.
if [[ -z $shell ]]; then
  case ${SHELL##*/} in
    zsh | fish | nu) shell=${SHELL##*/} ;;
    *) shell=bash ;;
  esac
fi
PATH=$PATH:$project/tests/.tools/node_modules/.bin
type -P "$shell" >/dev/null || fail "$shell is not installed" 'name another: bash shell/try.sh bash'
type -P git >/dev/null || fail 'git is not installed' 'install git'
type -P cargo >/dev/null || fail 'cargo is not installed' 'install Rust: https://rustup.rs'

printf 'Building treehop (a minute or two the first time) …\n' >&2
(cd "$project" && cargo build --quiet --release --locked) || fail 'the build failed' 'see above'
binaries=${CARGO_TARGET_DIR:-$project/target}/release

# --- A home and a repository for this -----------------------------------------------------------------------------

scratch=$(mktemp -d)
scratch=$(cd "$scratch" && pwd -P)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
mkdir -p "$scratch/home/git" "$scratch/bin"
ln -s "$binaries/treehop" "$scratch/bin/treehop"

# A clean environment: no variable of yours (GIT_DIR, VIRTUAL_ENV, …) reaches it.
clean=(env -i "HOME=$scratch/home" "PATH=$scratch/bin:$PATH" "TERM=${TERM:-dumb}" "LANG=${LANG:-C.UTF-8}"
  "SHELL=$(type -P "$shell")" GIT_CONFIG_NOSYSTEM=1)
for name in LC_ALL COLORTERM NO_COLOR TMUX TZ RUSTUP_HOME PYENV_ROOT TREEHOP_AUTO_VENV; do
  [[ -z ${!name-} ]] || clean+=("$name=${!name}")
done

make_repository() {
  cd "$scratch/home/git"
  git config --global user.name You
  git config --global user.email you@example.com
  git init --quiet --initial-branch=main bitsandbytes
  cd bitsandbytes
  printf '.venv/\n' >.gitignore
  printf '# bitsandbytes\n' >README.md
  git add .
  git commit --quiet --message='Start the project'
  git worktree add --quiet -b feature/auth ../bitsandbytes-feature-auth
  git worktree add --quiet -b fix/issue-422 ../bitsandbytes-fix-422
  git worktree add --quiet -b experiment/new-quantizer ../bitsandbytes-experiment
  printf 'def login(): ...\n' >../bitsandbytes-feature-auth/auth.py
  git -C ../bitsandbytes-feature-auth add auth.py
  git -C ../bitsandbytes-feature-auth commit --quiet --message='Add auth'
  printf 'Fix for 422\n' >>../bitsandbytes-fix-422/README.md
  python3 -m venv --without-pip ../bitsandbytes-feature-auth/.venv ||
    printf 'There is no python3 here, so no worktree has a virtual environment.\n' >&2
}
"${clean[@]}" scratch="$scratch" bash -euc "$(declare -f make_repository); make_repository"
cd "$scratch/home/git/bitsandbytes"

# --- The shell ----------------------------------------------------------------------------------------------------

# Runs the command lines in $1, one after the other, as if typed into the shell once treehop is loaded.
run() {
  local status=0 load=$project/shell/treehop.$shell
  case $shell in
    bash) "${clean[@]}" bash --norc --noprofile -c 'source "$1"; eval "$2"' bash "$load" "$1" || status=$? ;;
    zsh) "${clean[@]}" zsh -f -c 'source "$1"; eval "$2"' zsh "$load" "$1" || status=$? ;;
    fish) "${clean[@]}" fish --no-config -c 'source $argv[1]; eval $argv[2]' "$load" "$1" || status=$? ;;
    nu) "${clean[@]}" nu --no-config-file -c "use r#'$load'# *"$'\n'"$1" || status=$? ;;
  esac
  return "$status"
}

# Opens the shell with treehop loaded, its Tab completion and its prompt.
open() {
  local home=$scratch/home load=$project/shell/treehop.$shell
  # Where this folder is missing, fish reads all manual pages first.
  mkdir -p "$home/.config/fish" "$home/.local/share/fish/generated_completions" "$home/.config/nushell"
  case $shell in
    bash)
      printf 'source %q\nPS1=%q\n' "$load" '${TREEHOP_PROMPT:+($TREEHOP_PROMPT) }\W \$ ' >"$home/.bashrc"
      "${clean[@]}" bash
      ;;
    zsh)
      printf '%s\n' 'autoload -Uz compinit; compinit -u' "source ${load@Q}" 'setopt prompt_subst' \
        'PROMPT='\''${TREEHOP_PROMPT:+(${TREEHOP_PROMPT//\%/%%}) }%1~ %# '\' >"$home/.zshrc"
      "${clean[@]}" zsh
      ;;
    fish)
      printf '%s\n' 'set -g fish_greeting' "source ${load@Q}" 'function fish_right_prompt; printf %s "$TREEHOP_PROMPT"; end' \
        >"$home/.config/fish/config.fish"
      "${clean[@]}" fish
      ;;
    nu)
      printf '%s\n' '$env.config.show_banner = false' "use r#'$load'# *" \
        '$env.PROMPT_COMMAND_RIGHT = {|| $env.TREEHOP_PROMPT? | default "" }' >"$home/.config/nushell/config.nu"
      "${clean[@]}" nu
      ;;
  esac
}

# The words in their order, each as it would be typed, and what comes of it.
tour() {
  local line say="printf '\n\$ %s\n'" script=''
  [[ $shell != nu ]] || say=print
  for line in 'wls' 'wcd auth' 'pwd' 'printenv TREEHOP_PROMPT VIRTUAL_ENV' 'wcd 422' 'pwd' 'wcd -' 'pwd' \
    'wnew feature/login' 'pwd' 'wrm' 'pwd' 'wundo' 'pwd' 'wcd' 'pwd'; do
    if [[ $shell == nu ]]; then
      script+="print r#'"$'\n'"\$ $line'#"$'\n'
      [[ $line != wls && $line != pwd ]] || line="$line | print"
    else
      script+="$say '$line'"$'\n'
    fi
    script+=$line$'\n'
  done
  run "$script"
}

if [[ -n $command ]]; then
  run "$command"
elif [[ -t 0 && -t 1 ]]; then
  cat <<'END'

This is a scratch repository with four worktrees, and treehop is loaded. Type:

  wls         what is where
  wcd auth    go to feature/auth; its virtual environment becomes active
  wcd 422     any word of the branch will do; Tab offers what fits
  wcd -       back to the one before; wcd alone: the main worktree
  wnew fix/a  a new branch in a worktree of its own; wnew -c fix/a "do it" runs claude in it
  wrm         remove the worktree that you stand in; wundo brings it back
  exit        ends it and removes everything

END
  open
else
  tour
fi
