//! A command's line.

use std::time::Duration;

use super::numbers::{after_spaces, leading_u32, signed, whole, whole_u32};
use crate::engine::{JobCommand, Peek, TubeName};

/// What is counted of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Put,
    Peek,
    PeekReady,
    PeekDelayed,
    PeekBuried,
    Reserve,
    ReserveWithTimeout,
    Delete,
    Release,
    Use,
    Watch,
    Ignore,
    Bury,
    Kick,
    Touch,
    Stats,
    StatsJob,
    StatsTube,
    ListTubes,
    ListTubeUsed,
    ListTubesWatched,
    PauseTube,
    /// `reserve-job` and `kick-job`, of which beanstalkd shows no count.
    Other,
}

/// The numbers of a `put`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PutLine {
    pub(super) priority: u32,
    pub(super) delay: u32,
    pub(super) ttr: u32,
    pub(super) size: u32,
    /// Nothing follows them.
    pub(super) clean: bool,
}

/// What a line says.
#[derive(Debug)]
pub(super) enum Said<M> {
    Put(PutLine),
    Command(Op, JobCommand<M>),
    Quit,
    /// A command that beanstalkd counts, with an argument that it refuses.
    Refused(Op),
    BadFormat,
    Unknown,
}

/// Reads a line without its end.
pub(super) fn read<M>(line: &[u8]) -> Said<M> {
    if line.contains(&0) {
        return Said::BadFormat;
    }
    // The order matters: a command is known by how its line begins.
    let known: [(&[u8], Parse<M>); 25] = [
        (b"put ", put),
        (b"peek ", |rest| job(Op::Peek, rest, |id| JobCommand::Peek(Peek::Job(id)))),
        (b"peek-ready", |rest| bare(rest, Op::PeekReady, JobCommand::Peek(Peek::Ready))),
        (b"peek-delayed", |rest| bare(rest, Op::PeekDelayed, JobCommand::Peek(Peek::Delayed))),
        (b"peek-buried", |rest| bare(rest, Op::PeekBuried, JobCommand::Peek(Peek::Buried))),
        (b"reserve-with-timeout ", reserve_with_timeout),
        (b"reserve-job ", |rest| job(Op::Other, rest, JobCommand::ReserveJob)),
        (b"reserve", |rest| bare(rest, Op::Reserve, JobCommand::Reserve(None))),
        (b"delete ", |rest| job(Op::Delete, rest, JobCommand::Delete)),
        (b"release ", release),
        (b"bury ", bury),
        (b"kick ", kick),
        (b"kick-job ", |rest| job(Op::Other, rest, JobCommand::KickJob)),
        (b"touch ", |rest| job(Op::Touch, rest, JobCommand::Touch)),
        (b"stats-job ", |rest| job(Op::StatsJob, rest, JobCommand::StatsJob)),
        (b"stats-tube ", |rest| tube(Op::StatsTube, rest, JobCommand::StatsTube)),
        (b"stats", |rest| bare(rest, Op::Stats, JobCommand::Stats)),
        (b"use ", |rest| tube(Op::Use, rest, JobCommand::Use)),
        (b"watch ", |rest| tube(Op::Watch, rest, JobCommand::Watch)),
        (b"ignore ", |rest| tube(Op::Ignore, rest, JobCommand::Ignore)),
        (b"list-tubes-watched", |rest| bare(rest, Op::ListTubesWatched, JobCommand::Watched)),
        (b"list-tube-used", |rest| bare(rest, Op::ListTubeUsed, JobCommand::Used)),
        (b"list-tubes", |rest| bare(rest, Op::ListTubes, JobCommand::Tubes)),
        (b"quit", |_| Some(Said::Quit)),
        (b"pause-tube", pause_tube),
    ];
    for (name, parse) in known {
        if let Some(rest) = line.strip_prefix(name) {
            return parse(rest).unwrap_or(Said::BadFormat);
        }
    }
    Said::Unknown
}

type Parse<M> = fn(&[u8]) -> Option<Said<M>>;

fn bare<M>(rest: &[u8], op: Op, command: JobCommand<M>) -> Option<Said<M>> {
    rest.is_empty().then_some(Said::Command(op, command))
}

fn job<M>(op: Op, rest: &[u8], command: fn(u64) -> JobCommand<M>) -> Option<Said<M>> {
    whole(rest).map(|id| Said::Command(op, command(id)))
}

fn tube<M>(op: Op, rest: &[u8], command: fn(TubeName) -> JobCommand<M>) -> Option<Said<M>> {
    TubeName::new(rest).map(|name| Said::Command(op, command(name)))
}

fn put<M>(rest: &[u8]) -> Option<Said<M>> {
    let (priority, rest) = leading_u32(rest)?;
    let (delay, rest) = leading_u32(rest)?;
    let (ttr, rest) = leading_u32(rest)?;
    let (size, rest) = leading_u32(rest)?;
    Some(Said::Put(PutLine { priority, delay, ttr, size, clean: rest.is_empty() }))
}

