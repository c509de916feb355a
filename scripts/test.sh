#!/usr/bin/env bash
set -euo pipefail

# Every check there is, in the order in which a mistake is cheapest to find. Needs Rust, and for one test
# redis-server, which it installs where it may.
#
#   scripts/test.sh            everything
#   scripts/test.sh --quick    without the documentation build and the licence check

cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '4,8s/^# \{0,1\}//p' scripts/test.sh; }

quick=false
for argument in "$@"; do
    case "$argument" in
        --quick) quick=true ;;
        -h | --help) usage; exit 0 ;;
        *) echo "scripts/test.sh: unknown option '$argument'; use --quick, --help, or none" >&2; exit 2 ;;
    esac
done

# What is missing is said at once and in full, before anything takes time.
missing=()
if command -v cargo > /dev/null; then
    cargo fmt --version > /dev/null 2>&1 || missing+=("rustfmt: run 'rustup component add rustfmt'")
    cargo clippy --version > /dev/null 2>&1 || missing+=("clippy: run 'rustup component add clippy'")
else
    missing+=("Rust: install it from https://rustup.rs, then open a new shell")
fi
if ! command -v redis-server > /dev/null; then
    if [[ "$(id -u)" == 0 ]] && command -v apt-get > /dev/null; then
        echo "Installing redis-server, which the test of shared links needs ..."
        # The server must not be started here: the test starts its own.
        (apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server) > /dev/null 2>&1 || true
    fi
    command -v redis-server > /dev/null || missing+=("redis-server: install it (Debian: apt-get install redis-server)")
fi
command -v cc > /dev/null || missing+=("a linker, cc: install gcc or clang (Debian: apt-get install gcc libc6-dev)")
if ((${#missing[@]} > 0)); then
    echo "scripts/test.sh needs what is not here:" >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
fi

current=""
finished() {
    local code=$?
    if ((code != 0)) && [[ -n "$current" ]]; then
        echo "FAILED after ${SECONDS} s: $current" >&2
    fi
}
trap finished EXIT

step() {
    local began=$SECONDS
    current="$*"
    printf '\n== %s\n' "$current"
    "$@"
    printf '== done in %s s\n' "$((SECONDS - began))"
}

# One set of features throughout, so that what one step compiles serves the next.
step cargo fmt --all --check
step cargo clippy --workspace --all-targets --all-features -- -D warnings
# The tests over real processes start these programs.
step cargo build --workspace --all-features --bins
step env CLUSTER_NO_BUILD=1 cargo test --workspace --all-features
if ! "$quick"; then
    step env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps
    if command -v cargo-deny > /dev/null; then
        step cargo deny --all-features check
    else
        printf '\n== skipped: cargo deny is not installed (cargo install cargo-deny)\n'
    fi
fi

current=""
printf '\nAll checks passed in %s s.\n' "$SECONDS"
