//! Reading an envelope without copying it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

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
        while !rest.is_empty() {
            let start = buffer.len() - rest.len();
            let key = wire::get_varint(&mut rest)?;
            match (key >> 3, key & 7) {
                (8, BYTES) => trace = utf8(wire::get_bytes(&mut rest)?, 8)?.parse::<TraceContext>().ok(),
                (9, BYTES) => state = Some(text(&buffer, wire::get_bytes(&mut rest)?, 9)?),
                (field @ (1 | 3 | 4 | 7 | 10..=13 | 15), BYTES) => {
                    envelope.read_bytes(field, &buffer, wire::get_bytes(&mut rest)?)?;
                }
                (field @ (2 | 5 | 6 | 14), VARINT) => envelope.read_number(field, wire::get_varint(&mut rest)?)?,
                (_, wire_type) => {
                    wire::skip(&mut rest, wire_type)?;
                    unknown.extend_from_slice(buffer.get(start..buffer.len() - rest.len()).unwrap_or_default());
                }
            }
        }
        let trace: Option<TraceContext> = trace;
        if trace.is_some() || !unknown.is_empty() {
            let extras = envelope.extras.with_trace(trace.map(|trace| trace.with_state(state)));
            envelope.extras = extras.with_unknown(unknown.freeze());
        }
        Ok(envelope)
    }

    fn read_bytes(&mut self, field: u64, whole: &Bytes, value: &[u8]) -> Result<()> {
        match field {
            1 => self.id = guid(value, field)?,
            3 => self.method = text(whole, value, field)?,
            4 => self.reply_to = Some(guid(value, field)?),
            7 => read_header(self.extras.headers_mut(), whole, value)?,
            10 => self.ledger = read_ledger(value)?,
            11 => {
                let principal = text(whole, value, field)?;
                self.extras = std::mem::take(&mut self.extras).with_principal(Some(principal));
            }
            12 => self.origin = Some(guid(value, field)?),
            13 => self.status = Some(read_status(value)?),
            _ => self.payload = whole.slice_ref(value),
        }
        Ok(())
    }

    fn read_number(&mut self, field: u64, number: u64) -> Result<()> {
        let invalid = DecodeEnvelopeError::Invalid(field);
        match field {
            2 => self.kind = Kind::from_number(number).ok_or(invalid)?,
            5 => self.budget = (number > 0).then(|| Duration::from_millis(number.min(u32::MAX.into()))),
            6 => self.codec = Codec::from_number(number).ok_or(invalid)?,
            _ => self.attempt = u32::try_from(number).map_err(|_| invalid)?,
        }
        Ok(())
    }
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
