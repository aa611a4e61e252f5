#!/usr/bin/env bash
# shellcheck disable=SC2317 # `section` calls the functions by name
#
# Installs what is missing, then passes everything: format, lints, the build, and the tests in real shells.
# Usage: bash tests/run.sh [--zellij] [TEST-NAME…]   (names go to cargo test; without any, all run)
#   --zellij  install zellij, too, which is built here for three minutes; without it, its four tests are left out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
zellij='' skipped=()
if [[ ${1-} == --zellij ]]; then
  zellij=1
  shift
fi
tools=$root/tests/.tools
log=$(mktemp)
# What tests/adversary tried: a line `NUMBER WHAT` each time.
COUNTED_IN=$(mktemp)
export COUNTED_IN
trap 'rm -f "$log" "$COUNTED_IN"' EXIT

# Whatever the caller's session holds (a venv, a git hook, a claude) is no part of the tests.
for name in $(compgen -e | grep -E '^(GIT_|TREEHOP|CLAUDE|ANTHROPIC_|VIRTUAL_ENV|FZF_|DIRENV_)'); do
  unset "$name"
done
export CARGO_TERM_COLOR=never RUST_BACKTRACE=0

failed=0
began=$SECONDS

# section HEADING COMMAND…: says what is done and how long it took; shows the output of what failed.
section() {
  local heading=$1 start=$SECONDS status=0
  shift
  printf '== %s\n' "$heading"
  "$@" >"$log" 2>&1 || status=$?
  if ((status)); then
    sed 's/^/   /' "$log"
    printf '   FAILED with %s after %s s\n' "$status" "$((SECONDS - start))"
    failed=$((failed + 1))
  else
    printf '   ok, %s s\n' "$((SECONDS - start))"
  fi
  return "$status"
}

# finish PASSED FAILED: the last line, alone, and the status that goes with it.
finish() {
  printf '== all of it: %s s\n' "$((SECONDS - began))"
  printf '%s passed, %s failed\n' "$1" "$2"
  exit "$(($2 > 0))"
}

have() { command -v "$1" >/dev/null 2>&1; }

install_packages() {
  local program missing=()
  for program in git gh ssh zsh fish tmux shellcheck shfmt fzf direnv python3 npm node; do
    have "$program" || missing+=("${program/#node/nodejs}")
  done
  missing=("${missing[@]/#ssh/openssh-client}")
  # Debian keeps Python's venv in a package of its own.
  if ! python3 -c 'import venv, ensurepip'; then missing+=(python3-venv); fi
  if ((${#missing[@]} == 0)); then return 0; fi
  local as_root=()
  if ((EUID != 0)); then as_root=(sudo); fi
  if ! have apt-get; then
    printf 'missing, and there is no apt-get: %s\n' "${missing[*]}"
    return 1
  fi
  "${as_root[@]}" apt-get update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

install_node_packages() {
  export PATH=$tools/node_modules/.bin:$PATH
  if [[ $(nu --version 2>/dev/null) == 0.115.1 ]] && claude --version; then return 0; fi
  mkdir -p "$tools"
  npm install --prefix "$tools" --no-save --no-audit --no-fund nushell@0.115.1 @anthropic-ai/claude-code
  # npm runs no install script that nobody approved; this one puts claude's own binary in its place.
  if ! claude --version; then
    node "$tools/node_modules/@anthropic-ai/claude-code/install.cjs"
  fi
  nu --version && claude --version
}

# No package system that the tests use has it. A build for debugging takes three minutes, a fast one twenty.
install_zellij() {
  if [[ -z $zellij || -x $tools/bin/zellij ]]; then return 0; fi
  local built=$tools/zellij status=0
  CARGO_TARGET_DIR=$built CARGO_PROFILE_DEV_DEBUG=0 cargo install zellij --version 0.45.1 --locked \
    --no-default-features --debug --root "$tools" || status=$?
  rm -rf "$built"
  return "$status"
}

have_rust() {
  have cargo || {
    echo 'cargo is missing: https://rustup.rs'
    return 1
  }
  cargo --version && cargo fmt --version && cargo clippy --version
}

lint_shell() {
  local scripts
  mapfile -t scripts < <(find shell tests -path tests/.tools -prune -o -name '*.sh' -print -o -name '*.bash' -print)
  scripts+=(.ci/run)
  shellcheck "${scripts[@]}" && shfmt -i 2 -ci -d "${scripts[@]}"
}

lint_nu() {
  # nu-check answers true or false; with --debug it says why.
  nu --no-config-file --commands "nu-check --debug --as-module shell/treehop.nu | if not \$in { exit 1 }"
}

lint_all() {
  section 'rustfmt' cargo fmt --check
  section 'clippy' cargo clippy --all-targets --locked -- -D warnings
  section 'shellcheck, shfmt' lint_shell
  section 'bash -n' bash -n shell/treehop.bash
  section 'zsh -n' zsh -n shell/treehop.zsh
  section 'fish_indent' fish_indent --check shell/treehop.fish
  section 'nu-check' lint_nu
}

section 'Debian packages' install_packages || finish 0 1
section 'nu and claude, from npm' install_node_packages || finish 0 1
export PATH=$tools/node_modules/.bin:$PATH
section 'Rust' have_rust || finish 0 1
section 'zellij, from crates.io, where it is asked for' install_zellij || finish 0 1
if ! have zellij && [[ ! -x $tools/bin/zellij ]]; then
  printf 'zellij is not here: its tests are left out (bash tests/run.sh --zellij)\n'
  skipped=(--skip zellij)
fi
for shell in bash zsh fish nu; do
  have "$shell" || {
    printf '%s is missing, and nothing is skipped\n' "$shell"
    finish 0 1
  }
done

set +e
lint_all
section 'release build' cargo build --release --locked || finish 0 "$failed"
# The tests themselves are built quickly, and run the binary that people get.
export TREEHOP=${CARGO_TARGET_DIR:-$root/target}/release/treehop
section 'building the tests' cargo test --no-run --locked || finish 0 "$failed"

passed=0 lost=0

# tests HEADING ARG…: runs `cargo test ARG…`, shows what failed, and adds up.
tests() {
  local heading=$1 start=$SECONDS status=0 result=ok now
  shift
  printf '== %s\n' "$heading"
  cargo test --locked --no-fail-fast "$@" >"$log" 2>&1 || status=$?
  grep -vE '^test .* ok$|^ +(Running|Finished)|^$' "$log" | sed 's/^/   /'
  passed=$((passed + $(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$log")))
  now=$(awk '/^test result:/ { n += $6 } END { print n + 0 }' "$log")
  # A test program that crashed has no result line.
  if ((status && !now)); then now=1; fi
  lost=$((lost + now))
  if ((status)); then result=FAILED; fi
  printf '   %s, %s s\n' "$result" "$((SECONDS - start))"
}

# Most of a test is waiting for a shell, so more of them run at once than there are cores.
tests 'tests' -- --test-threads="$(($(nproc) * 2))" "${skipped[@]}" "$@"
# This one takes all there is of the machine: two minutes, or as many seconds as RACE_SECONDS says.
tests 'fifty commands at once' --test adversary -- --ignored "$@"
awk '{ n = $1; sub(/^[0-9]+ /, ""); sum[$0] += n } END { for (what in sum) print "   " what ": " sum[what] }' "$COUNTED_IN" | sort
finish "$passed" "$((lost + failed))"
