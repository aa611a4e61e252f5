#!/usr/bin/env bash
# Counts the instructions of the commands that run all day, which no busy machine disturbs, and says what became of the
# counts that are kept beside this file. They hold for one compiler and one libc, so they are compared, not asserted.
#
# Usage: bash tests/bench/instructions.sh [--keep]   (--keep: write the new counts down)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
kept=$PWD/tests/bench/instructions.tsv
cargo build --release --locked --quiet
treehop=${CARGO_TARGET_DIR:-$PWD/target}/release/treehop
# Of one length, whatever the machine: a longer path costs more.
scratch=$(mktemp -d /tmp/treehop-count-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
git config --global init.defaultBranch main
git init -q "$scratch/app"
git -C "$scratch/app" -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m start
for ((i = 1; i < 21; i++)); do
  git -C "$scratch/app" worktree add -q -b "feature/topic-$i" "$scratch/app-topic-$i"
done
python3 -m venv --without-pip "$scratch/app-topic-7/.venv"

# count WORDS…: of treehop with these words, in a worktree with a venv.
count() {
  cd "$scratch/app-topic-7"
  env -i HOME="$scratch" PATH=/usr/bin:/bin GIT_CONFIG_NOSYSTEM=1 \
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$treehop" "$@" 2>&1 >/dev/null |
    sed -n 's/,//g; s/.* refs: *//p'
}

new=$scratch/new.tsv
for words in '--version' 'here' 'here --fields name,venv,git_dir,path' 'find topic-3' \
  'find --all --fields query,description topic' 'list' 'list --full'; do
  read -ra args <<<"$words"
  printf '%s\t%s\n' "$words" "$(count "${args[@]}")" >>"$new"
done
awk -F'\t' 'FILENAME == ARGV[1] { was[$1] = $2; next }
  { printf "%-46s %12d", $1, $2; if (was[$1]) printf "  %+.1f %%", ($2 / was[$1] - 1) * 100; print "" }' "$kept" "$new"
if [[ ${1-} == --keep ]]; then cp "$new" "$kept"; fi
