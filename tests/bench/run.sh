#!/usr/bin/env bash
# Prints how fast and how big treehop is, as ratios to things measured in the same run. A missed budget is shown and
# fails nothing.
#
# Usage: bash tests/bench/run.sh [--small] [--peers] [--readme] [--json FILE] [--svg FILE]
#   --small   without what takes minutes: 100,000 files, 2,000 worktrees, the 21 worktrees of 10,000 files
#   --peers   beside worktrunk, zoxide and starship too (installed by cargo, once, where they are missing)
#   --readme  write the table into README.md
set -euo pipefail

small='' peers='' report=()
while (($# > 0)); do
  case $1 in
    --small) small=1 ;;
    --peers) peers=1 ;;
    --readme) report+=(--readme "$PWD/README.md") ;;
    --json | --svg) report+=("$1" "$(realpath -m "$2")") && shift ;;
    *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
  esac
  shift
done
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
export PATH=$root/tests/.tools/node_modules/.bin:$root/tests/.tools/bin:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# --- What is compared -------------------------------------------------------------------------------------------

cargo build --release --locked --quiet
treehop=${CARGO_TARGET_DIR:-$root/target}/release/treehop
mkdir -p "$scratch/bin" "$scratch/home/git"
# Copied, as an installation is: what a linker has just written lies in memory in smaller pieces.
cp "$treehop" "$scratch/bin/treehop"
treehop=$scratch/bin/treehop
rustc -O --edition 2021 -o "$scratch/clock" tests/bench/clock.rs
printf 'fn main() {}\n' >"$scratch/empty.rs"
rustc -O --edition 2021 -o "$scratch/linked" "$scratch/empty.rs"
empty=$scratch/empty
cp "$scratch/linked" "$empty"
host=$(rustc -vV | sed -n 's/^host: //p')
crates=$(cargo tree --locked -e normal --prefix none --target "$host" | sed 's/ (\*)$//' | sort -u | wc -l)
nu=$(nu --no-config-file --commands "\$nu.current-exe")

# A home of its own, and nothing of the user's configuration.
user=$HOME
for name in $(compgen -e | grep -E '^(GIT_|TREEHOP|CLAUDE|VIRTUAL_ENV)'); do unset "$name"; done
export HOME=$scratch/home GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8 PATH=$scratch/bin:$PATH
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME ZDOTDIR
git config --global user.name 'A Developer'
git config --global user.email dev@example.com
git config --global init.defaultBranch main

# repository NAME WORKTREES FILES: that many worktrees, the main one included.
repository() {
  local dir=$HOME/git/$1 i
  mkdir -p "$dir"
  git -C "$dir" init -q
  for ((i = 0; i < $3; i++)); do
    ((i % 100)) || mkdir -p "$dir/d$((i / 100))"
    printf '%s\n' "$i" >"$dir/d$((i / 100))/f$i"
  done
  git -C "$dir" add .
  git -C "$dir" commit -q -m start
  for ((i = 1; i < $2; i++)); do
    git -C "$dir" worktree add -q -b "feature/topic-$i" "$dir-topic-$i"
  done
}

guide() {
  local dir=$HOME/git/bitsandbytes tree
  repository bitsandbytes 1 10
  for tree in 'feature/auth feature-auth' 'fix/issue-422 fix-422' 'experiment/new-quantizer experiment'; do
    git -C "$dir" worktree add -q -b "${tree% *}" "$dir-${tree#* }"
  done
  for tree in feature-auth fix-422; do
    python3 -m venv --without-pip "$dir-$tree/.venv"
  done
}

# --- Saying it --------------------------------------------------------------------------------------------------

# row WHAT OURS THEIRS VALUE UNIT LIMIT: one line of the table; said at once, too, since all of it takes minutes.
row() {
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$scratch/rows"
  printf '%s: %s %s\n' "$1" "$4" "$5" >&2
}

