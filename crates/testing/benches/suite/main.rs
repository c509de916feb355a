//! The project's numbers: each figure beside its yardstick, measured in one run, in turns, as the
//! median of the rounds' ratios. `scripts/bench.sh` runs it.

#[path = "../common/mod.rs"]
mod common;
mod build_time;
mod scaffold;
mod in_process;
mod load;
mod echo;
mod http;
mod idle;
mod processes;
mod role;

use std::process::ExitCode;

use skyloom_testing::figures::Row;

/// A part of the table: its name, and how its rows are measured.
type Part = (&'static str, fn() -> Vec<Row>);

fn main() -> ExitCode {
    if let Some(code) = role::play() {
        return code;
    }
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let parts: [Part; 6] = [
        ("in-process", in_process::rows),
        ("processes", processes::rows),
        ("http", http::rows),
        ("idle", idle::rows),
        ("build", build_time::rows),
        ("scaffold", scaffold::rows),
    ];
    let mut ok = true;
    for (name, rows) in parts {
        if chosen.is_empty() || chosen.iter().any(|choice| choice == name) {
            for row in rows() {
                ok &= row.is_met();
                row.print();
            }
        }
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
