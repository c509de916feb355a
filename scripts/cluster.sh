#!/usr/bin/env bash
set -euo pipefail

# The example cluster: broker, gateway and four services, each a process of its own.
#
#   scripts/cluster.sh up [--port 8080] [--scale qr=3]... [--broker URL [--registry URL]] [--release]
#   scripts/cluster.sh status
#   scripts/cluster.sh logs [SERVICE]
#   scripts/cluster.sh down
#
# --broker nats://HOST, redis://HOST, amqp://USER:PASSWORD@HOST/%2f or beanstalk://HOST uses a broker that runs
# already instead of the embedded one. RabbitMQ and beanstalkd keep no registry: there the embedded broker does,
# unless --registry names NATS or Redis.
#
# State and logs are in .run. With CLUSTER_RUN=DIRECTORY they are there, and so is the broker's socket:
# a second cluster beside the first.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
run="${CLUSTER_RUN:-$root/.run}"
pid_file="$run/cluster.pid"

usage() { sed -n '4,16s/^# \{0,1\}//p' scripts/cluster.sh; }

say() { printf '%s\n' "$*"; }

stop() { printf 'scripts/cluster.sh: %s\n' "$*" >&2; exit 1; }

# Whether a process runs. One that has ended and that nobody has asked how, as in a container whose first process waits
# for none but its own, does not.
runs() {
    kill -0 "$1" 2> /dev/null && ! grep -qs '^State:[[:space:]]*[ZX]' "/proc/$1/status"
}

# The process id of the running cluster, or nothing.
running() {
    local pid
    [[ -f "$pid_file" ]] || return 1
    pid="$(cat "$pid_file")"
    runs "$pid" && printf '%s' "$pid"
}

binaries() { printf '%s/%s' "${CARGO_TARGET_DIR:-$root/target}" "$1"; }

build() {
    # The test suite has built the programs before.
    [[ -z "${CLUSTER_NO_BUILD:-}" ]] || return 0
    command -v cargo > /dev/null || stop "Rust is missing: install it from https://rustup.rs, then open a new shell"
    say "Building ..."
    cargo build --quiet --workspace --bins "$@"
}

# Where the running cluster's broker is, and its registry if it is elsewhere.
broker() { state broker; }
registry() { state registry; }
state() { sed -n 's/^  "'"$1"'": *"\([^"]*\)".*/\1/p' "$run/state.json" | head -n 1; }

# Waits for the processes of a cluster whose sky was killed: they notice that, and end.
await_orphans() {
    local pids pid
    [[ -f "$run/state.json" ]] || return 0
    pids="$(sed -n 's/^    .*"pid": *\([0-9]*\).*/\1/p' "$run/state.json")"
    for _ in $(seq 1200); do
        for pid in $pids; do
            if runs "$pid"; then
                sleep 0.05
                continue 2
            fi
        done
        return 0
    done
    stop "of a cluster that was killed, process $pid still runs after a minute; end it first"
}

# Waits until the cluster says that it is ready, or until it has ended.
await() {
    local pid=$1
    for _ in $(seq 600); do
        # The cluster's own lines, not those of a process, which are further to the right.
        if grep -qs '^  "pid": '"$pid"',' "$run/state.json" && grep -qs '^  "ready": true' "$run/state.json"; then
            return 0
        fi
        runs "$pid" || return 1
        sleep 0.05
    done
    return 1
}

