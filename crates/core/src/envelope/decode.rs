//! Reading an envelope without copying it.

use std::{ops::Range, time::Duration};

use bytes::{Buf, Bytes, BytesMut};

use super::{
    Codec, Envelope, Headers, Kind,
    wire::{self, BYTES, Malformed, VARINT},
};
use crate::{Code, Guid, Ledger, Outcome, Status, Text, TraceContext};

/// Bytes that are no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeEnvelopeError {
    /// The bytes are not protobuf, or end in the middle of a field.
    #[error("the envelope is not well-formed protobuf")]
    Malformed,
    /// A field's value is not what `envelope.proto` says.
    #[error("field {0} of the envelope is invalid")]
    Invalid(u64),
    /// It has more headers than a message may have.
    #[error("the envelope has more than {} headers", MAX_HEADERS)]
    TooManyHeaders,
}

/// As many as an HTTP request may have at the gateway, and some for the framework.
const MAX_HEADERS: usize = 128;

impl From<Malformed> for DecodeEnvelopeError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

type Result<T> = std::result::Result<T, DecodeEnvelopeError>;

impl Envelope {
    /// Reads an envelope. Payload, method and headers are views of `buffer`.
    ///
    /// # Errors
    /// [`DecodeEnvelopeError`] if the bytes are no envelope.
    pub fn decode(buffer: Bytes) -> Result<Self> {
        let mut rest: &[u8] = &buffer;
        let mut envelope = Self::default();
        let mut unknown = BytesMut::new();
        let (mut trace, mut state) = (None, None);
        let mut payload = 0..0;
        while !rest.is_empty() {
            let start = buffer.len() - rest.len();
            match wire::get_varint(&mut rest)? {
                key::ID => envelope.id = guid(wire::get_bytes(&mut rest)?, 1)?,
                key::KIND => envelope.kind = kind(wire::get_varint(&mut rest)?)?,
                key::METHOD => envelope.method = text(&buffer, wire::get_bytes(&mut rest)?, 3)?,
                key::REPLY_TO => envelope.reply_to = Some(guid(wire::get_bytes(&mut rest)?, 4)?),
                key::BUDGET => envelope.budget = budget(wire::get_varint(&mut rest)?),
                key::CODEC => envelope.codec = codec(wire::get_varint(&mut rest)?)?,
                key::HEADER => read_header(envelope.extras.headers_mut(), &buffer, wire::get_bytes(&mut rest)?)?,
                key::TRACE => trace = utf8(wire::get_bytes(&mut rest)?, 8)?.parse::<TraceContext>().ok(),
                key::STATE => state = Some(text(&buffer, wire::get_bytes(&mut rest)?, 9)?),
                key::LEDGER => envelope.ledger = read_ledger(wire::get_bytes(&mut rest)?)?,
                key::PRINCIPAL => {
                    let principal = text(&buffer, wire::get_bytes(&mut rest)?, 11)?;
                    envelope.extras.set_principal(Some(principal));
                }
                key::ORIGIN => envelope.origin = Some(guid(wire::get_bytes(&mut rest)?, 12)?),
                key::STATUS => envelope.status = Some(read_status(wire::get_bytes(&mut rest)?)?),
                key::ATTEMPT => envelope.attempt = attempt(wire::get_varint(&mut rest)?)?,
                key::PAYLOAD => {
                    let length = wire::get_bytes(&mut rest)?.len();
                    let end = buffer.len() - rest.len();
                    payload = end - length..end;
                }
                other => {
                    wire::skip(&mut rest, other & 7)?;
                    unknown.extend_from_slice(buffer.get(start..buffer.len() - rest.len()).unwrap_or_default());
                }
            }
        }
        if trace.is_some() {
            envelope.extras.set_trace(trace.map(|trace| trace.with_state(state)));
        }
        if !unknown.is_empty() {
            envelope.extras = envelope.extras.with_unknown(unknown.freeze());
        }
        envelope.payload = part(buffer, payload);
        Ok(envelope)
    }
}

/// What stands before each field of `envelope.proto`: its number and its type on the wire.
mod key {
    use super::{BYTES, VARINT};

    pub(super) const ID: u64 = 1 << 3 | BYTES;
    pub(super) const KIND: u64 = 2 << 3 | VARINT;
    pub(super) const METHOD: u64 = 3 << 3 | BYTES;
    pub(super) const REPLY_TO: u64 = 4 << 3 | BYTES;
    pub(super) const BUDGET: u64 = 5 << 3 | VARINT;
    pub(super) const CODEC: u64 = 6 << 3 | VARINT;
    pub(super) const HEADER: u64 = 7 << 3 | BYTES;
    pub(super) const TRACE: u64 = 8 << 3 | BYTES;
    pub(super) const STATE: u64 = 9 << 3 | BYTES;
    pub(super) const LEDGER: u64 = 10 << 3 | BYTES;
    pub(super) const PRINCIPAL: u64 = 11 << 3 | BYTES;
    pub(super) const ORIGIN: u64 = 12 << 3 | BYTES;
    pub(super) const STATUS: u64 = 13 << 3 | BYTES;
    pub(super) const ATTEMPT: u64 = 14 << 3 | VARINT;
    pub(super) const PAYLOAD: u64 = 15 << 3 | BYTES;
}

