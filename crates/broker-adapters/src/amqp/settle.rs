//! How leases end.

use std::time::Duration;

use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{Ack, AckSender, BrokerError, Lease, Settlement},
};
use tokio::time::Instant;

use super::{
    pending::{Done, Publishing},
    role::Role,
    standing::{Arrived, Leased},
    state::State,
    target::Target,
    wire::{Address, Marks, Outgoing},
};
use crate::remote::{BUNDLE_BYTES, Bundle};

/// Why work comes back whose worker hangs.
const HUNG: &str = "its lease ended";

impl State {
    /// Ends a lease.
    pub(super) fn settle(&mut self, lease: Lease, settlement: Settlement) -> Ack {
        let Some(leased) = self.take_lease(lease) else { return Ack::ready(Err(BrokerError::Stale)) };
        let Leased { consumer, tag, .. } = leased;
        let ack = match settlement {
            Settlement::Reply(reply) => self.reply_and_settle(leased, &reply),
            Settlement::Done => {
                if leased.once {
                    self.notice(&leased.envelope, &BrokerError::lost("it ended without a reply"));
                }
                self.done_with(consumer, tag);
                Ack::ready(Ok(()))
            }
            Settlement::Bury { reason } => self.with_sender(|state, sender| {
                let attempts = leased.attempt;
                state.bury(consumer, arrived(leased, attempts), reason, Some(sender));
            }),
            Settlement::Retry { .. } | Settlement::Release if leased.once => {
                self.notice(&leased.envelope, &BrokerError::lost("it ended without a reply"));
                Ack::ready(Ok(()))
            }
            Settlement::Retry { delay, reason } => self.retry(leased, delay, reason),
            Settlement::Release => self.with_sender(|state, sender| {
                let Some(stream) = state.streams.get(&consumer) else { return };
                let target = Target::Again(stream.channel.clone());
                let attempts = leased.attempt - 1;
                let arrived = arrived(leased, attempts);
                let marks = state.marks_again(&arrived, attempts, None);
                state.replace(consumer, arrived, target, marks, Some(sender));
            }),
        };
        self.pump(consumer);
        ack
    }

    fn with_sender(&mut self, act: impl FnOnce(&mut Self, AckSender)) -> Ack {
        let (sender, ack) = Ack::waiting();
        act(self, sender);
        ack
    }

    /// Takes a lease that has not ended, by the worker's own clock.
    fn take_lease(&mut self, lease: Lease) -> Option<Leased> {
        if self.leases.get(&lease.number)?.ends <= Instant::now() {
            // It will be taken care of with the next tick.
            return None;
        }
        self.remove_lease(lease.number)
    }

    fn remove_lease(&mut self, number: u64) -> Option<Leased> {
        let leased = self.leases.remove(&number)?;
        if let Some(stream) = self.streams.get_mut(&leased.consumer) {
            stream.leased = stream.leased.saturating_sub(1);
            self.touched.push(leased.consumer);
        }
        Some(leased)
    }

    fn reply_and_settle(&mut self, leased: Leased, reply: &Envelope) -> Ack {
        if let Err(error) = self.reply(&leased, reply) {
            let (consumer, attempts) = (leased.consumer, leased.attempt);
            self.bury(consumer, arrived(leased, attempts), format!("its reply cannot be sent: {error}"), None);
            return Ack::ready(Err(error));
        }
        // The reply goes first, on the same AMQP channel: if the end of the lease arrives, so has the reply.
        self.done_with(leased.consumer, leased.tag);
        Ack::ready(Ok(()))
    }

    fn reply(&mut self, leased: &Leased, reply: &Envelope) -> Result<(), BrokerError> {
        let (size, limit) = (reply.encoded_len(), self.options.limits.message_bytes);
        if size > limit {
            return Err(BrokerError::TooLarge { size, limit });
        }
        let stream = self.streams.get(&leased.consumer).and_then(|stream| stream.number);
        let (Some(inbox), Some(channel)) = (leased.envelope.reply_to, stream) else { return Ok(()) };
        let bundle = self.replies.entry((channel, inbox)).or_default();
        let full = if bundle.has_room(reply, BUNDLE_BYTES) { None } else { Some(std::mem::take(bundle)) };
        bundle.add(reply);
        if let Some(full) = full {
            self.write_replies(channel, inbox, full);
        }
        Ok(())
    }

    /// Writes replies to an inbox as one message. If it is gone they come back, and nobody needs them.
    fn write_replies(&mut self, channel: u16, inbox: Guid, replies: Bundle) {
        let key = self.name(&Target::Inbox(inbox));
        let address = Address { channel, exchange: "", key: &key, mandatory: true, frame: self.tuned.frame };
        Outgoing(&mut self.out).publish_body(&address, &Marks::default(), &replies.body());
    }

