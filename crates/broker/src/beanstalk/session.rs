//! One client's side of the conversation, without a socket.

use bytes::{Buf, BytesMut};

use super::{
    command::{self, Op, PutLine, Said},
    envelope,
    lines::{self, Line},
    reply,
};
use crate::{door::Encoded, engine::JobCommand};

/// What the client has said.
#[derive(Debug)]
pub(super) enum Event {
    /// The engine is to hear of it.
    Command(Op, JobCommand<Encoded>),
    /// A body is announced that is too large, or that will follow: it counts already.
    Announced,
    /// A job that was announced is not one, and is answered so.
    Wasted(&'static [u8]),
    /// It is answered at once.
    Answer(&'static [u8]),
    /// As [`Event::Answer`], but it counts as a command.
    Counted(Op, &'static [u8]),
    /// The client wants no more.
    Quit,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Line,
    /// The rest of a line that is too long.
    LongLine,
    Body(PutLine),
    /// So many bytes of a body that is too large.
    TooBig(u64),
}

/// Reads commands from what a client sends.
#[derive(Debug)]
pub(super) struct Session {
    reading: Reading,
    job_bytes: u32,
}

/// The end of a line and of a body.
const CRLF: &[u8] = b"\r\n";

impl Session {
    pub(super) const fn new(job_bytes: u32) -> Self {
        Self { reading: Reading::Line, job_bytes }
    }

    /// How many bytes make what is being read complete.
    pub(super) const fn needs(&self) -> usize {
        match self.reading {
            Reading::Body(put) => put.size as usize + CRLF.len(),
            _ => lines::LINE,
        }
    }

    /// The next thing that the client has said, if it is complete. While the broker is draining, no
    /// job is taken.
    pub(super) fn next(&mut self, buffer: &mut BytesMut, draining: bool) -> Option<Event> {
        loop {
            match self.reading {
                Reading::Line => match lines::first(buffer) {
                    Line::Part => return None,
                    Line::TooLong(length) => {
                        buffer.advance(length);
                        self.reading = Reading::LongLine;
                    }
                    Line::Whole(length) => {
                        let said = command::read(buffer.get(..length).unwrap_or_default());
                        buffer.advance(length + CRLF.len());
                        return Some(self.said(said));
                    }
                },
                Reading::LongLine => match lines::first(buffer) {
                    Line::Part => return None,
                    Line::TooLong(length) => buffer.advance(length),
                    Line::Whole(length) => {
                        buffer.advance(length + CRLF.len());
                        self.reading = Reading::Line;
                        return Some(Event::Answer(reply::BAD_FORMAT));
                    }
                },
                Reading::TooBig(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                    buffer.advance(here);
                    let left = left - here as u64;
                    self.reading = Reading::TooBig(left);
                    if left > 0 {
                        return None;
                    }
                    self.reading = Reading::Line;
                    return Some(Event::Answer(reply::JOB_TOO_BIG));
                }
                Reading::Body(put) => {
                    let size = put.size as usize;
                    if buffer.len() < size + CRLF.len() {
                        return None;
                    }
                    self.reading = Reading::Line;
                    let event = body(put, buffer, draining);
                    buffer.advance(size + CRLF.len());
                    return Some(event);
                }
            }
        }
    }

    fn said(&mut self, said: Said<Encoded>) -> Event {
        match said {
            Said::Command(op, command) => Event::Command(op, command),
            Said::Quit => Event::Quit,
            Said::Refused(op) => Event::Counted(op, reply::BAD_FORMAT),
            Said::BadFormat => Event::Answer(reply::BAD_FORMAT),
            Said::Unknown => Event::Answer(reply::UNKNOWN_COMMAND),
            Said::Put(put) if put.size > self.job_bytes => {
                self.reading = Reading::TooBig(u64::from(put.size) + CRLF.len() as u64);
                Event::Announced
            }
            Said::Put(put) if !put.clean => Event::Counted(Op::Put, reply::BAD_FORMAT),
            Said::Put(put) => {
                self.reading = Reading::Body(put);
                Event::Announced
            }
        }
    }

    /// Whether a body is awaited that will be taken: the client is a producer.
    pub(super) const fn produces(&self) -> bool {
        matches!(self.reading, Reading::Body(_))
    }
}

fn body(put: PutLine, buffer: &BytesMut, draining: bool) -> Event {
    let size = put.size as usize;
    let (body, end) = buffer.split_at_checked(size).unwrap_or_default();
    if !end.starts_with(CRLF) {
        Event::Wasted(reply::EXPECTED_CRLF)
    } else if draining {
        Event::Wasted(reply::DRAINING)
    } else {
        Event::Command(Op::Other, envelope::put(put, body))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{Event, Session};

    /// What is said when these bytes come, in pieces of this size.
    fn said(bytes: &[u8], piece: usize, draining: bool) -> Vec<String> {
        let (mut session, mut buffer) = (Session::new(100), BytesMut::new());
        let mut said = Vec::new();
        for piece in bytes.chunks(piece) {
            buffer.extend_from_slice(piece);
            while let Some(event) = session.next(&mut buffer, draining) {
                said.push(match event {
                    Event::Command(_, command) => {
                        format!("{command:?}").chars().take_while(|c| c.is_alphabetic()).collect()
                    }
                    Event::Announced => "announced".to_owned(),
                    Event::Answer(answer) | Event::Wasted(answer) => String::from_utf8_lossy(answer).trim().to_owned(),
                    Event::Counted(op, answer) => format!("{op:?} {}", String::from_utf8_lossy(answer).trim()),
                    Event::Quit => "quit".to_owned(),
                });
            }
        }
        said
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_come() {
        let mut text = b"put 0 0 0 3\r\nab\n\r\nput 0 0 0 3\r\nabcd\r\nwhat\r\nput 0 0 0 101\r\n".to_vec();
        text.extend([b'x'; 103]);
        text.extend([b'y'; 500]);
        text.extend(b"\r\nput 0 0 0 1 x\r\npause-tube -a 1\r\nstats\r\nquit\r\n");
        let expected = [
            "announced",
            "Put",
            "announced",
            "EXPECTED_CRLF",
            "UNKNOWN_COMMAND",
            "announced",
            "JOB_TOO_BIG",
            "BAD_FORMAT",
            "Put BAD_FORMAT",
            "PauseTube BAD_FORMAT",
            "Stats",
            "quit",
        ];
        for piece in [1, 7, 224, 10_000] {
            assert_eq!(said(&text, piece, false), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_draining_broker_reads_a_job_and_refuses_it() {
        assert_eq!(
            said(b"put 0 0 0 1\r\na\r\nput 0 0 0 1\r\nabc", 3, true),
            ["announced", "DRAINING", "announced", "EXPECTED_CRLF"]
        );
    }
}
