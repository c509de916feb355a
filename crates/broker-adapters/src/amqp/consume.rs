//! Consumers: from their start to their end.

use skyloom_core::{
    Channel,
    broker::{Ack, AckSender, BrokerError, ConsumeOptions, Delivery},
};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    operate::NOT_FOUND,
    operation::{Known, Operation},
    role::{INBOXES, Role},
    standing::Stream,
    state::State,
    target::Target,
    tell::Tell,
    wire::Outgoing,
};

/// The tag of a consumer of new work, on its AMQP channel.
const WORK: &str = "work";
/// The tag of a consumer of what comes back.
pub(super) const AGAIN: &str = "again";

impl State {
    /// Notes a consumer, and starts it as soon as there is a connection.
    pub(super) fn consume(
        &mut self,
        channel: Channel,
        options: ConsumeOptions,
        sender: UnboundedSender<Delivery>,
    ) -> (u32, Ack) {
        let (opened, ack) = Ack::waiting();
        let consumer = self.next_consumer();
        if self.is_closed() {
            opened.send(Err(BrokerError::unavailable("it was closed")));
        } else if options.ephemeral && channel.queue().is_some() {
            let operation = "end a service's queue with its last consumer";
            opened.send(Err(BrokerError::Unsupported { broker: "amqp", operation }));
        } else {
            self.streams.insert(consumer, Stream::new(channel, options, sender, opened));
            self.establish(consumer);
        }
        (consumer, ack)
    }

    /// Declares what a consumer needs, on a live connection.
    pub(super) fn establish(&mut self, consumer: u32) {
        let live = self.is_live();
        let Some(stream) = self.streams.get(&consumer).filter(|_| live) else { return };
        let (ephemeral, target) = (stream.is_ephemeral(), Target::Work(stream.channel.clone()));
        match self.operations.known.get_mut(&target) {
            Some(Known::Ready) => self.subscribe(consumer),
            Some(Known::Asked { consumers, .. }) => consumers.push(consumer),
            None => {
                let asked = Known::Asked { publishings: Vec::new(), consumers: vec![consumer] };
                self.operations.known.insert(target.clone(), asked);
                self.operate(Operation::Declare { target, ephemeral });
            }
        }
    }

    /// What a consumer needs is there: it subscribes.
    pub(super) fn subscribe(&mut self, consumer: u32) {
        let Some(number) = self.free_channel() else {
            let limit = format!("{} AMQP channels", self.tuned.channels);
            return self
                .fallen(consumer, &BrokerError::Full { what: "the connection to the broker".to_owned(), limit });
        };
        let Some(stream) = self.streams.get_mut(&consumer).filter(|stream| !stream.stop) else { return };
        (stream.number, stream.queues) = (Some(number), 0);
        let (credit, again, channel) = (stream.credit(), stream.credit_again(), stream.channel.clone());
        self.roles.insert(number, Role::Consumer(consumer));
        let (work, back) = (self.name(&Target::Work(channel.clone())), self.name(&Target::Again(channel)));
        let mut send = self.send();
        send.open_channel(number);
        // What comes back is older, and is sent first.
        send.qos(number, again);
        send.consume(number, &back, AGAIN, false);
        send.qos(number, credit);
        send.consume(number, &work, WORK, false);
    }

    /// One of a consumer's queues is subscribed to.
    pub(super) fn subscribed(&mut self, consumer: u32) {
        let Some(stream) = self.streams.get_mut(&consumer) else { return };
        stream.queues += 1;
        if stream.queues == 2 {
            self.tells.extend(stream.opened.take().map(|opened| Tell::Ack(opened, Ok(()))));
        }
    }

    /// The server refuses a consumer, which stands no more.
    pub(super) fn fallen(&mut self, consumer: u32, error: &BrokerError) {
        let Some(stream) = self.streams.remove(&consumer) else { return };
        tracing::warn!(channel = %stream.channel, %error, "the broker ends a consumer");
        self.tells.extend(stream.opened.map(|opened| Tell::Ack(opened, Err(error.clone()))));
        self.tells.extend(stream.stopping.into_iter().map(|sender| Tell::Ack(sender, Ok(()))));
        self.tells.extend(stream.sender.map(Tell::Ended));
    }

    /// The server has closed a consumer's AMQP channel, and has taken back what was leased on it.
    pub(super) fn interrupted(&mut self, consumer: u32, number: u16, code: u16, error: BrokerError) {
        self.roles.remove(&number);
        self.send().close_channel_ok(number);
        let opening = self.streams.get(&consumer).is_some_and(|stream| stream.opened.is_some());
        // A queue that was there before may have been deleted since: it is declared anew.
        if opening && code != NOT_FOUND {
            return self.fallen(consumer, &error);
        }
        tracing::warn!(%error, "the broker has interrupted a consumer, which starts anew");
        self.restart(consumer);
    }

    /// A queue of a consumer is gone: it is declared anew.
    pub(super) fn uprooted(&mut self, consumer: u32, number: u16) {
        let stopping = self.streams.get(&consumer).is_none_or(|stream| stream.stop);
        if !stopping {
            self.close_channel(number);
            self.restart(consumer);
        }
    }

