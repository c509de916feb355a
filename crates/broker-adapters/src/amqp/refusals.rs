//! Refusals, and which of them are believed.
//!
//! RabbitMQ refuses a message when its queue is full, and in two other cases. An AMQP channel that first sends to a quorum
//! queue while the leader that the server has on record is away has everything refused for as long as that leader's node is
//! away, although there is another leader by then; another AMQP channel has not (seen with 3.10). And what reaches a queue
//! that goes with its last consumer just when it does so is refused before it is unroutable (seen with 4.3). So a message
//! that was refused there is sent again, for a short time, on another AMQP channel. It was not accepted: that is safe.

use std::time::Duration;

use skyloom_core::{Channel, Guid};
use tokio::time::Instant;

use super::{
    doubt::Former,
    options::QueueKind,
    pending::{Confirms, Done, Publishing, Repeat},
    role::{PUBLISH, PUBLISH_TOO, Role},
    state::State,
    target::Target,
};

/// For how long a refusal is doubted. A leader is elected in less, also on a busy machine.
const DOUBTED: Duration = Duration::from_secs(3);

impl State {
    /// Whether a refusal is not believed at once. An event may have reached some groups and is not sent again.
    pub(super) fn may_repeat(&self, target: &Target) -> bool {
        match target {
            Target::Work(Channel::Instance(_)) => true,
            Target::Topic(_) | Target::Inbox(_) | Target::Token(_) => false,
            _ => self.options.queues == QueueKind::Quorum,
        }
    }

    /// What an AMQP channel on which messages are or were sent has yet to confirm.
    pub(super) fn confirms_of(&mut self, channel: u16) -> Option<&mut Confirms> {
        if channel == self.outlet {
            return Some(&mut self.confirms);
        }
        let former = self.doubts.former.as_mut().filter(|former| former.channel == channel);
        former.map(|former| &mut former.confirms)
    }

    /// The server has refused a message.
    pub(super) fn not_accepted(&mut self, target: Target, done: Done, id: Guid, repeat: Option<Box<Repeat>>) {
        let now = Instant::now();
        if !self.doubts.is_full(&target, now) {
            if self.options.queues == QueueKind::Quorum && self.doubts.may_renew(now) {
                self.renew_outlet();
            }
            if let Some(Repeat { envelope, marks, begun, refused }) = repeat.map(|repeat| *repeat) {
                let since = refused.unwrap_or(now);
                if now < since + DOUBTED && self.doubts.has_room(envelope.encoded_len()) {
                    let again = Publishing { target, envelope, marks, done, begun, refused: Some(since) };
                    return self.doubts.push(again, now);
                }
            }
            self.doubts.found_full(target.clone(), now);
        }
        let error = self.refusal(&target);
        self.fail(done, id, error);
    }

    /// Sends again what is due.
    pub(super) fn ask_again(&mut self, now: Instant) {
        for publishing in self.doubts.due(now) {
            self.publish(publishing);
        }
    }

    /// From now on messages are sent on another AMQP channel; the one before is closed when it has confirmed everything.
    fn renew_outlet(&mut self) {
        tracing::debug!("messages are refused: they are sent on another AMQP channel");
        let outlet = if self.outlet == PUBLISH { PUBLISH_TOO } else { PUBLISH };
        let channel = std::mem::replace(&mut self.outlet, outlet);
        let confirms = std::mem::take(&mut self.confirms);
        self.doubts.former = Some(Former { channel, confirms });
        self.roles.insert(outlet, Role::Fixed);
        self.send().open_channel(outlet);
        self.send().confirm(outlet);
    }

    /// Closes the AMQP channel on which messages were sent before, if it has confirmed everything.
    pub(super) fn close_former(&mut self) {
        let former = self.doubts.former.as_ref().filter(|former| former.confirms.len() == 0);
        let Some(channel) = former.map(|former| former.channel) else { return };
        if matches!(self.roles.get(&channel), Some(Role::Fixed)) {
            self.roles.insert(channel, Role::Closing { _waiter: None });
            self.send().close_channel(channel);
        }
    }

    /// An AMQP channel is closed, which may be that one: its number can be used again.
    pub(super) fn former_is_closed(&mut self, channel: u16) {
        self.doubts.former.take_if(|former| former.channel == channel);
    }
}