up() {
    local port=8080 profile=debug flags=() scale=() url="" registry=""
    while (($# > 0)); do
        case "$1" in
            --port) port="${2:?scripts/cluster.sh: --port needs a number}"; shift 2 ;;
            --port=*) port="${1#*=}"; shift ;;
            --scale) scale+=(--scale "${2:?scripts/cluster.sh: --scale needs NAME=NUMBER}"); shift 2 ;;
            --scale=*) scale+=(--scale "${1#*=}"); shift ;;
            --broker) url="${2:?scripts/cluster.sh: --broker needs a URL}"; shift 2 ;;
            --broker=*) url="${1#*=}"; shift ;;
            --registry) registry="${2:?scripts/cluster.sh: --registry needs a URL}"; shift 2 ;;
            --registry=*) registry="${1#*=}"; shift ;;
            --release) profile=release; flags=(--release); shift ;;
            *) stop "unknown option '$1'; see scripts/cluster.sh --help" ;;
        esac
    done
    [[ "$port" =~ ^[0-9]{1,5}$ ]] && ((port >= 1 && port <= 65535)) || stop "--port $port is no port: give a number from 1 to 65535"
    local pid
    if pid="$(running)"; then
        stop "the cluster is running already (process $pid); stop it first with scripts/cluster.sh down"
    fi
    await_orphans
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
        stop "port $port is taken: stop what listens there, or choose another with --port"
    fi
    build "${flags[@]}"
    local bin
    bin="$(binaries "$profile")"
    mkdir -p "$run"
    ln -sfn "$bin" "$run/bin"
    # A cluster in a directory of its own has its embedded broker there, whatever that is for.
    if [[ -n "${CLUSTER_RUN:-}" ]]; then
        case "$url" in
            "") url="unix:$run/broker.sock" ;;
            amqp* | beanstalk*) registry="${registry:-unix:$run/broker.sock}" ;;
        esac
    fi
    local endpoints=()
    [[ -z "$url" ]] || endpoints+=(--broker "$url")
    [[ -z "$registry" ]] || endpoints+=(--registry "$registry")
    SKYLOOM_SETTINGS_BASE_URL="http://localhost:$port" nohup "$bin/sky" "${endpoints[@]}" up services/cluster.toml \
        --dir "$run" --port "$port" "${scale[@]}" > "$run/cluster.log" 2>&1 < /dev/null &
    pid=$!
    printf '%s\n' "$pid" > "$pid_file"
    if ! await "$pid"; then
        rm -f "$pid_file"
        printf '%s\n' "The cluster did not start. The end of its log, $run/cluster.log:" >&2
        tail -n 15 "$run/cluster.log" >&2
        kill "$pid" 2> /dev/null || true
        exit 1
    fi
    say "Ready. A first call, sky call greeter.v1.Greeter/Hello '{\"name\":\"Ada\"}':"
    sky call greeter.v1.Greeter/Hello '{"name":"Ada"}'
    cat << END

Try next:
  curl -s localhost:$port/v1/hello/Ada
  curl -s -d '{"url":"https://www.rust-lang.org/learn"}' localhost:$port/v1/links
  curl -si localhost:$port/l/CODE                      # with the code of the answer before
  curl -s localhost:$port/v1/links/CODE/qr -o qr.png
  curl -s -d '{"name":"Ada"}' localhost:$port/greeter.v1.Greeter/Hello

  export PATH="$bin:\$PATH" $(variables)
  sky call greeter.v1.Greeter/Hello '{"name":"Ada"}'
  sky services;  sky instances;  sky queues;  sky ping

  scripts/cluster.sh logs qr;  scripts/cluster.sh status;  scripts/cluster.sh down
END
}

# What tells a process where the running cluster's broker and registry are.
variables() {
    printf "SKYLOOM_BROKER='%s'" "$(broker)"
    [[ -z "$(registry)" ]] || printf " SKYLOOM_REGISTRY='%s'" "$(registry)"
}

# The command of the running cluster, on its broker.
sky() {
    local endpoints=(--broker "$(broker)") separate
    separate="$(registry)"
    [[ -z "$separate" ]] || endpoints+=(--registry "$separate")
    "$run/bin/sky" "${endpoints[@]}" "$@"
}

status() {
    local pid
    pid="$(running)" || stop "the cluster is not running; start it with scripts/cluster.sh up"
    say "The cluster is running (process $pid) on $(broker | sed 's#:[^:@/]*@#:***@#')."
    sky instances
    sky queues
}

logs() {
    [[ -d "$run/logs" ]] || stop "there are no logs in $run; start the cluster with scripts/cluster.sh up"
    if (($# == 0)); then
        cat "$run/cluster.log"
        return
    fi
    local files=("$run/logs/$1".log "$run/logs/$1".*.log) found=()
    for file in "${files[@]}"; do
        [[ -f "$file" ]] && found+=("$file")
    done
    ((${#found[@]} > 0)) || stop "there is no log of '$1'; there are: $(cd "$run/logs" && echo *)"
    cat "${found[@]}"
}

down() {
    local pid
    if ! pid="$(running)"; then
        await_orphans
        rm -f "$pid_file"
        say "The cluster is not running."
        return
    fi
    kill -TERM "$pid"
    for _ in $(seq 1200); do
        if ! runs "$pid"; then
            rm -f "$pid_file"
            say "Drained and stopped."
            return
        fi
        sleep 0.05
    done
    stop "process $pid has not ended within a minute; its log is $run/cluster.log"
}

command="${1:-}"
(($# == 0)) || shift
case "$command" in
    up) up "$@" ;;
    status) status ;;
    logs) logs "$@" ;;
    down) down ;;
    -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
esac
