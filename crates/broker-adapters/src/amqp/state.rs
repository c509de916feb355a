//! What handles and driver share, behind one lock: the outgoing buffer, what is on its way and what stands.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use bytes::BytesMut;
use foldhash::fast::RandomState;
use skyloom_core::{
    Guid,
    broker::{AckSender, BrokerError, Leases},
};
use tokio::time::Instant;

use super::{
    doubt::Doubts,
    operation::{Known, Operation, Operations},
    options::AmqpOptions,
    pending::{Confirms, Done, Held, Publishing},
    role::{FREE, INBOXES, PUBLISH, Partial, Role, TOKENS, TOPOLOGY},
    standing::{Leased, Mailbox, Stream},
    target::Target,
    tell::Tell,
    wire::Outgoing,
};
use crate::remote::{Bundle, OpenError};

/// The most bytes that wait to be written to a live connection; a server that does not read for so long is
/// overloaded, and more is refused.
pub(super) const MAX_OUTGOING: usize = 128 << 20;

/// How it stands with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none.
    Away,
    /// There is one.
    Live,
    /// There is one, and when it has written and heard everything there will be none.
    Closing,
    /// There will be none any more.
    Closed,
}

/// What was agreed on with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuned {
    pub(super) channels: u16,
    pub(super) frame: usize,
    /// After how long without a sign of life a side is given up; zero for never.
    pub(super) heartbeat: Duration,
}

pub(super) struct State {
    pub(super) options: AmqpOptions,
    pub(super) phase: Phase,
    /// Why there is no connection.
    pub(super) reason: String,
    pub(super) tuned: Tuned,
    /// What the server calls itself.
    pub(super) server: String,
    pub(super) out: BytesMut,
    pub(super) tells: Vec<Tell>,
    /// Why the server takes no messages for now.
    pub(super) blocked: Option<String>,
    pub(super) held: Held,
    /// The AMQP channel on which messages are sent, and what it has to confirm.
    pub(super) outlet: u16,
    pub(super) confirms: Confirms,
    pub(super) doubts: Doubts,
    pub(super) operations: Operations,
    pub(super) roles: HashMap<u16, Role, RandomState>,
    pub(super) partial: HashMap<u16, Partial, RandomState>,
    pub(super) streams: BTreeMap<u32, Stream>,
    /// Streams with something to acknowledge or to end.
    pub(super) touched: Vec<u32>,
    pub(super) leases: HashMap<u64, Leased, RandomState>,
    pub(super) mailboxes: HashMap<Guid, Mailbox, RandomState>,
    /// Replies that go out together at the end of a turn, by the AMQP channel of their worker and their inbox.
    pub(super) replies: HashMap<(u16, Guid), Bundle, RandomState>,
    /// The last reply that has come and is not acknowledged.
    pub(super) replied: Option<u64>,
    /// For how long what was read last may have lain here unread.
    pub(super) lain: Duration,
    /// Whoever settles deliveries.
    pub(super) settler: Weak<dyn Leases>,
    consumers: u32,
    leased: u64,
}

impl State {
    pub(super) fn new(options: AmqpOptions, settler: Weak<dyn Leases>) -> Self {
        Self {
            options,
            phase: Phase::Away,
            reason: "it has not been reached yet".to_owned(),
            tuned: Tuned { channels: 0, frame: 0, heartbeat: Duration::ZERO },
            server: String::new(),
            out: BytesMut::new(),
            tells: Vec::new(),
            blocked: None,
            held: Held::default(),
            outlet: PUBLISH,
            confirms: Confirms::default(),
            doubts: Doubts::default(),
            operations: Operations::default(),
            roles: HashMap::default(),
            partial: HashMap::default(),
            streams: BTreeMap::new(),
            touched: Vec::new(),
            leases: HashMap::default(),
            mailboxes: HashMap::default(),
            replies: HashMap::default(),
            replied: None,
            lain: Duration::ZERO,
            settler,
            consumers: 0,
            leased: 0,
        }
    }

    pub(super) fn next_consumer(&mut self) -> u32 {
        self.consumers = self.consumers.wrapping_add(1);
        self.consumers
    }