fn release<M>(rest: &[u8]) -> Option<Said<M>> {
    let (job, rest) = super::numbers::leading(rest, u64::MAX)?;
    let (priority, rest) = leading_u32(rest)?;
    let delay = whole_u32(rest)?;
    Some(Said::Command(Op::Release, JobCommand::Release { job, priority, delay }))
}

fn bury<M>(rest: &[u8]) -> Option<Said<M>> {
    let (job, rest) = super::numbers::leading(rest, u64::MAX)?;
    let priority = whole_u32(rest)?;
    Some(Said::Command(Op::Bury, JobCommand::Bury { job, priority }))
}

/// beanstalkd 1.12 reads a C `long` and keeps its lower 32 bits: no digits mean 0, and what is then
/// negative means to wait for ever.
fn reserve_with_timeout<M>(rest: &[u8]) -> Option<Said<M>> {
    let seconds = match signed(rest) {
        None => 0,
        Some((negative, digits)) => {
            let digits = i128::from(digits?);
            let value = if negative { -digits } else { digits };
            i64::try_from(value).ok()?
        }
    };
    let low = u32::try_from(seconds & i64::from(u32::MAX)).ok()?;
    let timeout = (low <= i32::MAX.unsigned_abs()).then(|| Duration::from_secs(low.into()));
    Some(Said::Command(Op::ReserveWithTimeout, JobCommand::Reserve(timeout)))
}

/// beanstalkd reads a C `unsigned long`, which wraps if it has a sign, and keeps its lower 32 bits.
fn kick<M>(rest: &[u8]) -> Option<Said<M>> {
    let (negative, digits) = signed(rest)?;
    let count = digits?;
    let count = if negative { count.wrapping_neg() } else { count };
    let low = u32::try_from(count & u64::from(u32::MAX)).ok()?;
    Some(Said::Command(Op::Kick, JobCommand::Kick(low)))
}

fn pause_tube<M>(rest: &[u8]) -> Option<Said<M>> {
    let rest = after_spaces(rest);
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-+/;.$_()".contains(byte)).count();
    let (name, rest) = rest.split_at_checked(length).filter(|(name, _)| !name.is_empty())?;
    let seconds = whole_u32(rest)?;
    let time = Duration::from_secs(seconds.into());
    Some(match TubeName::new(name) {
        Some(name) => Said::Command(Op::PauseTube, JobCommand::Pause(name, time)),
        None => Said::Refused(Op::PauseTube),
    })
}

#[cfg(test)]
mod tests {
    use super::{Said, read};

    fn shown(line: &str) -> String {
        match read::<()>(line.as_bytes()) {
            Said::Command(_, command) => format!("{command:?}"),
            said => format!("{said:?}"),
        }
    }

    #[test]
    fn a_command_is_known_by_how_its_line_begins() {
        for (line, said) in [
            ("reserve", "Reserve(None)"),
            ("reserve-with-timeout 2", "Reserve(Some(2s))"),
            ("reserve-with-timeout x", "Reserve(Some(0ns))"),
            ("reserve-with-timeout -1", "Reserve(None)"),
            ("reserve-with-timeout 4294967296", "Reserve(Some(0ns))"),
            ("kick -1", "Kick(4294967295)"),
            ("kick 5x", "Kick(5)"),
            ("quitting", "Quit"),
            ("pause-tube a 0", "Pause(TubeName(\"a\"), 0ns)"),
            ("pause-tubea 1", "Pause(TubeName(\"a\"), 1s)"),
            ("peek  7", "Peek(Job(7))"),
            ("release 1 2 3", "Release { job: 1, priority: 2, delay: 3 }"),
        ] {
            assert_eq!(shown(line), said, "{line}");
        }
    }

    #[test]
    fn what_is_not_right_is_bad_or_unknown() {
        for line in [
            "reserve 1",
            "statsx",
            "peek x",
            "peek-ready ",
            "put 1 2 3",
            "put -1 0 0 0",
            "delete 1 ",
            "release 1 2",
            "bury 1",
            "kick x",
            "use a b",
            "use -a",
            "use ",
            "list-tubes ",
            "pause-tube a",
            "peek 1\0",
            "touch ",
            "kick 99999999999999999999",
            "reserve-with-timeout 99999999999999999999",
        ] {
            assert_eq!(shown(line), "BadFormat", "{line}");
        }
        for line in ["", "put", "PUT 1 2 3 4", "peek", "delete", " reserve", "use", "kick-job"] {
            assert_eq!(shown(line), "Unknown", "{line}");
        }
        assert_eq!(shown("pause-tube -a 1"), "Refused(PauseTube)");
    }
}
