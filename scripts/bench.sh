#!/usr/bin/env bash
set -euo pipefail

# The project's figures as one table, each beside its yardstick from the same run.
#
#   scripts/bench.sh [in-process] [processes] [http] [idle] [build] [engine]
#
# Without a choice, all of them. Exits with 1 if a target is missed.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
    -h | --help) sed -n '4,8s/^# \{0,1\}//p' scripts/bench.sh; exit 0 ;;
esac

chosen() {
    local part=$1; shift
    (($# == 0)) && return 0
    for choice in "$@"; do [[ "$choice" == "$part" ]] && return 0; done
    return 1
}

parts=()
for part in in-process processes http idle build; do
    if chosen "$part" "$@"; then parts+=("$part"); fi
done

missed=0
echo '| what | ours | yardstick | value | target | |'
echo '|---|---|---|---|---|---|'
if ((${#parts[@]} > 0)); then
    cargo bench --quiet -p skyloom-testing --bench suite -- "${parts[@]}" || missed=1
fi
if chosen engine "$@"; then
    cargo bench --quiet -p skyloom-broker --bench engine || missed=1
fi
exit "$missed"
