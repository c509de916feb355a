//! Figures as beanstalkd 1.12 writes them.

use std::{fmt::Write as _, fs, process, sync::atomic::Ordering::Relaxed};

use super::{command::Op, figures::Figures};
use crate::engine::{JobState, JobStats, JobTotals, TubeName, TubeStats};

/// What the figures begin with.
const START: &str = "---\n";

/// Writes `key: value` lines.
fn lines(pairs: &[(&str, &dyn std::fmt::Display)]) -> String {
    let mut text = START.to_owned();
    for (key, value) in pairs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key}: {value}");
    }
    text
}

/// A list of tubes.
pub(super) fn tubes(names: &[TubeName]) -> String {
    let mut text = START.to_owned();
    for name in names {
        text.push_str("- ");
        text.push_str(name.as_str());
        text.push('\n');
    }
    text
}

/// A job's figures.
pub(super) fn job(stats: &JobStats) -> String {
    let state = match stats.state {
        JobState::Ready => "ready",
        JobState::Delayed => "delayed",
        JobState::Reserved => "reserved",
        JobState::Buried => "buried",
    };
    lines(&[
        ("id", &stats.id),
        ("tube", &stats.tube),
        ("state", &state),
        ("pri", &stats.priority),
        ("age", &stats.age),
        ("delay", &stats.delay),
        ("ttr", &stats.ttr),
        ("time-left", &stats.left),
        ("file", &0),
        ("reserves", &stats.reserves),
        ("timeouts", &stats.timeouts),
        ("releases", &stats.releases),
        ("buries", &stats.buries),
        ("kicks", &stats.kicks),
    ])
}

/// A tube's figures.
pub(super) fn tube(stats: &TubeStats) -> String {
    lines(&[
        ("name", &stats.tube),
        ("current-jobs-urgent", &stats.urgent),
        ("current-jobs-ready", &stats.ready),
        ("current-jobs-reserved", &stats.reserved),
        ("current-jobs-delayed", &stats.delayed),
        ("current-jobs-buried", &stats.buried),
        ("total-jobs", &stats.total),
        ("current-using", &stats.using),
        ("current-watching", &stats.watching),
        ("current-waiting", &stats.waiting),
        ("cmd-delete", &stats.deletes),
        ("cmd-pause-tube", &stats.pauses),
        ("pause", &stats.pause),
        ("pause-time-left", &stats.pause_left),
    ])
}

/// The figures of the broker, as far as its beanstalkd door knows them.
pub(super) fn broker(totals: &JobTotals, figures: &Figures) -> String {
    let op = |op: Op| figures.counted(op);
    let (user, system) = processor_time();
    lines(&[
        ("current-jobs-urgent", &totals.urgent),
        ("current-jobs-ready", &totals.ready),
        ("current-jobs-reserved", &totals.reserved),
        ("current-jobs-delayed", &totals.delayed),
        ("current-jobs-buried", &totals.buried),
        ("cmd-put", &op(Op::Put)),
        ("cmd-peek", &op(Op::Peek)),
        ("cmd-peek-ready", &op(Op::PeekReady)),
        ("cmd-peek-delayed", &op(Op::PeekDelayed)),
        ("cmd-peek-buried", &op(Op::PeekBuried)),
        ("cmd-reserve", &op(Op::Reserve)),
        ("cmd-reserve-with-timeout", &op(Op::ReserveWithTimeout)),
        ("cmd-delete", &op(Op::Delete)),
        ("cmd-release", &op(Op::Release)),
        ("cmd-use", &op(Op::Use)),
        ("cmd-watch", &op(Op::Watch)),
        ("cmd-ignore", &op(Op::Ignore)),
        ("cmd-bury", &op(Op::Bury)),
        ("cmd-kick", &op(Op::Kick)),
        ("cmd-touch", &op(Op::Touch)),
        ("cmd-stats", &op(Op::Stats)),
        ("cmd-stats-job", &op(Op::StatsJob)),
        ("cmd-stats-tube", &op(Op::StatsTube)),
        ("cmd-list-tubes", &op(Op::ListTubes)),
        ("cmd-list-tube-used", &op(Op::ListTubeUsed)),
        ("cmd-list-tubes-watched", &op(Op::ListTubesWatched)),
        ("cmd-pause-tube", &op(Op::PauseTube)),
        ("job-timeouts", &totals.timeouts),
        ("total-jobs", &totals.total),
        ("max-job-size", &figures.job_bytes),
        ("current-tubes", &totals.tubes),
        ("current-connections", &figures.connections.load(Relaxed)),
        ("current-producers", &figures.producers.load(Relaxed)),
        ("current-workers", &figures.workers.load(Relaxed)),
        ("current-waiting", &totals.waiting),
        ("total-connections", &figures.connections_ever.load(Relaxed)),
        ("pid", &process::id()),
        // Of the beanstalkd whose commands these are: clients find out from it what they may say. It alone is in quotes.
        ("version", &"\"1.12\""),
        ("rusage-utime", &user),
        ("rusage-stime", &system),
        ("uptime", &figures.uptime()),
        // There is no binlog: a planned stop keeps what waits in a snapshot.
        ("binlog-oldest-index", &0),
        ("binlog-current-index", &0),
        ("binlog-records-migrated", &0),
        ("binlog-records-written", &0),
        ("binlog-max-size", &0),
        ("draining", &figures.draining.load(Relaxed)),
        ("id", &figures.id),
        ("hostname", &kernel("hostname")),
        ("os", &kernel("version")),
        ("platform", &std::env::consts::ARCH),
    ])
}

/// What the kernel says of itself, where it does.
fn kernel(what: &str) -> String {
    let said = fs::read_to_string(format!("/proc/sys/kernel/{what}")).unwrap_or_default();
    let said = said.trim();
    if said.is_empty() { "unknown".to_owned() } else { said.to_owned() }
}

/// The processor time of this process as user and as system, in seconds; zero where the kernel does
/// not say.
fn processor_time() -> (String, String) {
    /// A kernel's tick for user space on Linux (time(7)).
    const TICK_MICROS: u64 = 10_000;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The process's name may contain anything but ends with the last bracket.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks = |nth: usize| after.split(' ').nth(nth).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default();
    let text = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    (text(ticks(11) * TICK_MICROS), text(ticks(12) * TICK_MICROS))
}
