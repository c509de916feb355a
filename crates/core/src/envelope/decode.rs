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
    pub fn decode(mut buffer: Bytes) -> Result<Self> {
        let whole = buffer.clone();
        let mut envelope = Self::default();
        let mut unknown = BytesMut::new();
        let (mut trace, mut state) = (None, None);
        while !buffer.is_empty() {
            let start = whole.len() - buffer.len();
            let key = wire::get_varint(&mut buffer)?;
            match (key >> 3, key & 7) {
                (8, BYTES) => trace = text(&mut buffer, 8)?.parse::<TraceContext>().ok(),
                (9, BYTES) => state = Some(text(&mut buffer, 9)?),
                (field @ (1 | 3 | 4 | 7 | 10..=13 | 15), BYTES) => {
                    envelope.read_bytes(field, &mut buffer)?;
                }
                (field @ (2 | 5 | 6 | 14), VARINT) => envelope.read_number(field, wire::get_varint(&mut buffer)?)?,
                (_, wire_type) => {
                    wire::skip(&mut buffer, wire_type)?;
                    unknown.extend_from_slice(whole.get(start..whole.len() - buffer.len()).unwrap_or_default());
                }
            }
        }
        let trace: Option<TraceContext> = trace;
        let extras = envelope.extras.with_trace(trace.map(|trace| trace.with_state(state)));
        envelope.extras = extras.with_unknown(unknown.freeze());
        Ok(envelope)
    }

    fn read_bytes(&mut self, field: u64, buffer: &mut Bytes) -> Result<()> {
        match field {
            1 => self.id = guid(buffer, field)?,
            3 => self.method = text(buffer, field)?,
            4 => self.reply_to = Some(guid(buffer, field)?),
            7 => read_header(self.extras.headers_mut(), wire::get_bytes(buffer)?)?,
            10 => self.ledger = read_ledger(wire::get_bytes(buffer)?)?,
            11 => {
                let principal = text(buffer, field)?;
                self.extras = std::mem::take(&mut self.extras).with_principal(Some(principal));
            }
            12 => self.origin = Some(guid(buffer, field)?),
            13 => self.status = Some(read_status(wire::get_bytes(buffer)?)?),
            _ => self.payload = wire::get_bytes(buffer)?,
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

fn guid(buffer: &mut Bytes, field: u64) -> Result<Guid> {
    wire::read_bytes(buffer, Guid::from_slice)?.ok_or(DecodeEnvelopeError::Invalid(field))
}

fn text(buffer: &mut Bytes, field: u64) -> Result<Text> {
    Text::from_utf8(wire::get_bytes(buffer)?).map_err(|_| DecodeEnvelopeError::Invalid(field))
}

/// Calls `read` for each field of a nested message; `read` says whether it knew the field.
fn each_field(mut buffer: Bytes, mut read: impl FnMut(u64, u64, &mut Bytes) -> Result<bool>) -> Result<()> {
    while !buffer.is_empty() {
        let key = wire::get_varint(&mut buffer)?;
        if !read(key >> 3, key & 7, &mut buffer)? {
            wire::skip(&mut buffer, key & 7)?;
        }
    }
    Ok(())
}

fn read_header(headers: &mut Headers, buffer: Bytes) -> Result<()> {
    let (mut name, mut value) = (Text::default(), Text::default());
    each_field(buffer, |field, wire_type, rest| {
        match (field, wire_type) {
            (1, BYTES) => name = text(rest, 7)?,
            (2, BYTES) => value = text(rest, 7)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if headers.len() >= MAX_HEADERS {
        return Err(DecodeEnvelopeError::TooManyHeaders);
    }
    headers.push(name, value);
    Ok(())
}

fn read_ledger(buffer: Bytes) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    each_field(buffer, |field, wire_type, rest| {
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

fn read_status(buffer: Bytes) -> Result<Status> {
    let (mut code, mut message, mut details) = (Code::Ok, Text::default(), Vec::new());
    let (mut outcome, mut retry_safe, mut retry_after) = (Outcome::Known, false, 0);
    each_field(buffer, |field, wire_type, rest| {
        match (field, wire_type) {
            (1, VARINT) => code = Code::from_number(u32::try_from(wire::get_varint(rest)?).unwrap_or(u32::MAX)),
            (2, BYTES) => message = text(rest, 13)?,
            (3, BYTES) => details.push(read_detail(wire::get_bytes(rest)?)?),
            (4, VARINT) => outcome = read_outcome(wire::get_varint(rest)?),
            (5, VARINT) => retry_safe = wire::get_varint(rest)? != 0,
            (6, VARINT) => retry_after = wire::get_varint(rest)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let mut status = Status::new(code, message.as_str()).with_outcome(outcome).with_retry_safe(retry_safe);
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

fn read_detail(buffer: Bytes) -> Result<(String, Bytes)> {
    let (mut type_url, mut value) = (String::new(), Bytes::new());
    each_field(buffer, |field, wire_type, rest| {
        match (field, wire_type) {
            (1, BYTES) => type_url = text(rest, 13)?.as_str().to_owned(),
            (2, BYTES) => value = wire::get_bytes(rest)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((type_url, value))
}
