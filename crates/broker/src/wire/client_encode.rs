//! Writing a client's frames.

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use skyloom_core::{broker::ConsumeOptions, contract::Contract, registry::Instance};

use super::{
    ClientFrame, WireError, WriteBody,
    admin::{put_command, put_json},
    client_frame::{how, kind},
    frame::put_frame,
    names::{put_channel, put_name},
    primitives::{put_duration, put_guid, put_lease, put_optional_duration, put_text},
};
use crate::engine::{Message, Settle, Ticket};

impl<B: WriteBody> ClientFrame<B> {
    /// Appends the frame with its length.
    ///
    /// # Errors
    /// [`WireError`] if it has more than 4 GiB or its JSON cannot be written; the buffer is then as
    /// before. Whether it is within the broker's limit is the caller's business.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), WireError> {
        put_frame(out, self.kind(), |out| self.put_fields(out))
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Enqueue { .. } => kind::ENQUEUE,
            Self::Publish { .. } => kind::PUBLISH,
            Self::Consume { .. } => kind::CONSUME,
            Self::Stop { .. } => kind::STOP,
            Self::Unsubscribe { .. } => kind::UNSUBSCRIBE,
            Self::OpenInbox { .. } => kind::OPEN_INBOX,
            Self::CloseInbox { .. } => kind::CLOSE_INBOX,
            Self::Settle { .. } => kind::SETTLE,
            Self::Partial { .. } => kind::PARTIAL,
            Self::Extend { .. } => kind::EXTEND,
            Self::Once { .. } => kind::ONCE,
            Self::Register { .. } => kind::REGISTER,
            Self::Deregister { .. } => kind::DEREGISTER,
            Self::Watch => kind::WATCH,
            Self::Admin { .. } => kind::ADMIN,
            Self::Ping => kind::PING,
            Self::Bye => kind::BYE,
        }
    }

    /// The ticket comes first in every frame that has one.
    const fn ticket(&self) -> Option<Ticket> {
        match self {
            Self::Enqueue { ticket, .. }
            | Self::Publish { ticket, .. }
            | Self::Consume { ticket, .. }
            | Self::Stop { ticket, .. }
            | Self::Unsubscribe { ticket, .. }
            | Self::OpenInbox { ticket, .. }
            | Self::Settle { ticket, .. }
            | Self::Partial { ticket, .. }
            | Self::Extend { ticket, .. }
            | Self::Once { ticket, .. }
            | Self::Register { ticket, .. }
            | Self::Deregister { ticket, .. }
            | Self::Admin { ticket, .. } => Some(*ticket),
            Self::CloseInbox { .. } | Self::Watch | Self::Ping | Self::Bye => None,
        }
    }

    fn put_fields(&self, out: &mut BytesMut) -> Result<(), WireError> {
        if let Some(ticket) = self.ticket() {
            out.put_u32_le(ticket.0);
        }
        match self {
            Self::Enqueue { channel, message, .. } => put_message(out, message, |out| put_channel(out, channel)),
            Self::Publish { topic, message, .. } => put_message(out, message, |out| put_name(out, topic.as_str())),
            Self::Consume { consumer, channel, options, .. } => {
                out.put_u32_le(consumer.0);
                put_options(out, *options);
                put_channel(out, channel);
            }
            Self::Stop { consumer, .. } => out.put_u32_le(consumer.0),
            Self::Unsubscribe { topic, group, .. } => {
                put_name(out, topic.as_str());
                put_name(out, group.as_str());
            }
            Self::OpenInbox { inbox: guid, .. }
            | Self::CloseInbox { inbox: guid }
            | Self::Deregister { instance: guid, .. } => put_guid(out, *guid),
            Self::Settle { lease, settle, .. } => {
                put_lease(out, *lease);
                put_settle(out, settle);
            }
            Self::Partial { lease, body, .. } => {
                put_lease(out, *lease);
                body.write_body(out);
            }
            Self::Extend { lease, .. } | Self::Once { lease, .. } => put_lease(out, *lease),
            Self::Register { instance, contracts, .. } => {
                put_json(out, "register", &Registration { instance, contracts })?;
            }
            Self::Admin { command, .. } => put_command(out, command),
            Self::Watch | Self::Ping | Self::Bye => {}
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Registration<'a> {
    instance: &'a Instance,
    contracts: &'a [Contract],
}

fn put_message<B: WriteBody>(out: &mut BytesMut, message: &Message<B>, put_target: impl FnOnce(&mut BytesMut)) {
    put_guid(out, message.id);
    put_guid(out, message.reply_to.unwrap_or_default());
    out.put_u32_le(message.priority);
    put_duration(out, message.delay);
    put_optional_duration(out, message.time_to_live);
    put_target(out);
    message.body.write_body(out);
}

fn put_options(out: &mut BytesMut, options: ConsumeOptions) {
    out.put_u32_le(options.credit);
    put_duration(out, options.lease);
    out.put_u32_le(options.max_attempts);
    out.put_u8(options.ephemeral.into());
}

fn put_settle<B: WriteBody>(out: &mut BytesMut, settle: &Settle<B>) {
    match settle {
        Settle::Reply(body) => {
            out.put_u8(how::REPLY);
            body.write_body(out);
        }
        Settle::Done => out.put_u8(how::DONE),
        Settle::Retry { delay, reason } => {
            out.put_u8(how::RETRY);
            put_duration(out, *delay);
            put_text(out, reason);
        }
        Settle::Release => out.put_u8(how::RELEASE),
        Settle::Bury { reason } => {
            out.put_u8(how::BURY);
            put_text(out, reason);
        }
    }
}
