//! What stands over reconnects: consumers and inboxes; and the leases of one connection.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use skyloom_core::{
    Channel, Envelope,
    broker::{AckSender, ConsumeOptions, Delivery, ReplySink},
};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

/// A message that a consumer has taken and a worker has not.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) tag: u64,
    pub(super) envelope: Arc<Envelope>,
    /// How often it was attempted before.
    pub(super) attempts: u32,
    /// How many of the last of these in a row were lost with their workers.
    pub(super) losses: u32,
    /// When its budget is used up.
    pub(super) deadline: Option<Instant>,
}

/// A consumer of a channel.
pub(super) struct Stream {
    pub(super) channel: Channel,
    pub(super) options: ConsumeOptions,
    /// `None` once it has stopped.
    pub(super) sender: Option<UnboundedSender<Delivery>>,
    pub(super) opened: Option<AckSender>,
    /// Its AMQP channel, on a live connection.
    pub(super) number: Option<u16>,
    /// How often it has lost an AMQP channel, and with it all that it held there.
    pub(super) life: u32,
    /// How many of its two queues it consumes.
    pub(super) queues: u8,
    /// Who waits for it to stop.
    pub(super) stopping: Vec<AckSender>,
    /// It was asked to stop.
    pub(super) stop: bool,
    /// What is not acknowledged.
    pub(super) unacked: BTreeSet<u64>,
    /// What is to be acknowledged with the next write.
    pub(super) acks: Vec<u64>,
    /// What came back and finds no credit. The server is told to send few of these.
    pub(super) waiting: VecDeque<Arrived>,
    /// How many leases it has.
    pub(super) leased: u32,
    /// Who waits until the server has read everything up to here.
    pub(super) barriers: VecDeque<AckSender>,
}

impl Stream {
    pub(super) fn new(
        channel: Channel,
        options: ConsumeOptions,
        sender: UnboundedSender<Delivery>,
        opened: AckSender,
    ) -> Self {
        Self {
            channel,
            options,
            sender: Some(sender),
            opened: Some(opened),
            number: None,
            life: 0,
            queues: 0,
            stopping: Vec::new(),
            stop: false,
            unacked: BTreeSet::new(),
            acks: Vec::new(),
            waiting: VecDeque::new(),
            leased: 0,
            barriers: VecDeque::new(),
        }
    }

    /// Whether the channel goes with its last consumer.
    pub(super) fn is_ephemeral(&self) -> bool {
        self.options.ephemeral || matches!(self.channel, Channel::Instance(_))
    }

    /// The credit of new work.
    pub(super) fn credit(&self) -> u16 {
        u16::try_from(self.options.credit.max(1)).unwrap_or(u16::MAX)
    }

    /// How much of what came back the server sends at a time: it is held here until there is credit.
    pub(super) fn credit_again(&self) -> u16 {
        const MOST: u16 = 16;
        (self.credit() / 4).clamp(1, MOST)
    }

    /// Marks a delivery as done with.
    pub(super) fn ack(&mut self, tag: u64) {
        if self.unacked.remove(&tag) {
            self.acks.push(tag);
        }
    }

    /// What is to be acknowledged now: one tag for everything up to it, and those beyond.
    pub(super) fn take_acks(&mut self) -> (Option<u64>, Vec<u64>) {
        if self.acks.is_empty() {
            return (None, Vec::new());
        }
        let first_open = self.unacked.first().copied().unwrap_or(u64::MAX);
        let (below, beyond): (Vec<u64>, Vec<u64>) = self.acks.drain(..).partition(|tag| *tag < first_open);
        (below.into_iter().max(), beyond)
    }
}

/// A delivery that a worker holds.
pub(super) struct Leased {
    pub(super) consumer: u32,
    pub(super) tag: u64,
    pub(super) envelope: Arc<Envelope>,
    pub(super) attempt: u32,
    pub(super) losses: u32,
    pub(super) deadline: Option<Instant>,
    pub(super) time: Duration,
    pub(super) ends: Instant,
    /// It was claimed once, and is acknowledged already.
    pub(super) once: bool,
    /// A part of a stream was sent.
    pub(super) streams: bool,
}

/// An inbox.
pub(super) struct Mailbox {
    pub(super) sink: Arc<dyn ReplySink>,
    pub(super) opened: Option<AckSender>,
    /// The server has it. Until then its calls are held: nobody could answer them.
    pub(super) is_there: bool,
}

#[cfg(test)]
mod tests {
    use skyloom_core::{QueueName, broker::Ack};

    use super::*;

    #[test]
    fn what_is_done_in_order_is_acknowledged_at_once() {
        let (sender, _kept) = tokio::sync::mpsc::unbounded_channel();
        let channel = Channel::Queue(QueueName::from_static("a"));
        let mut stream = Stream::new(channel, ConsumeOptions::default(), sender, Ack::waiting().0);
        stream.unacked.extend(1..=6);
        [2, 1, 3, 5].into_iter().for_each(|tag| stream.ack(tag));
        assert_eq!(stream.take_acks(), (Some(3), vec![5]));
        stream.ack(5);
        assert_eq!(stream.take_acks(), (None, vec![]), "it was acknowledged before");
        stream.ack(4);
        stream.ack(6);
        assert_eq!(stream.take_acks(), (Some(6), vec![]));
    }
}
