#!/usr/bin/env bash
set -euo pipefail

# What must pass before a change is taken.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo fmt --all --check
cargo clippy --all-targets -- -D warnings
cargo test
