//! Looking into a queue: its messages go back to their places when the look ends.

use bytes::Bytes;
use skyloom_core::broker::BrokerError;
use tokio::sync::oneshot;

use super::{
    operate::NOT_FOUND,
    role::{Look, Role},
    state::State,
    tell::{Looked, Seen, Tell},
    wire::{Marks, Outgoing, Shape},
};

const TAG: &str = "look";

impl State {
    /// Looks at the first messages of a queue, which nobody else sees meanwhile.
    pub(super) fn look(&mut self, queue: String, most: u32, reply: oneshot::Sender<Looked>) {
        let number = self.free_channel().filter(|_| self.is_live());
        let Some(number) = number else {
            let error = self.unavailable();
            return self.tells.push(Tell::Looked(reply, Err(error)));
        };
        self.send().open_channel(number);
        self.send().declare(number, &queue, Shape::Passive, &Vec::new());
        self.roles.insert(number, Role::Look(Look { queue, most, expected: 0, seen: Vec::new(), reply: Some(reply) }));
    }

    /// The queue is there, with so many messages.
    pub(super) fn look_counted(&mut self, number: u16, messages: u32) {
        let Some(Role::Look(look)) = self.roles.get_mut(&number) else { return };
        look.expected = messages.min(look.most);
        if look.expected == 0 {
            return self.look_done(number);
        }
        let mut send = Outgoing(&mut self.out);
        // No limit if there are more than fit the number.
        send.qos(number, u16::try_from(look.expected).unwrap_or(0));
        send.consume(number, &look.queue, TAG, true);
    }

    /// A message has come that is looked at.
    pub(super) fn look_seen(&mut self, number: u16, tag: u64, marks: Marks, body: Bytes) {
        let Some(Role::Look(look)) = self.roles.get_mut(&number) else { return };
        if look.reply.is_none() {
            return;
        }
        look.seen.push(Seen { tag, marks, body });
        if look.seen.len() >= look.expected as usize {
            // The consumer stays until the channel is closed: only then does the server put everything back before
            // it says that the channel is closed.
            self.look_done(number);
        }
    }

    fn look_done(&mut self, number: u16) {
        let Some(Role::Look(look)) = self.roles.get_mut(&number) else { return };
        let seen = std::mem::take(&mut look.seen);
        self.tells.extend(look.reply.take().map(|reply| Tell::Looked(reply, Ok((number, seen)))));
    }

    /// The server does not let it look.
    pub(super) fn look_refused(&mut self, number: u16, code: u16, text: &str) {
        self.send().close_channel_ok(number);
        let Some(Role::Look(look)) = self.roles.remove(&number) else { return };
        // There is nothing to see in a queue that is not there; its channel is closed already.
        let looked = if code == NOT_FOUND { Ok((0, Vec::new())) } else { Err(BrokerError::refused(text)) };
        self.tells.extend(look.reply.map(|reply| Tell::Looked(reply, looked)));
    }

    /// Deletes these messages, and puts the others back; the waiter is dropped when that is done.
    pub(super) fn look_away(&mut self, number: u16, deleted: &[u64], waiter: oneshot::Sender<()>) {
        if !self.is_live() || !matches!(self.roles.get(&number), Some(Role::Look(_))) {
            return;
        }
        deleted.iter().for_each(|tag| Outgoing(&mut self.out).ack(number, *tag, false));
        self.send().close_channel(number);
        self.roles.insert(number, Role::Closing { _waiter: Some(waiter) });
    }
}