    /// Writes the replies that were gathered; what they settle is acknowledged after them.
    pub(super) fn flush_replies(&mut self) {
        for ((channel, inbox), replies) in std::mem::take(&mut self.replies) {
            // A worker whose AMQP channel is gone has lost its leases, and its replies with them.
            if let Some(Role::Consumer(_)) = self.roles.get(&channel) {
                self.write_replies(channel, inbox, replies);
            }
        }
    }

    fn retry(&mut self, leased: Leased, delay: Duration, reason: String) -> Ack {
        let (consumer, attempts) = (leased.consumer, leased.attempt);
        // Its worker has survived the attempt: what is lost from now on is the first of a new row.
        let arrived = Arrived { losses: 0, ..arrived(leased, attempts) };
        self.with_sender(|state, sender| state.again(consumer, arrived, delay, reason, Some(sender)))
    }

    /// Puts a failed attempt back, or away if it was the last.
    fn again(&mut self, consumer: u32, arrived: Arrived, delay: Duration, reason: String, sender: Option<AckSender>) {
        let Some(stream) = self.streams.get(&consumer) else { return };
        if arrived.attempts >= stream.options.max_attempts.max(1) {
            return self.bury(consumer, arrived, reason, sender);
        }
        let (channel, ephemeral) = (stream.channel.clone(), stream.is_ephemeral());
        let mut marks = self.marks_again(&arrived, arrived.attempts, Some(reason));
        // What goes with its last consumer has no queues in which to wait.
        let target =
            if delay.is_zero() || ephemeral { Target::Again(channel) } else { self.later(&channel, delay, &mut marks) };
        self.replace(consumer, arrived, target, marks, sender);
    }

    /// Sends a reply that is not the final one.
    pub(super) fn partial(&mut self, lease: Lease, reply: &Envelope) -> Ack {
        if self.leases.get(&lease.number).is_none_or(|leased| leased.ends <= Instant::now()) {
            return Ack::ready(Err(BrokerError::Stale));
        }
        let Some(mut leased) = self.leases.remove(&lease.number) else { return Ack::ready(Err(BrokerError::Stale)) };
        leased.streams = true;
        let sent = self.reply(&leased, reply);
        self.leases.insert(lease.number, leased);
        Ack::ready(sent)
    }

    /// Starts a lease's time anew.
    pub(super) fn extend(&mut self, lease: Lease) -> Ack {
        let now = Instant::now();
        let Some(leased) = self.leases.get_mut(&lease.number).filter(|leased| leased.ends > now) else {
            return Ack::ready(Err(BrokerError::Stale));
        };
        leased.ends = now + leased.time;
        match leased.envelope.reply_to.filter(|_| leased.streams) {
            Some(inbox) => self.with_sender(|state, sender| state.knock(inbox, sender)),
            None => Ack::ready(Ok(())),
        }
    }

    /// Asks whether an inbox is there, by a message that comes back if it is not. Asking for the queue would end an AMQP
    /// channel, and wait for a node that is away. The message is of no call, so that nobody misses or minds it.
    fn knock(&mut self, inbox: Guid, sender: AckSender) {
        let envelope = Envelope::new(Kind::Event, Guid::call()).into();
        let (target, marks) = (Target::Inbox(inbox), Marks::default());
        self.publish(Publishing::new(target, envelope, marks, Done::Sender(sender)));
    }

    /// Makes this the last attempt: the server is told at once that it is done, and the worker waits until the
    /// server has heard it.
    pub(super) fn once(&mut self, lease: Lease) -> Ack {
        let now = Instant::now();
        let Some(leased) = self.leases.get_mut(&lease.number).filter(|leased| leased.ends > now) else {
            return Ack::ready(Err(BrokerError::Stale));
        };
        leased.once = true;
        let (consumer, tag) = (leased.consumer, leased.tag);
        self.done_with(consumer, tag);
        self.flush();
        self.with_sender(|state, sender| state.barrier(consumer, sender))
    }

    /// Ends the leases whose time is over: the work goes to another worker.
    pub(super) fn end_leases(&mut self, now: Instant) {
        let over = |leased: &Leased| leased.ends <= now;
        let ended: Vec<u64> = self.leases.iter().filter(|(_, one)| over(one)).map(|(number, _)| *number).collect();
        for number in ended {
            let Some(leased) = self.remove_lease(number) else { continue };
            let (consumer, attempts) = (leased.consumer, leased.attempt);
            if leased.once {
                self.notice(&leased.envelope, &BrokerError::lost(HUNG));
            } else {
                let mut arrived = arrived(leased, attempts);
                arrived.losses += 1;
                self.again(consumer, arrived, Duration::ZERO, HUNG.to_owned(), None);
            }
            self.pump(consumer);
        }
    }
}

/// What a lease was of, after so many attempts.
fn arrived(leased: Leased, attempts: u32) -> Arrived {
    let Leased { tag, envelope, losses, deadline, .. } = leased;
    Arrived { tag, envelope, attempts, losses, deadline }
}
