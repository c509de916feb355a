//! Reading the broker's frames.

use bytes::Bytes;

use super::{
    ServerFrame, WireError,
    admin::{read_answer, read_json},
    primitives::Reader,
    refusal::{read_error, read_result},
    server_frame::kind,
};
use crate::engine::{ConsumerId, Ticket};

impl ServerFrame<Bytes> {
    /// Reads a frame without its length. Envelopes are views of it.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are no frame.
    pub fn decode(frame: &Bytes) -> Result<Self, WireError> {
        let (kind, rest) = frame.split_first().ok_or(WireError::Empty)?;
        let mut reader = Reader::new(name_of(*kind)?, rest);
        let decoded = read(*kind, &mut reader, |bytes| frame.slice_ref(bytes))?;
        reader.finish()?;
        Ok(decoded)
    }
}

const fn name_of(kind: u8) -> Result<&'static str, WireError> {
    Ok(match kind {
        kind::DELIVER => "deliver",
        kind::REPLY => "reply",
        kind::REFUSED => "refused",
        kind::DONE => "done",
        kind::ADMIN => "admin",
        kind::REGISTRY => "registry",
        kind::PONG => "pong",
        kind::GO_AWAY => "go-away",
        kind::FAILED => "failed",
        _ => return Err(WireError::UnknownType(kind)),
    })
}

fn read<'a, B>(kind: u8, reader: &mut Reader<'a>, body: impl Fn(&'a [u8]) -> B) -> Result<ServerFrame<B>, WireError> {
    Ok(match kind {
        kind::DELIVER => ServerFrame::Deliver {
            consumer: ConsumerId(reader.u32()?),
            lease: reader.lease()?,
            lease_time: reader.duration()?,
            attempt: reader.u32()?,
            time_to_live: reader.optional_duration()?,
            waited: reader.duration()?,
            body: body(reader.rest()),
        },
        kind::REPLY => ServerFrame::Reply { inbox: reader.guid()?, body: body(reader.rest()) },
        kind::REFUSED => {
            ServerFrame::Refused { inbox: reader.guid()?, call: reader.guid()?, error: read_error(reader)? }
        }
        kind::DONE => ServerFrame::Done { ticket: Ticket(reader.u32()?), result: read_result(reader)? },
        kind::ADMIN => ServerFrame::Admin { ticket: Ticket(reader.u32()?), answer: read_answer(reader, body)? },
        kind::REGISTRY => ServerFrame::Registry(read_json(reader)?),
        kind::PONG => ServerFrame::Pong,
        kind::GO_AWAY => ServerFrame::GoAway { reason: reader.text("the reason")? },
        kind::FAILED => ServerFrame::Failed { reason: reader.text("the reason")? },
        _ => return Err(WireError::UnknownType(kind)),
    })
}
