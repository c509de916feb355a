//! What a client says.

use std::{fmt, time::Duration};

use bytes::{BufMut as _, BytesMut};

/// A command. A name of a tube is one that [`Names`](super::super::names::Names) made, so that it cannot break
/// out of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Command<'a> {
    /// Puts a job into the tube that is used.
    Put { priority: u32, delay: u32, ttr: u32, body: &'a [u8] },
    /// Uses a tube for what is put.
    Use(&'a str),
    /// Takes jobs from a tube, too.
    Watch(&'a str),
    /// No longer takes jobs from a tube.
    Ignore(&'a str),
    /// Takes a job, waiting for at most so many seconds.
    Reserve { seconds: u32 },
    /// Takes this job, wherever it is.
    ReserveJob(u64),
    /// Deletes a job.
    Delete(u64),
    /// Gives a job back.
    Release { id: u64, priority: u32, delay: u32 },
    /// Puts a job aside.
    Bury { id: u64, priority: u32 },
    /// Starts a job's time anew.
    Touch(u64),
    /// Takes a job up again that was put aside.
    KickJob(u64),
    /// Shows the next job of the tube that is used.
    PeekReady,
    /// Asks about a job.
    StatsJob(u64),
    /// Asks about a tube.
    StatsTube(&'a str),
    /// Asks about the server.
    Stats,
    /// Asks for the names of all tubes.
    ListTubes,
    /// Asks which tube is used; as good as any as a sign of life.
    ListTubeUsed,
    /// Holds back the jobs of a tube for so many seconds.
    PauseTube { tube: &'a str, seconds: u32 },
}

impl Command<'_> {
    /// Appends it to what is to be sent.
    pub(in super::super) fn encode(&self, out: &mut BytesMut) {
        if let Self::Put { priority, delay, ttr, body } = self {
            line(out, format_args!("put {priority} {delay} {ttr} {}", body.len()));
            out.put_slice(body);
            out.put_slice(b"\r\n");
            return;
        }
        match self {
            Self::Put { .. } => {}
            Self::Use(tube) => line(out, format_args!("use {tube}")),
            Self::Watch(tube) => line(out, format_args!("watch {tube}")),
            Self::Ignore(tube) => line(out, format_args!("ignore {tube}")),
            Self::Reserve { seconds } => line(out, format_args!("reserve-with-timeout {seconds}")),
            Self::ReserveJob(id) => line(out, format_args!("reserve-job {id}")),
            Self::Delete(id) => line(out, format_args!("delete {id}")),
            Self::Release { id, priority, delay } => line(out, format_args!("release {id} {priority} {delay}")),
            Self::Bury { id, priority } => line(out, format_args!("bury {id} {priority}")),
            Self::Touch(id) => line(out, format_args!("touch {id}")),
            Self::KickJob(id) => line(out, format_args!("kick-job {id}")),
            Self::PeekReady => line(out, format_args!("peek-ready")),
            Self::StatsJob(id) => line(out, format_args!("stats-job {id}")),
            Self::StatsTube(tube) => line(out, format_args!("stats-tube {tube}")),
            Self::Stats => line(out, format_args!("stats")),
            Self::ListTubes => line(out, format_args!("list-tubes")),
            Self::ListTubeUsed => line(out, format_args!("list-tube-used")),
            Self::PauseTube { tube, seconds } => line(out, format_args!("pause-tube {tube} {seconds}")),
        }
    }
}

fn line(out: &mut BytesMut, text: fmt::Arguments<'_>) {
    // Writing into a buffer that grows cannot fail.
    let _ = fmt::Write::write_fmt(out, text);
    out.put_slice(b"\r\n");
}

/// A time in the whole seconds that the protocol has, rounded up.
pub(in super::super) fn whole_seconds(time: Duration) -> u32 {
    let up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    u32::try_from(up).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(command: Command<'_>) -> String {
        let mut out = BytesMut::new();
        command.encode(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn commands_are_lines_and_a_body_follows_its_line() {
        let put = Command::Put { priority: 1, delay: 2, ttr: 3, body: b"ab\r\nc" };
        assert_eq!(sent(put), "put 1 2 3 5\r\nab\r\nc\r\n");
        assert_eq!(sent(Command::Reserve { seconds: 0 }), "reserve-with-timeout 0\r\n");
        assert_eq!(sent(Command::Release { id: 7, priority: 8, delay: 9 }), "release 7 8 9\r\n");
        assert_eq!(sent(Command::PauseTube { tube: "a", seconds: 1 }), "pause-tube a 1\r\n");
    }

    #[test]
    fn times_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::MAX), u32::MAX);
    }
}
