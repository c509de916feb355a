//! Deliveries: from the server to a worker, or elsewhere if none may have them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Channel, Envelope, Guid,
    broker::{AckSender, BrokerError, Delivery, Lease},
};
use tokio::time::Instant;

use super::{
    options::QueueKind,
    pending::{Done, Publishing},
    standing::{Arrived, Leased},
    state::{State, wall_clock},
    target::{Target, first_wait},
    tell::Tell,
    wire::Marks,
};
use crate::remote::Notice;

/// For how long a call may be on its way, to the server and from there, quorum queues' delay in taking it out included.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// Why work comes back whose worker has not said anything.
const VANISHED: &str = "its worker's connection was lost";

impl State {
    /// A message has come for a consumer.
    pub(super) fn arrived(&mut self, consumer: u32, tag: u64, redelivered: bool, marks: Marks, body: Bytes) {
        let Some(stream) = self.streams.get_mut(&consumer) else { return };
        stream.unacked.insert(tag);
        let (channel, max_attempts) = (stream.channel.clone(), stream.options.max_attempts.max(1));
        let envelope = match Envelope::decode(body) {
            Ok(envelope) => Arc::new(envelope),
            Err(error) => {
                tracing::warn!(%channel, %error, "a message that is no envelope is dropped");
                return self.done_with(consumer, tag);
            }
        };
        let deadline = deadline(&envelope, &marks, self.slack());
        let mut arrived = Arrived { tag, deadline, envelope, attempts: marks.attempts, losses: marks.losses };
        let counted = self.options.queues == QueueKind::Quorum && !matches!(channel, Channel::Instance(_));
        // How often a worker was lost that had it.
        let lost = if counted { marks.deliveries } else { u32::from(redelivered) };
        if self.ran_out(&channel, &marks, &arrived) {
            self.notice(&arrived.envelope, &BrokerError::expired_after(arrived.attempts + lost));
            return self.done_with(consumer, tag);
        }
        if marks.delay > 0 {
            let (wait, delay) = first_wait(marks.delay);
            let marks = Marks { delay, ..self.marks_again(&arrived, arrived.attempts, marks.reason) };
            return self.replace(consumer, arrived, Target::Later(channel, wait), marks, None);
        }
        let reason = if redelivered || marks.deliveries > 0 { Some(VANISHED.to_owned()) } else { marks.reason };
        arrived.attempts += lost;
        arrived.losses += lost;
        if arrived.attempts >= max_attempts {
            let reason = reason.unwrap_or_else(|| VANISHED.to_owned());
            return self.bury(consumer, arrived, reason, None);
        }
        if redelivered && !counted {
            // A classic queue does not count: the next attempt is of a message that says how many there were.
            let marks = self.marks_again(&arrived, arrived.attempts, reason);
            return self.replace(consumer, arrived, Target::Again(channel), marks, None);
        }
        if let Some(stream) = self.streams.get_mut(&consumer) {
            stream.waiting.push_back(arrived);
        }
        self.pump(consumer);
    }

