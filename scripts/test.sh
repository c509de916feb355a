#!/usr/bin/env bash
set -euo pipefail

# Every check there is, in the order in which a mistake is cheapest to find. Needs Rust, servers that the tests
# start themselves (redis-server, nats-server, rabbitmq-server, beanstalkd), supervisors (daemontools, systemd) and
# some tools, which it installs where it may.
#
#   scripts/test.sh              everything
#   scripts/test.sh --quick      without the documentation build and the licence check
#   scripts/test.sh --embedded   only what needs no server; what was left out is said at the end

cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '4,10s/^# \{0,1\}//p' scripts/test.sh; }

quick=false
embedded=false
for argument in "$@"; do
    case "$argument" in
        --quick) quick=true ;;
        --embedded) embedded=true ;;
        -h | --help) usage; exit 0 ;;
        *) echo "scripts/test.sh: unknown option '$argument'; use --quick, --embedded, --help, or none" >&2; exit 2 ;;
    esac
done

# What is missing is installed at once, or said at once and in full, before anything takes time.
missing=()
if command -v cargo > /dev/null; then
    cargo fmt --version > /dev/null 2>&1 || missing+=("rustfmt: run 'rustup component add rustfmt'")
    cargo clippy --version > /dev/null 2>&1 || missing+=("clippy: run 'rustup component add clippy'")
else
    missing+=("Rust: install it from https://rustup.rs, then open a new shell")
fi
# Debian puts servers where only root looks.
export PATH="$PATH:/usr/sbin:/sbin"
servers=(redis-server nats-server rabbitmq-server beanstalkd)
# Programs, and Debian's packages with them: a linker, what tests of new projects call, a terminal for a test ...
needed=(cc:gcc git:git curl:curl script:bsdutils)
# ... and beside the servers supervisors, certificates for TLS, shells, and what a library of beanstalkd's is tested in.
if ! "$embedded"; then
    needed+=(redis-server:redis-server nats-server:nats-server rabbitmq-server:rabbitmq-server beanstalkd:beanstalkd)
    needed+=(svscan:daemontools systemd-analyze:systemd openssl:openssl node:nodejs npm:npm zsh:zsh fish:fish)
fi
has_venv() { python3 -c 'import ensurepip, venv' 2> /dev/null; }
# cargo-generate, with which new projects are compared, is built with OpenSSL.
has_headers() { pkg-config --exists openssl 2> /dev/null || { command -v perl && command -v make; } > /dev/null; }
absent() {
    local pair
    for pair in "${needed[@]}"; do command -v "${pair%:*}" > /dev/null || printf '%s\n' "${pair#*:}"; done
    "$embedded" || has_venv || echo python3-venv
    has_headers || printf '%s\n' pkg-config libssl-dev
}
if [[ -n "$(absent)" && "$(id -u)" == 0 ]] && command -v apt-get > /dev/null; then
    printf 'Installing what the tests start and call: %s ...\n' "$(absent | paste -sd ' ')"
    # The system's own instances must not be started.
    # shellcheck disable=SC2046
    (apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $(absent)) > /dev/null 2>&1 || true
fi
for package in $(absent); do
    missing+=("$package: install it (Debian: apt-get install $package)$("$embedded" || echo "; --embedded needs less")")
done
valkey="$(command -v "${TEST_VALKEY:-valkey-server}" || true)"
if [[ -z "$valkey" && -n "${TEST_VALKEY:-}" ]]; then
    missing+=("Valkey: TEST_VALKEY names '$TEST_VALKEY', which is no program; give its path")
fi
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
# Each by itself, as it is built where the others are not: then nobody lends it a feature of a dependency.
alone() {
    local manifest adapter
    for manifest in crates/*/Cargo.toml services/*/Cargo.toml examples/Cargo.toml; do
        cargo check --quiet --manifest-path "$manifest"
    done
    for adapter in nats redis amqp beanstalk; do
        cargo check --quiet --package skyloom-broker-adapters --no-default-features --features "$adapter"
    done
}
step alone
# The tests over real processes start these programs.
step cargo build --workspace --all-features --bins
if "$embedded"; then
    # Test targets by name, without those whose every test starts a server; then single tests of the others.
    targets=()
    for path in crates/*/tests/*.rs crates/*/tests/*/main.rs services/*/tests/*.rs examples/tests/*.rs; do
        name="${path#*/tests/}"; name="${name%/main.rs}"; name="${name%.rs}"
        case "$name" in nats | redis | amqp | beanstalk | protocols) ;; *) targets+=(--test "$name") ;; esac
    done
    # A test that starts a server all the same fails, whether the server is installed or not.
    step env CLUSTER_NO_BUILD=1 TEST_EMBEDDED=1 cargo test --workspace --all-features --lib --bins --examples "${targets[@]}" -- \
        --skip servers:: --skip python:: --skip daemontools:: --skip systemd:: --skip in_zsh --skip in_fish --skip on_nats --skip on_redis --skip on_rabbitmq --skip on_beanstalkd
    step cargo test --workspace --all-features --doc
else
    step env CLUSTER_NO_BUILD=1 cargo test --workspace --all-features
    # What needs a Redis once more with Valkey, where there is one: not every system has a package of it.
    if [[ -n "$valkey" ]]; then
        step env TEST_REDIS="$valkey" cargo test --workspace --all-features --test redis
    fi
fi
if ! "$quick"; then
    step env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps
    if command -v cargo-deny > /dev/null; then
        step cargo deny --all-features check
    else
        printf '\n== skipped: cargo deny is not installed (cargo install cargo-deny)\n'
    fi
fi

current=""
if "$embedded"; then
    printf '\nAll checks that need no server passed in %s s. Left out: every test against %s, under daemontools and systemd, in zsh and fish, and the examples in Python.\n' \
        "$SECONDS" "$(IFS=,; echo "${servers[*]}" | sed 's/,/, /g')"
else
    printf '\nAll checks passed in %s s%s.\n' "$SECONDS" \
        "$([[ -n "$valkey" ]] || echo '; not against Valkey: put valkey-server on the PATH, or set TEST_VALKEY to its path')"
fi
