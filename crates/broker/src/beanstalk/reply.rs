//! What a client hears.

use std::io::Write as _;

use bytes::{BufMut, BytesMut};

use super::{figures::Figures, yaml};
use crate::{
    door::Encoded,
    engine::{JobAnswer, TubeName},
};

pub(super) const BAD_FORMAT: &[u8] = b"BAD_FORMAT\r\n";
pub(super) const UNKNOWN_COMMAND: &[u8] = b"UNKNOWN_COMMAND\r\n";
pub(super) const EXPECTED_CRLF: &[u8] = b"EXPECTED_CRLF\r\n";
pub(super) const JOB_TOO_BIG: &[u8] = b"JOB_TOO_BIG\r\n";
pub(super) const DRAINING: &[u8] = b"DRAINING\r\n";

/// Writes an answer.
pub(super) fn write(answer: JobAnswer<Encoded>, figures: &Figures, out: &mut BytesMut) {
    match answer {
        JobAnswer::Inserted(id) => number(b"INSERTED ", id, out),
        JobAnswer::Full => out.extend_from_slice(b"OUT_OF_MEMORY\r\n"),
        JobAnswer::TooBig => out.extend_from_slice(JOB_TOO_BIG),
        JobAnswer::Using(tube) => using(&tube, out),
        JobAnswer::Watching(count) => number(b"WATCHING ", count as u64, out),
        JobAnswer::NotIgnored => out.extend_from_slice(b"NOT_IGNORED\r\n"),
        JobAnswer::Reserved(id, body) => job(b"RESERVED ", id, body.bytes(), out),
        JobAnswer::Found(id, body) => job(b"FOUND ", id, body.bytes(), out),
        JobAnswer::DeadlineSoon => out.extend_from_slice(b"DEADLINE_SOON\r\n"),
        JobAnswer::TimedOut => out.extend_from_slice(b"TIMED_OUT\r\n"),
        JobAnswer::NotFound => out.extend_from_slice(b"NOT_FOUND\r\n"),
        JobAnswer::Deleted => out.extend_from_slice(b"DELETED\r\n"),
        JobAnswer::Released => out.extend_from_slice(b"RELEASED\r\n"),
        JobAnswer::Buried => out.extend_from_slice(b"BURIED\r\n"),
        JobAnswer::Touched => out.extend_from_slice(b"TOUCHED\r\n"),
        JobAnswer::Kicked(count) => number(b"KICKED ", count.into(), out),
        JobAnswer::KickedJob => out.extend_from_slice(b"KICKED\r\n"),
        JobAnswer::Paused => out.extend_from_slice(b"PAUSED\r\n"),
        JobAnswer::Job(stats) => data(&yaml::job(&stats), out),
        JobAnswer::Tube(stats) => data(&yaml::tube(&stats), out),
        JobAnswer::Totals(totals) => data(&yaml::broker(&totals, figures), out),
        JobAnswer::Tubes(names) => data(&yaml::tubes(&names), out),
    }
}

fn using(tube: &TubeName, out: &mut BytesMut) {
    out.extend_from_slice(b"USING ");
    out.extend_from_slice(tube.as_str().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn digits(number: u64, out: &mut BytesMut) {
    // Writing to a buffer that grows cannot fail.
    let _ = write!(out.writer(), "{number}");
}

fn number(word: &[u8], value: u64, out: &mut BytesMut) {
    out.extend_from_slice(word);
    digits(value, out);
    out.extend_from_slice(b"\r\n");
}

fn job(word: &[u8], id: u64, body: &[u8], out: &mut BytesMut) {
    out.reserve(word.len() + 48 + body.len());
    out.extend_from_slice(word);
    digits(id, out);
    out.extend_from_slice(b" ");
    number(b"", body.len() as u64, out);
    out.extend_from_slice(body);
    out.extend_from_slice(b"\r\n");
}

fn data(text: &str, out: &mut BytesMut) {
    number(b"OK ", text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}