# judge WHAT VALUE UNIT LIMIT: a value that stands for itself.
judge() { row "$1" '' '' "$2" "$3" "$4"; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
milliseconds() { awk -v us="$1" 'BEGIN { printf "%.2f ms", us / 1000 }'; }

# compare WHAT LIMIT OURS THEIRS: two times in microseconds, by their ratio.
compare() { row "$1" "$(milliseconds "$3")" "$(milliseconds "$4")" "$(ratio "$3" "$4")" x "$2"; }

# against WHAT LIMIT ROUNDS -- OURS… -- THEIRS…: the ratio of two medians. Each command begins with its directory.
against() {
  local medians
  mapfile -t medians < <("$scratch/clock" "${@:3}")
  compare "$1" "$2" "${medians[@]}"
}

# --- The binary -------------------------------------------------------------------------------------------------

printf 'load %s on %s cores: on a busy machine small differences are noise\n' "$(cut -d' ' -f1 /proc/loadavg)" "$(nproc)" >&2
guide
auth=$HOME/git/bitsandbytes-feature-auth
against 'here / empty program' 1.3 200 -- "$auth" "$treehop" here -- "$auth" "$empty"
against 'here, the fields of a prompt / empty program' 1.3 200 \
  -- "$auth" "$treehop" here --fields name,venv,venv_refused,git_dir,repo.git_dir,repo.root,path -- "$auth" "$empty"
against 'find 422 / empty program' 1.3 200 -- "$auth" "$treehop" find 422 -- "$auth" "$empty"
against 'find 422 --fields cd / empty program' 1.3 200 -- "$auth" "$treehop" find --fields cd 422 -- "$auth" "$empty"
against 'candidates for a Tab / here' 2 200 \
  -- "$auth" "$treehop" find --all --fields query,description f -- "$auth" "$treehop" here
numbers=(21 500)
[[ -n $small ]] || numbers+=(2000)
for number in "${numbers[@]}"; do
  many=$HOME/git/many$number
  repository "many$number" "$number" 3
  limit=0.75
  ((number == 21)) || limit=0.6
  against "list, $number worktrees / git worktree list --porcelain" "$limit" 40 \
    -- "$many" "$treehop" list -- "$many" git worktree list --porcelain
done
# What grows with the number of worktrees, and what does not.
against "here, among $number worktrees / among 4" 1.5 100 -- "$many" "$treehop" here -- "$auth" "$treehop" here
mapfile -t medians < <("$scratch/clock" 40 -- "$many" "$treehop" find --all --fields query,description topic-7)
judge "candidates for a Tab, $number worktrees" "$(awk -v us="${medians[0]}" 'BEGIN { printf "%.2f", us / 1000 }')" ms 15

# tracked FILES: a repository of so many, with a virtual environment that is not among them.
tracked() {
  local dir=$HOME/git/tracked$1
  repository "tracked$1" 1 "$1"
  echo .venv >"$dir/.git/info/exclude"
  python3 -m venv --without-pip "$dir/.venv"
}
tracked 100
files=100000
[[ -z $small ]] || files=10000
tracked "$files"
against "here beside a venv, $files tracked files / 100" 2 100 \
  -- "$HOME/git/tracked$files" "$treehop" here -- "$HOME/git/tracked100" "$treehop" here
if [[ -z $small ]]; then
  repository big 21 10000
  # Twice, so that git has written down what it found.
  status="printf '%s\\0' '$HOME'/git/big* | xargs -0 -P 2 -I{} git -C {} status --porcelain"
  sh -c "$status; sleep 1; $status"
  against 'list --full, 21 of 10,000 files / git status, two at a time' 0.8 7 \
    -- "$HOME/git/big" "$treehop" list --full -- "$HOME/git/big" sh -c "$status"
fi

# --- The life of a worktree ---------------------------------------------------------------------------------------

# timed FILE COMMAND…: adds to FILE how long it took, in microseconds.
timed() {
  local start=${EPOCHREALTIME/./}
  "${@:2}" >/dev/null 2>>"$scratch/errors"
  echo "$((${EPOCHREALTIME/./} - start))" >>"$scratch/$1"
}

middle() { sort -n "$scratch/$1" | sed -n "$(($(wc -l <"$scratch/$1") / 2 + 1))p"; }

# life FILES ROUNDS: makes and removes worktrees of that many files, by turns with git.
life() {
  local dir=$HOME/git/life$1 i
  repository "life$1" 1 "$1"
  rm -f "$scratch"/life-*
  for ((i = 0; i < $2; i++)); do
    # Who comes first pays for what the last round left to be written.
    if ((i % 2)); then timed life-add git -C "$dir" worktree add -q -b "theirs/$i" "$dir-theirs-$i"; fi
    timed life-new "$treehop" -C "$dir" new --no-setup "ours/$i"
    if ((i % 2 == 0)); then timed life-add git -C "$dir" worktree add -q -b "theirs/$i" "$dir-theirs-$i"; fi
    timed life-remove "$treehop" -C "$dir" remove "ours/$i"
    # What is still being deleted would be in git's way.
    "$treehop" -C "$dir" prune >/dev/null 2>&1
    timed life-git-remove git -C "$dir" worktree remove "$dir-theirs-$i"
  done
  compare "wnew without set-up, $1 files / git worktree add" 1.1 "$(middle life-new)" "$(middle life-add)"
  if (($1 < 10000)); then return; fi
  compare "wrm, $1 files / git worktree remove" 0.3 "$(middle life-remove)" "$(middle life-git-remove)"
}

life 100 15
life 10000 8
[[ -n $small ]] || life 100000 3

# What .worktreeinclude names is copied: 20,000 small files, beside what a person would type.
included() {
  local dir=$HOME/git/included i
  repository included 1 10
  mkdir "$dir/data"
  for ((i = 0; i < 20000; i++)); do
    ((i % 200)) || mkdir "$dir/data/$((i / 200))"
    printf '%s\n' "$i" >"$dir/data/$((i / 200))/$i"
  done
  echo /data >"$dir/.gitignore"
  echo /data >"$dir/.worktreeinclude"
  rm -f "$scratch"/life-*
  for i in 1 2 3 4 5; do
    timed life-new "$treehop" -C "$dir" new --no-setup "ours/$i"
    git -C "$dir" worktree add -q -b "theirs/$i" "$dir-theirs-$i"
    timed life-add cp -a --reflink=auto "$dir/data" "$dir-theirs-$i/data"
  done
  compare 'wnew, with 20,000 files of .worktreeinclude / cp -a of them alone' 1.2 "$(middle life-new)" "$(middle life-add)"
}
[[ -n $small ]] || included

# --- The shells -------------------------------------------------------------------------------------------------
# Each measures itself in a loop, in microseconds a turn, and the empty loop is taken off.

cat >"$scratch/loop.bash" <<'END'
source "$FILE"
turns() { local i start=${EPOCHREALTIME/./}; for ((i = 0; i < $1; i++)); do "$2"; done; echo "$(((${EPOCHREALTIME/./} - start) * 10 / $1))"; }
prompt() { local hook; for hook in "${PROMPT_COMMAND[@]}"; do eval "$hook"; done; }
nothing() { local hook; for hook in :; do eval "$hook"; done; }
hop() { wcd 422; wcd auth; }
wcd auth; prompt
turns "$TURNS" "$WHAT"
END
cat >"$scratch/loop.zsh" <<'END'
zmodload zsh/datetime
source "$FILE"
turns() { local i; local -F start=$EPOCHREALTIME; for ((i = 0; i < $1; i++)); do $2; done; local -F took=$((EPOCHREALTIME - start)); printf '%.0f\n' $((took * 1e7 / $1)); }
prompt() { local hook; for hook in $precmd_functions; do $hook; done }
nothing() { local hook; for hook in true; do $hook; done }
hop() { wcd 422; wcd auth }
wcd auth; prompt
turns $TURNS $WHAT
END
cat >"$scratch/loop.fish" <<'END'
source $FILE
function prompt; emit fish_prompt; end
function nothing; emit fish_nothing; end
function hop; wcd 422; wcd auth; end
wcd auth; prompt
set -l start (date +%s%N)
for i in (seq $TURNS); $WHAT; end
math "($(date +%s%N) - $start) / 100 / $TURNS"
END
cat >"$scratch/loop.nu" <<'END'
use SHELLFILE *
# A hook is a closure, or code (never run here) with a closure that says when.
def --env prompt [] {
  for hook in $env.config.hooks.pre_prompt {
    if ($hook | describe) == closure { do --env $hook } else { do $hook.condition }
  }
}
def --env nothing [] { for hook in [{|| null }] { do --env $hook } }
def --env hop [] { wcd 422; wcd auth }
wcd auth
prompt
let turns = $env.TURNS | into int
let start = date now
match $env.WHAT {
  prompt => { for _ in 1..$turns { prompt } }
  nothing => { for _ in 1..$turns { nothing } }
  hop => { for _ in 1..$turns { hop } }
}
print (((date now) - $start | into int) / 100 / $turns | math round)
END
sed -i "s|SHELLFILE|$root/shell/treehop.nu|" "$scratch/loop.nu"

# turn SHELL WHAT TURNS: tenths of a microsecond for each.
turn() {
  local -a run=("$1")
  case $1 in
    bash) run+=(--norc --noprofile) ;;
    zsh) run+=(-df) ;;
    fish) run+=(--no-config --interactive) ;;
    nu) run+=(--no-config-file) ;;
  esac
  cd "$HOME/git/bitsandbytes"
  FILE=$root/shell/treehop.$1 WHAT=$2 TURNS=$3 "${run[@]}" "$scratch/loop.$1" </dev/null 2>>"$scratch/errors"
}