    pub(super) fn next_lease(&mut self) -> u64 {
        self.leased += 1;
        self.leased
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Closing)
    }

    /// Whether no more is accepted.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Closing)
    }

    pub(super) fn name(&self, target: &Target) -> String {
        target.name(&self.options.limits.prefix)
    }

    pub(super) fn send(&mut self) -> Outgoing<'_> {
        Outgoing(&mut self.out)
    }

    pub(super) fn ack(&mut self, sender: AckSender, result: Result<(), BrokerError>) {
        self.tells.push(Tell::Ack(sender, result));
    }

    /// That something was not sent, and why.
    pub(super) fn unavailable(&self) -> BrokerError {
        BrokerError::unavailable(self.reason.clone())
    }

    /// That what was sent has an unknown outcome, and why.
    pub(super) fn lost(&self) -> BrokerError {
        BrokerError::lost(self.reason.clone())
    }

    /// A number for an AMQP channel.
    pub(super) fn free_channel(&self) -> Option<u16> {
        (FREE..self.tuned.channels).find(|number| !self.roles.contains_key(number))
    }

    /// What was not sent yet; it still waits.
    fn unsent(&self) -> HashSet<Guid> {
        let mut calls = self.held.calls();
        calls.extend(self.doubts.calls());
        for known in self.operations.known.values() {
            if let Known::Asked { publishings, .. } = known {
                calls.extend(publishings.iter().map(|publishing| publishing.envelope.id));
            }
        }
        calls
    }

    /// Tells inboxes that replies may have been lost.
    pub(super) fn lose(&mut self, inboxes: &[Guid], reason: &str) {
        let (error, unsent) = (BrokerError::lost(reason), Arc::new(self.unsent()));
        let sinks = inboxes.iter().filter_map(|inbox| self.mailboxes.get(inbox)).map(|one| Arc::clone(&one.sink));
        self.tells.extend(sinks.map(|sink| Tell::Lost(sink, error.clone(), Arc::clone(&unsent))));
    }

    /// There is a connection: what stands is announced, and what is held is sent.
    pub(super) fn attach(&mut self, tuned: Tuned, server: &str) {
        server.clone_into(&mut self.server);
        if self.is_closed() {
            return;
        }
        (self.phase, self.tuned, self.blocked, self.outlet) = (Phase::Live, tuned, None, PUBLISH);
        for number in [PUBLISH, TOPOLOGY, INBOXES, TOKENS] {
            self.roles.insert(number, Role::Fixed);
            self.send().open_channel(number);
        }
        self.send().confirm(PUBLISH);
        // Of each inbox's tokens one is held.
        self.send().qos(TOKENS, 1);
        let inboxes: Vec<Guid> = self.mailboxes.keys().copied().collect();
        for inbox in inboxes {
            let anew = self.mailboxes.get(&inbox).is_some_and(|mailbox| mailbox.opened.is_some());
            if anew { self.operate(Operation::Inbox { inbox, anew }) } else { self.look_for_inbox(inbox) }
        }
        let streams: Vec<u32> = self.streams.keys().copied().collect();
        streams.into_iter().for_each(|consumer| self.establish(consumer));
        self.release_held();
    }

    pub(super) fn release_held(&mut self) {
        for publishing in self.held.drain() {
            self.publish(publishing);
        }
    }

    /// The connection has ended: what was not sent is held, and of what was sent and not confirmed the outcome
    /// is unknown. The server has taken back what was leased.
    pub(super) fn detach(&mut self, reason: &str) {
        self.phase = match self.phase {
            Phase::Live => Phase::Away,
            // What waits here is not written to anybody any more.
            Phase::Closing => Phase::Closed,
            phase => phase,
        };
        reason.clone_into(&mut self.reason);
        self.out.clear();
        self.roles.clear();
        self.partial.clear();
        self.touched.clear();
        self.replies.clear();
        (self.blocked, self.replied) = (None, None);
        let error = self.lost();
        let of_former = self.doubts.forget_former();
        for pending in self.confirms.clear().into_iter().chain(of_former) {
            self.fail(pending.done, pending.id, error.clone());
        }
        // What was refused was not accepted: it waits for the next connection.
        for publishing in self.doubts.drain() {
            self.publish(Publishing { refused: None, ..publishing });
        }
        self.detach_streams();
        self.mailboxes.values_mut().for_each(|mailbox| mailbox.is_there = false);
        // What would have replaced a delivery is not sent: the delivery itself comes back. An inbox is looked for anew.
        let of_this_connection =
            |_, publishing: &Publishing| matches!(publishing.done, Done::Move { .. } | Done::Token { .. });
        for publishing in self.held.take(of_this_connection) {
            self.fail(publishing.done, publishing.envelope.id, error.clone());
        }
        let Operations { known, waiting, running } = std::mem::take(&mut self.operations);
        for operation in running.map(|running| running.operation).into_iter().chain(waiting) {
            if let Operation::Count { reply, .. } | Operation::Purge { reply, .. } = operation {
                self.tells.push(Tell::Counted(reply, Err(error.clone())));
            }
        }
        for asked in known.into_values() {
            if let Known::Asked { publishings, .. } = asked {
                publishings.into_iter().for_each(|publishing| self.publish(publishing));
            }
        }
    }

    /// There will be no connection any more.
    pub(super) fn end(&mut self) {
        self.phase = Phase::Closed;
        self.detach("it was closed");
        let error = self.unavailable();
        for publishing in self.held.drain() {
            self.fail(publishing.done, publishing.envelope.id, error.clone());
        }
        let inboxes: Vec<Guid> = self.mailboxes.keys().copied().collect();
        self.lose(&inboxes, "it was closed");
        for (_, mailbox) in std::mem::take(&mut self.mailboxes) {
            self.tells.extend(mailbox.opened.map(|opened| Tell::Ack(opened, Err(error.clone()))));
            self.tells.push(Tell::Closed(mailbox.sink));
        }
        for (_, stream) in std::mem::take(&mut self.streams) {
            self.tells.extend(stream.opened.map(|opened| Tell::Ack(opened, Err(error.clone()))));
            self.tells.extend(stream.sender.map(Tell::Ended));
        }
    }

    /// Notes why there is no connection. Says whether that is news to an operator: a mistake that waiting does not mend,
    /// such as a password that is no longer the right one.
    pub(super) fn stays_away(&mut self, error: &OpenError) -> bool {
        let before = std::mem::replace(&mut self.reason, error.to_string());
        matches!(error, OpenError::Unusable { .. }) && before != self.reason
    }

    /// Whether there is something to write.
    pub(super) fn is_dirty(&self) -> bool {
        let Self { out, touched, replies, replied, .. } = self;
        !(out.is_empty() && touched.is_empty() && replies.is_empty()) || replied.is_some()
    }

    /// Whether time alone can change anything.
    pub(super) fn is_timed(&self) -> bool {
        !(self.held.is_empty() && self.leases.is_empty() && self.doubts.is_empty())
            || (self.blocked.is_some() && !self.is_confirmed())
    }

    /// Does what is due by now.
    pub(super) fn tick(&mut self, now: Instant) {
        for publishing in self.held.take(|until, publishing| until <= now || publishing.done.is_abandoned()) {
            let error = match &self.blocked {
                Some(reason) if self.is_live() => {
                    BrokerError::unavailable(format!("it takes no messages for now: {reason}"))
                }
                _ => self.unavailable(),
            };
            self.fail(publishing.done, publishing.envelope.id, error);
        }
        if let Some(reason) = self.blocked.clone() {
            let former = self.doubts.former.as_mut().map(|former| former.confirms.over(now));
            for pending in former.unwrap_or_default().into_iter().chain(self.confirms.over(now)) {
                let reason = format!("it takes no messages for now: {reason}");
                self.fail(pending.done, pending.id, BrokerError::lost(reason));
            }
            self.close_former();
        }
        self.end_leases(now);
        self.ask_again(now);
    }

    /// Whether the server has said of everything that was sent whether it is accepted.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirms.len() == 0 && self.doubts.is_settled()
    }
}

/// Now, in milliseconds since 1970 by this machine's clock.
pub(super) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
