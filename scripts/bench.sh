#!/usr/bin/env bash
set -euo pipefail

# The project's figures as one table, each beside its yardstick from the same run.
#
#   scripts/bench.sh [in-process] [processes] [test-cluster] [http] [idle] [build] [scaffold] [engine]
#   scripts/bench.sh --brokers [local] [nats-core] [nats-jetstream] [redis] [beanstalk] [amqp] [door]
#
# Without a choice, all of them. --brokers compares each broker's adapter with what one would write by hand on
# that broker, and the embedded broker's door for clients of beanstalkd with beanstalkd; it starts the servers that
# it needs itself. Exits with 1 if a target is missed.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
    -h | --help) sed -n '4,11s/^# \{0,1\}//p' scripts/bench.sh; exit 0 ;;
esac

chosen() {
    local part=$1; shift
    (($# == 0)) && return 0
    for choice in "$@"; do [[ "$choice" == "$part" ]] && return 0; done
    return 1
}

heading() {
    echo '| what | ours | yardstick | value | target | |'
    echo '|---|---|---|---|---|---|'
}

# What runs in production, without the default features: with one of them time could be paused, and clocks are slower by
# that.
figures=(--no-default-features --features "cluster conformance")

if [[ "${1:-}" == --brokers ]]; then
    shift
    adapters=() missed=0
    for part in "$@"; do [[ "$part" == door ]] || adapters+=("$part"); done
    heading
    if (($# == 0 || ${#adapters[@]} > 0)); then
        cargo bench --quiet -p skyloom-testing "${figures[@]}" --features brokers --bench brokers -- "${adapters[@]}" || missed=1
    fi
    if chosen door "$@"; then
        cargo bench --quiet -p skyloom-broker --bench beanstalk || missed=1
    fi
    exit "$missed"
fi

parts=()
for part in in-process processes http idle build scaffold; do
    if chosen "$part" "$@"; then parts+=("$part"); fi
done

missed=0
heading
if ((${#parts[@]} > 0)); then
    cargo bench --quiet -p skyloom-testing "${figures[@]}" --bench suite -- "${parts[@]}" || missed=1
fi
if chosen test-cluster "$@"; then
    # With what a user's tests have: the default features.
    cargo bench --quiet -p skyloom-testing --features conformance --bench test_cluster || missed=1
fi
if chosen engine "$@"; then
    cargo bench --quiet -p skyloom-broker --bench engine || missed=1
fi
exit "$missed"