# median SHELL WHAT TURNS: of five runs, in milliseconds a turn.
median() {
  local -a times
  mapfile -t times < <(for _ in 1 2 3 4 5; do (turn "$@"); done | sort -n)
  if ((${#times[@]} != 5)); then
    cat "$scratch/errors" >&2
    return 1
  fi
  awk -v time="${times[2]}" 'BEGIN { printf "%.4f", time / 10000 }'
}

for shell in bash zsh fish nu; do
  limit=0.15
  [[ $shell != nu ]] || limit=0.3
  with=$(median "$shell" prompt 1000)
  without=$(median "$shell" nothing 1000)
  cost=$(awk -v a="$with" -v b="$without" 'BEGIN { printf "%.3f", a - b }')
  judge "a prompt without a change of directory, $shell" "$cost" ms "$limit"
done
for shell in bash zsh fish nu; do
  hop=$(median "$shell" hop 50)
  cost=$(awk -v two="$hop" 'BEGIN { printf "%.2f", two / 2 }')
  judge "wcd inside a running shell, between two venvs, $shell" "$cost" ms 5
done
for shell in bash zsh fish nu; do
  case $shell in
    bash) run=(bash --norc --noprofile -c) ;;
    zsh) run=(zsh -df -c) ;;
    fish) run=(fish --no-config -c) ;;
    nu) run=("$nu" --no-config-file -c) ;;
  esac
  load="source '$root/shell/treehop.$shell'"
  [[ $shell != nu ]] || load="use '$root/shell/treehop.nu' *"
  mapfile -t medians < <("$scratch/clock" 40 -- "$auth" "${run[@]}" "$load" -- "$auth" "${run[@]}" '')
  cost=$(awk -v a="${medians[0]}" -v b="${medians[1]}" 'BEGIN { printf "%.2f", (a - b) / 1000 }')
  judge "sourcing the integration, $shell" "$cost" ms 10
