//! Writing the broker's frames.

use bytes::{BufMut, BytesMut};

use super::{
    ServerFrame, WireError, WriteBody,
    admin::{put_answer, put_json},
    frame::put_frame,
    primitives::{put_duration, put_guid, put_lease, put_optional_duration, put_text},
    refusal::{put_error, put_result},
    server_frame::kind,
};

impl<B: WriteBody> ServerFrame<B> {
    /// Appends the frame with its length.
    ///
    /// # Errors
    /// [`WireError`] if it has more than 4 GiB or its JSON cannot be written; the buffer is then as
    /// before.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), WireError> {
        put_frame(out, self.kind(), |out| self.put_fields(out))
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Deliver { .. } => kind::DELIVER,
            Self::Reply { .. } => kind::REPLY,
            Self::Refused { .. } => kind::REFUSED,
            Self::Done { .. } => kind::DONE,
            Self::Admin { .. } => kind::ADMIN,
            Self::Registry(_) => kind::REGISTRY,
            Self::Pong => kind::PONG,
            Self::GoAway { .. } => kind::GO_AWAY,
            Self::Failed { .. } => kind::FAILED,
        }
    }

    fn put_fields(&self, out: &mut BytesMut) -> Result<(), WireError> {
        match self {
            Self::Deliver { consumer, lease, lease_time, attempt, time_to_live, waited, body } => {
                out.put_u32_le(consumer.0);
                put_lease(out, *lease);
                put_duration(out, *lease_time);
                out.put_u32_le(*attempt);
                put_optional_duration(out, *time_to_live);
                put_duration(out, *waited);
                body.write_body(out);
            }
            Self::Reply { inbox, body } => {
                put_guid(out, *inbox);
                body.write_body(out);
            }
            Self::Refused { inbox, call, error } => {
                put_guid(out, *inbox);
                put_guid(out, *call);
                put_error(out, error);
            }
            Self::Done { ticket, result } => {
                out.put_u32_le(ticket.0);
                put_result(out, result);
            }
            Self::Admin { ticket, answer } => {
                out.put_u32_le(ticket.0);
                put_answer(out, answer)?;
            }
            Self::Registry(change) => put_json(out, "registry", change)?,
            Self::Pong => {}
            Self::GoAway { reason } | Self::Failed { reason } => put_text(out, reason),
        }
        Ok(())
    }
}
