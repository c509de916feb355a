//! Reading a client's frames.

use serde::Deserialize;
use skyloom_core::{broker::ConsumeOptions, contract::Contract, registry::Instance};

use super::{
    ClientFrame, Names, WireError,
    admin::{read_command, read_json},
    client_frame::{how, kind},
    names::{group, topic},
    primitives::Reader,
};
use crate::engine::{ConsumerId, Message, Settle, Ticket};

impl<B> ClientFrame<B> {
    /// Reads a frame without its length. `body` makes an envelope of its bytes: the broker copies
    /// them, for a small message that waits must not keep a whole read buffer alive.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are no frame.
    pub fn decode<'a>(frame: &'a [u8], names: &mut Names, body: impl FnOnce(&'a [u8]) -> B) -> Result<Self, WireError> {
        let (kind, rest) = frame.split_first().ok_or(WireError::Empty)?;
        let mut reader = Reader::new(name_of(*kind)?, rest);
        let frame = read(*kind, &mut reader, names, body)?;
        reader.finish()?;
        Ok(frame)
    }
}

const fn name_of(kind: u8) -> Result<&'static str, WireError> {
    Ok(match kind {
        kind::ENQUEUE => "enqueue",
        kind::PUBLISH => "publish",
        kind::CONSUME => "consume",
        kind::STOP => "stop",
        kind::UNSUBSCRIBE => "unsubscribe",
        kind::OPEN_INBOX => "open-inbox",
        kind::CLOSE_INBOX => "close-inbox",
        kind::SETTLE => "settle",
        kind::PARTIAL => "partial",
        kind::EXTEND => "extend",
        kind::ONCE => "once",
        kind::REGISTER => "register",
        kind::DEREGISTER => "deregister",
        kind::WATCH => "watch",
        kind::ADMIN => "admin",
        kind::PING => "ping",
        kind::BYE => "bye",
        _ => return Err(WireError::UnknownType(kind)),
    })
}

fn read<'a, B>(
    kind: u8,
    reader: &mut Reader<'a>,
    names: &mut Names,
    body: impl FnOnce(&'a [u8]) -> B,
) -> Result<ClientFrame<B>, WireError> {
    match kind {
        kind::CLOSE_INBOX => return Ok(ClientFrame::CloseInbox { inbox: reader.guid()? }),
        kind::WATCH => return Ok(ClientFrame::Watch),
        kind::PING => return Ok(ClientFrame::Ping),
        kind::BYE => return Ok(ClientFrame::Bye),
        _ => {}
    }
    let ticket = Ticket(reader.u32()?);
    Ok(match kind {
        kind::ENQUEUE => {
            let (message, channel) = read_message(reader, |reader| names.channel(reader), body)?;
            ClientFrame::Enqueue { ticket, channel, message }
        }
        kind::PUBLISH => {
            let (message, topic) = read_message(reader, topic, body)?;
            ClientFrame::Publish { ticket, topic, message }
        }
        kind::CONSUME => {
            let consumer = ConsumerId(reader.u32()?);
            let options = read_options(reader)?;
            ClientFrame::Consume { ticket, consumer, options, channel: names.channel(reader)? }
        }
        kind::STOP => ClientFrame::Stop { ticket, consumer: ConsumerId(reader.u32()?) },
        kind::UNSUBSCRIBE => ClientFrame::Unsubscribe { ticket, topic: topic(reader)?, group: group(reader)? },
        kind::OPEN_INBOX => ClientFrame::OpenInbox { ticket, inbox: reader.guid()? },
        kind::SETTLE => ClientFrame::Settle { ticket, lease: reader.lease()?, settle: read_settle(reader, body)? },
        kind::PARTIAL => ClientFrame::Partial { ticket, lease: reader.lease()?, body: body(reader.rest()) },
        kind::EXTEND => ClientFrame::Extend { ticket, lease: reader.lease()? },
        kind::ONCE => ClientFrame::Once { ticket, lease: reader.lease()? },
        kind::REGISTER => {
            let Registration { instance, contracts } = read_json(reader)?;
            ClientFrame::Register { ticket, instance, contracts }
        }
        kind::DEREGISTER => ClientFrame::Deregister { ticket, instance: reader.guid()? },
        kind::ADMIN => ClientFrame::Admin { ticket, command: read_command(reader, names)? },
        _ => return Err(WireError::UnknownType(kind)),
    })
}

#[derive(Deserialize)]
struct Registration {
    instance: Box<Instance>,
    contracts: Vec<Contract>,
}

fn read_message<'a, B, T>(
    reader: &mut Reader<'a>,
    target: impl FnOnce(&mut Reader<'a>) -> Result<T, WireError>,
    body: impl FnOnce(&'a [u8]) -> B,
) -> Result<(Message<B>, T), WireError> {
    let (id, reply_to, priority) = (reader.guid()?, reader.optional_guid()?, reader.u32()?);
    let (delay, time_to_live) = (reader.duration()?, reader.optional_duration()?);
    let target = target(reader)?;
    let bytes = reader.rest();
    let size = bytes.len();
    Ok((Message { id, reply_to, priority, delay, time_to_live, size, body: body(bytes) }, target))
}

fn read_options(reader: &mut Reader<'_>) -> Result<ConsumeOptions, WireError> {
    Ok(ConsumeOptions {
        credit: reader.u32()?,
        lease: reader.duration()?,
        max_attempts: reader.u32()?,
        ephemeral: reader.flag("ephemeral")?,
    })
}

fn read_settle<'a, B>(reader: &mut Reader<'a>, body: impl FnOnce(&'a [u8]) -> B) -> Result<Settle<B>, WireError> {
    Ok(match reader.u8()? {
        how::REPLY => Settle::Reply(body(reader.rest())),
        how::DONE => Settle::Done,
        how::RETRY => Settle::Retry { delay: reader.duration()?, reason: reader.text("the reason")? },
        how::RELEASE => Settle::Release,
        how::BURY => Settle::Bury { reason: reader.text("the reason")? },
        _ => return Err(reader.value("the settlement")),
    })
}
