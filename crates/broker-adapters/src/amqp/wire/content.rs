//! A message's properties: what is carried beside the envelope.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    frame::WireError,
    read::{Reader, Value},
    write::{put_number, put_short, put_table_with, put_text},
};

/// What is said of a message beside its envelope. Only what is said is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::amqp) struct Marks {
    /// The server stores it, if its queue is stored.
    pub(in crate::amqp) persistent: bool,
    /// After how many milliseconds in a queue the server takes it out.
    pub(in crate::amqp) expiration: Option<u64>,
    /// When a call was sent, in milliseconds since 1970 by its sender's clock.
    pub(in crate::amqp) sent: Option<i64>,
    /// How often it was attempted.
    pub(in crate::amqp) attempts: u32,
    /// How many of the last of these in a row were lost with their workers.
    pub(in crate::amqp) losses: u32,
    /// How many milliseconds it is still to be held back.
    pub(in crate::amqp) delay: u64,
    /// Why its last attempt failed.
    pub(in crate::amqp) reason: Option<String>,
    /// A dead letter's number.
    pub(in crate::amqp) number: Option<i64>,
    /// When a dead letter died, in milliseconds since 1970.
    pub(in crate::amqp) died: Option<i64>,
    /// How often a quorum queue has delivered it before.
    pub(in crate::amqp) deliveries: u32,
    /// From which queue and why the server moved it first.
    pub(in crate::amqp) moved: Option<(Bytes, Bytes)>,
}

/// What a content header says.
#[derive(Debug)]
pub(in crate::amqp) struct Content {
    pub(in crate::amqp) size: u64,
    pub(in crate::amqp) marks: Marks,
}

const SENT: &str = "skyloom-sent";
const ATTEMPTS: &str = "skyloom-attempts";
const LOSSES: &str = "skyloom-losses";
const DELAY: &str = "skyloom-delay";
const REASON: &str = "skyloom-reason";
const NUMBER: &str = "skyloom-number";
const DIED: &str = "skyloom-died";

/// Bits of the properties' flags, and the class of messages.
const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const EXPIRATION: u16 = 1 << 8;
const BASIC: u16 = 60;

impl Marks {
    fn has_headers(&self) -> bool {
        self.sent.is_some() || self.attempts > 0 || self.delay > 0 || self.reason.is_some() || self.number.is_some()
    }

    /// Appends a content header's payload for a body of this size.
    pub(in crate::amqp) fn put(&self, out: &mut BytesMut, size: usize) {
        out.put_u16(BASIC);
        out.put_u16(0);
        out.put_u64(size as u64);
        let headers = if self.has_headers() { HEADERS } else { 0 };
        out.put_u16(DELIVERY_MODE | headers | if self.expiration.is_some() { EXPIRATION } else { 0 });
        if headers != 0 {
            put_table_with(out, |out| self.put_headers(out));
        }
        out.put_u8(if self.persistent { 2 } else { 1 });
        if let Some(expiration) = self.expiration {
            put_short(out, &expiration.to_string());
        }
    }

    fn put_headers(&self, out: &mut BytesMut) {
        let [attempts, losses] = [self.attempts, self.losses].map(|count| Some(i64::from(count)).filter(|n| *n > 0));
        let delay = i64::try_from(self.delay).ok().filter(|delay| *delay > 0);
        let numbers = [
            (SENT, self.sent),
            (ATTEMPTS, attempts),
            (LOSSES, losses),
            (DELAY, delay),
            (NUMBER, self.number),
            (DIED, self.died),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                put_number(out, name, number);
            }
        }
        if let Some(reason) = &self.reason {
            put_text(out, REASON, reason);
        }
    }

    fn note(&mut self, name: &[u8], value: Value) {
        match (name, value) {
            (b"skyloom-sent", Value::Number(number)) => self.sent = Some(number),
            (b"skyloom-attempts", Value::Number(number)) => self.attempts = u32::try_from(number).unwrap_or(0),
            (b"skyloom-losses", Value::Number(number)) => self.losses = u32::try_from(number).unwrap_or(0),
            (b"skyloom-delay", Value::Number(number)) => self.delay = u64::try_from(number).unwrap_or(0),
            (b"skyloom-number", Value::Number(number)) => self.number = Some(number),
            (b"skyloom-died", Value::Number(number)) => self.died = Some(number),
            (b"skyloom-reason", Value::Text(text)) => self.reason = Some(String::from_utf8_lossy(&text).into_owned()),
            (b"x-delivery-count", Value::Number(number)) => self.deliveries = u32::try_from(number).unwrap_or(0),
            (b"x-first-death-queue", Value::Text(queue)) => self.moved.get_or_insert_default().0 = queue,
            (b"x-first-death-reason", Value::Text(reason)) => self.moved.get_or_insert_default().1 = reason,
            _ => {}
        }
    }
}

impl Content {
    /// Reads a content header's payload.
    pub(in crate::amqp) fn read(payload: Bytes) -> Result<Self, WireError> {
        let mut reader = Reader(payload);
        reader.long()?;
        let size = reader.long_long()?;
        let flags = reader.short()?;
        let mut marks = Marks::default();
        for flag in [CONTENT_TYPE, CONTENT_ENCODING] {
            if flags & flag != 0 {
                reader.short_string()?;
            }
        }
        if flags & HEADERS != 0 {
            reader.table()?.into_iter().for_each(|(name, value)| marks.note(&name, value));
        }
        if flags & DELIVERY_MODE != 0 {
            marks.persistent = reader.octet()? == 2;
        }
        // What follows does not matter here.
        Ok(Self { size, marks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_survive_the_wire() {
        let marks = Marks {
            persistent: true,
            sent: Some(1_700_000_000_000),
            attempts: 3,
            losses: 2,
            delay: 250,
            reason: Some("the database is away".to_owned()),
            number: Some(9),
            died: Some(10),
            ..Marks::default()
        };
        for marks in [marks, Marks::default()] {
            let mut out = BytesMut::new();
            marks.put(&mut out, 77);
            let content = Content::read(out.freeze()).unwrap();
            assert_eq!((content.size, content.marks), (77, marks));
        }
    }

    #[test]
    fn a_header_that_is_cut_off_is_refused() {
        let mut out = BytesMut::new();
        Marks { reason: Some("x".repeat(99)), ..Marks::default() }.put(&mut out, 1);
        let whole = out.freeze();
        for end in 0..whole.len() - 1 {
            assert!(Content::read(whole.slice(..end)).is_err(), "{end}");
        }
    }
}