done

# --- Peers ------------------------------------------------------------------------------------------------------

# peer PROGRAM CRATE: there, or installed now.
peer() {
  command -v "$1" >/dev/null || HOME=$user cargo install --locked --root "$root/tests/.tools" "$2" >&2
}

# worktrunk's own functions do what wcd does, so both are measured inside one running bash.
switching() {
  local hop
  cat >"$scratch/switch.bash" <<'END'
eval "$(wt config shell init bash)"
hop() { wt switch fix/issue-422; wt switch feature/auth; }
hop
start=${EPOCHREALTIME/./}
for ((i = 0; i < 10; i++)); do hop; done
echo "$(((${EPOCHREALTIME/./} - start) / 20))"
END
  hop=$(cd "$auth" && bash --norc --noprofile "$scratch/switch.bash" 2>>"$scratch/errors" | tail -n 1)
  compare 'wcd in bash / wt switch' 0.2 "$(awk -v two="$(median bash hop 50)" 'BEGIN { print two * 500 }')" "$hop"
}

if [[ -n $peers ]]; then
  peer wt worktrunk
  peer zoxide zoxide
  peer starship starship
  against 'list, 21 worktrees / wt list --format=json' 1 10 \
    -- "$HOME/git/many21" "$treehop" list --full -- "$HOME/git/many21" wt list --format=json
  if [[ -z $small ]]; then
    against 'list --full, 21 of 10,000 files / wt list --format=json' 0.7 7 \
      -- "$HOME/git/big" "$treehop" list --full -- "$HOME/git/big" wt list --format=json
  fi
  switching
  # What bash asks it at a Tab; its own `--` would be one of ours.
  printf '%s\n' '#!/bin/sh' 'export COMPLETE=bash _CLAP_COMPLETE_INDEX=2 _CLAP_COMPLETE_COMP_TYPE=9 _CLAP_COMPLETE_SPACE=true' \
    'exec wt -- wt switch f' >"$scratch/bin/wt-tab"
  chmod +x "$scratch/bin/wt-tab"
  against "candidates for a Tab / worktrunk's" 0.2 20 \
    -- "$auth" "$treehop" find --all --fields query,description f -- "$auth" wt-tab
  for tree in "$HOME"/git/bitsandbytes*; do zoxide add "$tree"; done
  against 'find fix / zoxide query fix' 1 200 -- "$HOME" "$treehop" -C "$auth" find --fields cd fix -- "$HOME" zoxide query fix
  printf '[git_branch]\n' >"$scratch/starship.toml"
  export STARSHIP_CONFIG=$scratch/starship.toml
  mapfile -t medians < <("$scratch/clock" 40 -- "$auth" starship prompt)
  with=$(median bash prompt 1000)
  compare "a prompt in bash / starship's" 1 "$(awk -v ms="$with" 'BEGIN { print ms * 1000 }')" "${medians[0]}"
fi

# --- Size -------------------------------------------------------------------------------------------------------

judge 'the binary' "$(awk -v size="$(stat -c %s "$treehop")" 'BEGIN { printf "%.2f", size / 1e6 }')" MB 2.5
judge 'crates (cargo tree -e normal)' "$crates" '' 149
python3 "$root/tests/bench/report.py" "${report[@]}" <"$scratch/rows"
