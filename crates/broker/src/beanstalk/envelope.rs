//! What the broker reads of a job that is an envelope.

use std::time::Duration;

use bytes::Bytes;
use skyloom_core::{Envelope, Guid, Kind, Status, broker::BrokerError};

use super::command::PutLine;
use crate::{
    door::Encoded,
    engine::{JobCommand, Message},
};

/// An envelope begins with its GUID: field 1, of 16 bytes.
const BEGIN: &[u8] = &[0x0a, 16];

/// Puts a job. If it is an envelope, its GUID, its inbox and its budget count; if not, it is work
/// that nobody waits for.
pub(super) fn put(line: PutLine, body: &[u8]) -> JobCommand<Encoded> {
    let envelope = body.starts_with(BEGIN).then(|| Envelope::decode(Bytes::copy_from_slice(body)).ok()).flatten();
    let mut message = Message {
        id: Guid::default(),
        reply_to: None,
        priority: line.priority,
        delay: Duration::from_secs(line.delay.into()),
        time_to_live: None,
        size: body.len(),
        body: Encoded::from(body),
    };
    let mut last = false;
    if let Some(envelope) = envelope {
        last = envelope.kind == Kind::Reply;
        (message.id, message.reply_to, message.time_to_live) = (envelope.id, envelope.reply_to, envelope.budget);
    }
    JobCommand::Put { ttr: line.ttr, last, message }
}

/// What an inbox hears, as a job in its tube.
pub(super) fn deposit(inbox: Guid, body: Encoded) -> JobCommand<Encoded> {
    JobCommand::Deposit(Message {
        id: Guid::default(),
        reply_to: Some(inbox),
        priority: 0,
        delay: Duration::ZERO,
        time_to_live: None,
        size: body.bytes().len(),
        body,
    })
}

/// The reply that says why there is none.
pub(super) fn refusal(call: Guid, error: BrokerError) -> Encoded {
    let mut envelope = Envelope::new(Kind::Reply, call);
    envelope.status = Some(Status::from(error));
    Encoded::from(&envelope.encode()[..])
}