    /// Whether a call's time has run out: the server has taken it out of its queue, or it came back too late.
    fn ran_out(&self, channel: &Channel, marks: &Marks, arrived: &Arrived) -> bool {
        let work = || self.name(&Target::Work(channel.clone()));
        let moved = marks.moved.as_ref();
        let expired = moved.is_some_and(|(queue, reason)| reason == "expired" && *queue == work().as_bytes());
        expired || arrived.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// How late a call may be here whose time the server has seen running out: it was on its way, and then it lay here
    /// while the worker's thread was busy.
    fn slack(&self) -> Duration {
        UNDER_WAY + self.lain
    }

    /// Hands over what a consumer has credit for.
    pub(super) fn pump(&mut self, consumer: u32) {
        let Some(settler) = self.settler.upgrade() else { return };
        loop {
            let number = self.next_lease();
            let Some(stream) = self.streams.get_mut(&consumer) else { return };
            let Some(sender) = stream.sender.clone().filter(|_| stream.leased < stream.options.credit.max(1)) else {
                return;
            };
            let Some(arrived) = stream.waiting.pop_front() else { return };
            stream.leased += 1;
            let (time, Arrived { tag, envelope, attempts, losses, deadline }) = (stream.options.lease, arrived);
            let (attempt, lease) = (attempts + 1, Lease { slot: consumer, number });
            let delivery = Delivery::new(Arc::clone(&envelope), lease, time, Arc::clone(&settler));
            let delivery = delivery.with_attempt(attempt).with_losses(losses).with_deadline(deadline);
            self.tells.push(Tell::Deliver(sender, delivery));
            let ends = Instant::now() + time;
            let (once, streams) = (false, false);
            let leased = Leased { consumer, tag, envelope, attempt, losses, deadline, time, ends, once, streams };
            self.leases.insert(number, leased);
        }
    }

    /// A delivery needs nothing more.
    pub(super) fn done_with(&mut self, consumer: u32, tag: u64) {
        if let Some(stream) = self.streams.get_mut(&consumer) {
            stream.ack(tag);
            self.touched.push(consumer);
        }
    }

    /// What a message that comes back carries: what is left of its budget is counted from now.
    pub(super) fn marks_again(&self, arrived: &Arrived, attempts: u32, reason: Option<String>) -> Marks {
        let waited = arrived.deadline.zip(arrived.envelope.budget).map(|(deadline, budget)| {
            let waited = budget.saturating_sub(deadline.saturating_duration_since(Instant::now()));
            i64::try_from(waited.as_millis()).unwrap_or(i64::MAX)
        });
        let sent = waited.map(|waited| wall_clock().saturating_sub(waited));
        let (persistent, losses) = (arrived.envelope.reply_to.is_none(), arrived.losses);
        Marks { persistent, sent, attempts, losses, reason, ..Marks::default() }
    }

    /// Puts a message in the place of a delivery, which ends when the server has it.
    pub(super) fn replace(
        &mut self,
        consumer: u32,
        arrived: Arrived,
        target: Target,
        marks: Marks,
        sender: Option<AckSender>,
    ) {
        let Some(life) = self.streams.get(&consumer).map(|stream| stream.life) else { return };
        let done = Done::Move { consumer, life, tag: arrived.tag, sender };
        self.publish(Publishing::new(target, arrived.envelope, marks, done));
    }

    /// Gives back what no worker has seen; it is no attempt.
    pub(super) fn give_back(&mut self, consumer: u32, arrived: Arrived) {
        let Some(stream) = self.streams.get(&consumer) else { return };
        let target = Target::Again(stream.channel.clone());
        let marks = self.marks_again(&arrived, arrived.attempts, None);
        self.replace(consumer, arrived, target, marks, None);
    }

    /// Makes a delivery a dead letter, and tells its caller.
    pub(super) fn bury(&mut self, consumer: u32, arrived: Arrived, reason: String, sender: Option<AckSender>) {
        let Some(stream) = self.streams.get(&consumer) else { return };
        let (channel, ephemeral) = (stream.channel.clone(), stream.is_ephemeral());
        let attempts = arrived.attempts;
        self.notice(&arrived.envelope, &BrokerError::Dead { attempts, reason: reason.clone() });
        if ephemeral {
            // It goes with its channel, and nobody would look for it.
            tracing::warn!(%channel, reason, "a dead letter of a channel that does not last is dropped");
            self.done_with(consumer, arrived.tag);
            self.tells.extend(sender.map(|sender| Tell::Ack(sender, Ok(()))));
            return;
        }
        // In the order of their deaths, and unique by chance within a millisecond.
        let died = wall_clock();
        let number = Some((died << 20) | i64::from(fastrand::u32(..1 << 20)));
        let marks =
            Marks { persistent: true, attempts, reason: Some(reason), number, died: Some(died), ..Marks::default() };
        self.replace(consumer, arrived, Target::Dead(channel), marks, sender);
    }

    /// Tells the caller of a message why there will be no reply.
    pub(super) fn notice(&mut self, envelope: &Envelope, error: &BrokerError) {
        let Some(inbox) = envelope.reply_to else { return };
        self.notify(inbox, envelope.id, error);
    }

    fn notify(&mut self, inbox: Guid, call: Guid, error: &BrokerError) {
        let envelope = Arc::new(Notice::write(call, error));
        let (target, done) = (Target::Inbox(inbox), Done::Nobody);
        self.publish(Publishing::new(target, envelope, Marks::default(), done));
    }
}

/// When a message's budget is used up. How long it has waited is known by the clocks of its sender's machine and
/// of this one. What they say is not believed if it makes no sense: the server has its own, and would have
/// taken a message out whose time had run out.
fn deadline(envelope: &Envelope, marks: &Marks, slack: Duration) -> Option<Instant> {
    let budget = envelope.budget?;
    let waited = marks.sent.map_or(0, |sent| wall_clock().saturating_sub(sent));
    let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
    let again = marks.attempts > 0 || marks.reason.is_some();
    let left = if waited < budget + slack || again { budget.saturating_sub(waited) } else { budget };
    Instant::now().checked_add(left)
}
