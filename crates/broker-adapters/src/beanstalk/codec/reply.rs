//! What the server answers.

use bytes::{Bytes, BytesMut};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Reply {
    Inserted(u64),
    /// To `put`, with the job's id, if there was no room for it among the ready ones; to `bury` and `release`.
    Buried(Option<u64>),
    Using,
    Reserved {
        id: u64,
        body: Bytes,
    },
    DeadlineSoon,
    TimedOut,
    Deleted,
    NotFound,
    Released,
    Touched,
    Watching,
    NotIgnored,
    Found {
        id: u64,
        body: Bytes,
    },
    Kicked,
    Paused,
    /// Statistics or a list.
    Ok(Bytes),
    ExpectedCrlf,
    JobTooBig,
    Draining,
    OutOfMemory,
    InternalError,
    BadFormat,
    UnknownCommand,
}

/// What no server of this protocol says: the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Garbage(pub(in super::super) Bytes);

/// The longest line of an answer: a word and two numbers, or the name of a tube.
const LINE: usize = 256;

/// How much of a strange answer is kept.
const SHOWN: usize = 64;

impl Reply {
    /// Takes the next answer out of what was received; `None` if it is not complete.
    ///
    /// # Errors
    /// [`Garbage`] if it is no answer. What follows cannot be understood either.
    pub(in super::super) fn decode(buffer: &mut BytesMut) -> Result<Option<Self>, Garbage> {
        let Some(end) = buffer.iter().take(LINE).position(|byte| *byte == b'\n') else {
            let hopeless = buffer.len() >= LINE || buffer.first().is_some_and(|byte| !byte.is_ascii_uppercase());
            return if hopeless { Err(garbage(buffer)) } else { Ok(None) };
        };
        let line = buffer.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or_else(|| garbage(buffer))?;
        let line = std::str::from_utf8(line).map_err(|_| garbage(buffer))?;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if !matches!(word, "RESERVED" | "FOUND" | "OK") {
            let reply = short(word, rest).ok_or_else(|| garbage(buffer))?;
            drop(buffer.split_to(end + 1));
            return Ok(Some(reply));
        }
        let numbers = if word == "OK" { Some(("0", rest)) } else { rest.split_once(' ') };
        let (id, length) = numbers.ok_or_else(|| garbage(buffer))?;
        let (Ok(id), Ok(length)) = (id.parse::<u64>(), length.parse::<u32>()) else { return Err(garbage(buffer)) };
        let length = length as usize;
        let kind = word.len();
        if buffer.len() < end + 1 + length + 2 {
            return Ok(None);
        }
        let shown = garbage(buffer);
        drop(buffer.split_to(end + 1));
        let body = buffer.split_to(length).freeze();
        if buffer.split_to(2).as_ref() != b"\r\n" {
            return Err(shown);
        }
        Ok(Some(match kind {
            2 => Self::Ok(body),
            5 => Self::Found { id, body },
            _ => Self::Reserved { id, body },
        }))
    }
}

fn garbage(buffer: &BytesMut) -> Garbage {
    Garbage(Bytes::copy_from_slice(buffer.get(..SHOWN).unwrap_or(buffer)))
}

fn short(word: &str, rest: &str) -> Option<Reply> {
    Some(match word {
        "INSERTED" => Reply::Inserted(rest.parse().ok()?),
        "BURIED" if rest.is_empty() => Reply::Buried(None),
        "BURIED" => Reply::Buried(Some(rest.parse().ok()?)),
        "USING" => Reply::Using,
        "DEADLINE_SOON" => Reply::DeadlineSoon,
        "TIMED_OUT" => Reply::TimedOut,
        "DELETED" => Reply::Deleted,
        "NOT_FOUND" => Reply::NotFound,
        "RELEASED" => Reply::Released,
        "TOUCHED" => Reply::Touched,
        "WATCHING" => Reply::Watching,
        "NOT_IGNORED" => Reply::NotIgnored,
        "KICKED" => Reply::Kicked,
        "PAUSED" => Reply::Paused,
        "EXPECTED_CRLF" => Reply::ExpectedCrlf,
        "JOB_TOO_BIG" => Reply::JobTooBig,
        "DRAINING" => Reply::Draining,
        "OUT_OF_MEMORY" => Reply::OutOfMemory,
        "INTERNAL_ERROR" => Reply::InternalError,
        "BAD_FORMAT" => Reply::BadFormat,
        "UNKNOWN_COMMAND" => Reply::UnknownCommand,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&[u8]]) -> Vec<Reply> {
        let (mut buffer, mut replies) = (BytesMut::new(), Vec::new());
        for part in parts {
            buffer.extend_from_slice(part);
            while let Some(reply) = Reply::decode(&mut buffer).unwrap() {
                replies.push(reply);
            }
        }
        assert!(buffer.is_empty(), "{buffer:?}");
        replies
    }

    fn all() -> (Vec<u8>, Vec<Reply>) {
        let bytes =
            b"INSERTED 7\r\nBURIED\r\nBURIED 9\r\nUSING a\r\nRESERVED 3 5\r\na\r\nb\0\r\nOK 2\r\nxy\r\nWATCHING 2\r\n\
            FOUND 1 0\r\n\r\nKICKED 4\r\nNOT_FOUND\r\n";
        let body = |text: &'static [u8]| Bytes::from_static(text);
        let replies = vec![
            Reply::Inserted(7),
            Reply::Buried(None),
            Reply::Buried(Some(9)),
            Reply::Using,
            Reply::Reserved { id: 3, body: body(b"a\r\nb\0") },
            Reply::Ok(body(b"xy")),
            Reply::Watching,
            Reply::Found { id: 1, body: body(b"") },
            Reply::Kicked,
            Reply::NotFound,
        ];
        (bytes.to_vec(), replies)
    }

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let (bytes, replies) = all();
        assert_eq!(read(&[&bytes]), replies);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), replies);
        for cut in 0..bytes.len() {
            let (before, after) = bytes.split_at(cut);
            assert_eq!(read(&[before, after]), replies, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_answer_is_found_out() {
        for bytes in [
            "HTTP/1.1 400 Bad Request\r\n",
            "-ERR unknown command\r\n",
            "INSERTED x\r\n",
            "RESERVED 1\r\n",
            "OK -1\r\n",
            "OK 1\r\nab\r\n",
            "DELETED\n",
            "\u{16}\u{3}",
        ] {
            let mut buffer = BytesMut::from(bytes);
            assert!(Reply::decode(&mut buffer).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn random_bytes_neither_panic_nor_stall() {
        let mut random = fastrand::Rng::with_seed(7);
        let (alphabet, _) = all();
        for _ in 0..20_000 {
            let length = random.usize(..400);
            let bytes: Vec<u8> = (0..length).map(|_| alphabet[random.usize(..alphabet.len())]).collect();
            let mut buffer = BytesMut::from(bytes.as_slice());
            while let Ok(Some(_)) = Reply::decode(&mut buffer) {
                assert!(buffer.len() < length, "an answer takes what it was read from");
            }
        }
    }
}