/// A part of a buffer that is not needed as a whole any more. An empty one keeps nothing of it.
fn part(mut buffer: Bytes, range: Range<usize>) -> Bytes {
    if range.is_empty() {
        return Bytes::new();
    }
    buffer.truncate(range.end);
    buffer.advance(range.start);
    buffer
}

fn kind(number: u64) -> Result<Kind> {
    Kind::from_number(number).ok_or(DecodeEnvelopeError::Invalid(2))
}

fn budget(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis.min(u32::MAX.into())))
}

fn codec(number: u64) -> Result<Codec> {
    Codec::from_number(number).ok_or(DecodeEnvelopeError::Invalid(6))
}

fn attempt(number: u64) -> Result<u32> {
    u32::try_from(number).map_err(|_| DecodeEnvelopeError::Invalid(14))
}

fn guid(value: &[u8], field: u64) -> Result<Guid> {
    Guid::from_slice(value).ok_or(DecodeEnvelopeError::Invalid(field))
}

fn utf8(value: &[u8], field: u64) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| DecodeEnvelopeError::Invalid(field))
}

/// Text as a view of the whole.
fn text(whole: &Bytes, value: &[u8], field: u64) -> Result<Text> {
    Text::from_utf8(whole.slice_ref(value)).map_err(|_| DecodeEnvelopeError::Invalid(field))
}

/// Calls `read` for each field of a nested message; `read` says whether it knew the field.
fn each_field<'a>(mut rest: &'a [u8], mut read: impl FnMut(u64, u64, &mut &'a [u8]) -> Result<bool>) -> Result<()> {
    while !rest.is_empty() {
        let key = wire::get_varint(&mut rest)?;
        if !read(key >> 3, key & 7, &mut rest)? {
            wire::skip(&mut rest, key & 7)?;
        }
    }
    Ok(())
}

fn read_header(headers: &mut Headers, whole: &Bytes, value: &[u8]) -> Result<()> {
    let (mut name, mut text_of) = (Text::default(), Text::default());
    each_field(value, |field, wire_type, rest| {
        match (field, wire_type) {
            (1, BYTES) => name = text(whole, wire::get_bytes(rest)?, 7)?,
            (2, BYTES) => text_of = text(whole, wire::get_bytes(rest)?, 7)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if headers.len() >= MAX_HEADERS {
        return Err(DecodeEnvelopeError::TooManyHeaders);
    }
    headers.push(name, text_of);
    Ok(())
}

fn read_ledger(value: &[u8]) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    each_field(value, |field, wire_type, rest| {
        let slot = match (field, wire_type) {
            (1, VARINT) => &mut ledger.sends,
            (2, VARINT) => &mut ledger.receives,
            (3, VARINT) => &mut ledger.settles,
            (4, VARINT) => &mut ledger.retries,
            _ => return Ok(false),
        };
        *slot = u32::try_from(wire::get_varint(rest)?).unwrap_or(u32::MAX);
        Ok(true)
    })?;
    Ok(ledger)
}

fn read_status(value: &[u8]) -> Result<Status> {
    let (mut code, mut message, mut details) = (Code::Ok, "", Vec::new());
    let (mut outcome, mut retry_safe, mut retry_after) = (Outcome::Known, false, 0);
    each_field(value, |field, wire_type, rest| {
        match (field, wire_type) {
            (1, VARINT) => code = Code::from_number(u32::try_from(wire::get_varint(rest)?).unwrap_or(u32::MAX)),
            (2, BYTES) => message = utf8(wire::get_bytes(rest)?, 13)?,
            (3, BYTES) => details.push(read_detail(wire::get_bytes(rest)?)?),
            (4, VARINT) => outcome = read_outcome(wire::get_varint(rest)?),
            (5, VARINT) => retry_safe = wire::get_varint(rest)? != 0,
            (6, VARINT) => retry_after = wire::get_varint(rest)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let mut status = Status::new(code, message).with_outcome(outcome).with_retry_safe(retry_safe);
    if retry_after > 0 {
        status = status.with_retry_after(Duration::from_millis(retry_after));
    }
    Ok(details.into_iter().fold(status, |status, (type_url, value)| status.with_detail(type_url, value)))
}

/// A value that this version does not know must not be taken for a known outcome.
const fn read_outcome(number: u64) -> Outcome {
    match number {
        0 => Outcome::Known,
        1 => Outcome::NotStarted,
        _ => Outcome::Unknown,
    }
}

fn read_detail(value: &[u8]) -> Result<(String, Bytes)> {
    let (mut type_url, mut detail) = (String::new(), Bytes::new());
    each_field(value, |field, wire_type, rest| {
        match (field, wire_type) {
            (1, BYTES) => type_url = utf8(wire::get_bytes(rest)?, 13)?.to_owned(),
            (2, BYTES) => detail = Bytes::copy_from_slice(wire::get_bytes(rest)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((type_url, detail))
}