    fn restart(&mut self, consumer: u32) {
        let Some(stream) = self.streams.get(&consumer) else { return };
        self.operations.doubt(&Target::Work(stream.channel.clone()));
        self.void(consumer);
        self.establish(consumer);
    }

    fn close_channel(&mut self, number: u16) {
        self.roles.insert(number, Role::Closing { _waiter: None });
        self.send().close_channel(number);
    }

    /// Nothing that a consumer held on its AMQP channel is its any more.
    fn void(&mut self, consumer: u32) {
        let error = self.lost();
        let Some(stream) = self.streams.get_mut(&consumer) else { return };
        (stream.number, stream.queues, stream.leased) = (None, 0, 0);
        stream.life = stream.life.wrapping_add(1);
        stream.unacked.clear();
        stream.acks.clear();
        stream.waiting.clear();
        self.tells.extend(stream.barriers.drain(..).map(|sender| Tell::Ack(sender, Err(error.clone()))));
        if stream.stop {
            self.tells.extend(stream.stopping.drain(..).map(|sender| Tell::Ack(sender, Ok(()))));
            self.tells.extend(stream.sender.take().map(Tell::Ended));
            self.streams.remove(&consumer);
        }
        self.leases.retain(|_, leased| leased.consumer != consumer);
    }

    /// The connection has ended.
    pub(super) fn detach_streams(&mut self) {
        let consumers: Vec<u32> = self.streams.keys().copied().collect();
        consumers.into_iter().for_each(|consumer| self.void(consumer));
    }

    /// Asks for no more deliveries.
    pub(super) fn stop(&mut self, consumer: u32) -> Ack {
        let Some(stream) = self.streams.get_mut(&consumer).filter(|stream| stream.sender.is_some()) else {
            return Ack::ready(Ok(()));
        };
        if stream.number.is_none() {
            // It has not begun.
            stream.stop = true;
            self.void(consumer);
            return Ack::ready(Ok(()));
        }
        let (sender, ack) = Ack::waiting();
        stream.stopping.push(sender);
        if !stream.stop {
            stream.stop = true;
            if stream.is_ephemeral() { self.leave(consumer) } else { self.cancel(consumer) }
        }
        ack
    }

    /// Ends a consumer's deliveries.
    pub(super) fn cancel(&mut self, consumer: u32) {
        let Some(number) = self.streams.get(&consumer).and_then(|stream| stream.number) else { return };
        let mut send = self.send();
        send.cancel(number, AGAIN);
        send.cancel(number, WORK);
    }

    /// One of a consumer's queues sends nothing more.
    pub(super) fn cancelled(&mut self, consumer: u32) {
        let Some(stream) = self.streams.get_mut(&consumer) else { return };
        stream.queues = stream.queues.saturating_sub(1);
        if stream.queues > 0 {
            return;
        }
        self.tells.extend(stream.sender.take().map(Tell::Ended));
        self.tells.extend(stream.stopping.drain(..).map(|sender| Tell::Ack(sender, Ok(()))));
        let unseen: Vec<_> = stream.waiting.drain(..).collect();
        for arrived in unseen {
            self.give_back(consumer, arrived);
        }
        self.touched.push(consumer);
    }

    /// Writes what was gathered and what is to be acknowledged, and closes AMQP channels that have served.
    pub(super) fn flush(&mut self) {
        self.flush_replies();
        while let Some(consumer) = self.touched.pop() {
            let Some(stream) = self.streams.get_mut(&consumer) else { continue };
            let Some(number) = stream.number else { continue };
            let (all, single) = stream.take_acks();
            let idle = stream.leased == 0 && stream.unacked.is_empty() && stream.barriers.is_empty();
            let ended = stream.sender.is_none() && idle;
            let mut send = Outgoing(&mut self.out);
            if let Some(tag) = all {
                send.ack(number, tag, true);
            }
            single.into_iter().for_each(|tag| send.ack(number, tag, false));
            if ended {
                self.streams.remove(&consumer);
                self.close_channel(number);
            }
        }
        if let Some(tag) = self.replied.take() {
            self.send().ack(INBOXES, tag, true);
        }
    }

    /// Somebody is told when the server has read everything that a consumer has sent.
    pub(super) fn barrier(&mut self, consumer: u32, sender: AckSender) {
        let Some(stream) = self.streams.get_mut(&consumer) else { return };
        let Some(number) = stream.number else { return };
        let credit = stream.credit();
        stream.barriers.push_back(sender);
        // It changes nothing, and is answered.
        self.send().qos(number, credit);
    }

    /// The server has set a consumer's credit: at its start, or to answer a barrier.
    pub(super) fn credited(&mut self, consumer: u32) {
        let Some(stream) = self.streams.get_mut(&consumer).filter(|stream| stream.queues == 2 || stream.stop) else {
            return;
        };
        if let Some(sender) = stream.barriers.pop_front() {
            self.tells.push(Tell::Ack(sender, Ok(())));
            self.touched.push(consumer);
        }
    }
}
