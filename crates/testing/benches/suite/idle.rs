//! What an idle service process occupies.

use std::{fs, time::Duration};

use skyloom_testing::figures::{Process, Row, Target};

/// Resident memory of a process in MiB, as Linux tells it.
fn resident(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the resident set");
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kib / 1024.0
}

pub(crate) fn rows() -> Vec<Row> {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = format!("unix:{}", directory.path().join("broker.sock").display());
    let _broker = Process::start("broker", &[&socket]);
    let worker = Process::start("worker", &[&socket]);
    std::thread::sleep(Duration::from_secs(1));
    let value = resident(worker.id());
    let what = "idle resident memory of a service process".to_owned();
    let ours = format!("{value:.1} MiB");
    vec![Row { what, ours, yardstick: "-".to_owned(), value, target: Target::AtMost(12.0, "MiB") }]
}
