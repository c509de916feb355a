//! Sending messages, and what becomes of them.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, TopicName,
    broker::{Ack, AckSender, BrokerError, EnqueueOptions},
};
use tokio::time::Instant;

use super::{
    operation::{Known, Operation},
    pending::{Done, MAX_WAITING, Pending, Publishing, Repeat},
    standing::Stream,
    state::{MAX_OUTGOING, Phase, State, wall_clock},
    target::{Target, first_wait},
    tell::Tell,
    wire::{Address, Marks, Outgoing},
};

/// Beyond this many bytes that wait to be written, a caller's sender waits for the confirmation.
const HIGH_WATER: usize = 256 << 10;

/// How the name of this broker reads in errors.
const NAME: &str = "amqp";

impl State {
    /// Puts an envelope on a channel.
    pub(super) fn enqueue(&mut self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        if options.priority != EnqueueOptions::DEFAULT_PRIORITY {
            return unsupported("order messages by priority");
        }
        let call = envelope.reply_to.is_some();
        let budget = envelope.budget.map(|budget| u64::try_from(budget.as_millis()).unwrap_or(u64::MAX));
        let mut marks = Marks { persistent: !call, ..Marks::default() };
        if let Some(budget) = budget {
            // RabbitMQ takes what fits 32 bits.
            marks.expiration = Some(budget.min(u32::MAX.into()));
            marks.sent = Some(wall_clock());
        }
        let target = if options.delay.is_zero() {
            Target::Work(channel.clone())
        } else if matches!(channel, Channel::Instance(_)) {
            return unsupported("hold back what is for a running instance");
        } else {
            marks.expiration = None;
            self.later(channel, options.delay, &mut marks)
        };
        self.submit(target, envelope, marks)
    }

    /// Where work waits for this time, or the first part of it.
    pub(super) fn later(&self, channel: &Channel, delay: Duration, marks: &mut Marks) -> Target {
        let delay = u64::try_from(delay.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        let (wait, rest) = first_wait(delay);
        marks.delay = rest;
        Target::Later(channel.clone(), wait)
    }

    /// Puts an event on a topic.
    pub(super) fn announce(&mut self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        let marks = Marks { persistent: true, ..Marks::default() };
        self.submit(Target::Topic(topic.clone()), envelope, marks)
    }

    fn submit(&mut self, target: Target, envelope: Arc<Envelope>, marks: Marks) -> Ack {
        if self.is_closed() {
            return Ack::ready(Err(BrokerError::unavailable("it was closed")));
        }
        let (size, limit) = (envelope.encoded_len(), self.options.limits.message_bytes);
        if size > limit {
            return Ack::ready(Err(BrokerError::TooLarge { size, limit }));
        }
        if self.out.len() > MAX_OUTGOING || self.confirms.len() >= MAX_WAITING {
            let what = "the connection to the broker, which does not keep up,".to_owned();
            let limit = format!("{MAX_WAITING} messages or {MAX_OUTGOING} bytes");
            return Ack::ready(Err(BrokerError::Full { what, limit }));
        }
        let inbox = envelope.reply_to.filter(|inbox| self.mailboxes.contains_key(inbox));
        let at_once = self.phase == Phase::Live
            && self.blocked.is_none()
            && self.out.len() <= HIGH_WATER
            && !self.awaits_inbox(&envelope);
        let (done, ack) = match inbox {
            // A refusal reaches the inbox.
            Some(inbox) if at_once => (Done::Call { inbox, sender: None }, Ack::ready(Ok(()))),
            _ => {
                let (sender, ack) = Ack::waiting();
                match inbox {
                    Some(inbox) => (Done::Call { inbox, sender: Some(sender) }, ack),
                    None => (Done::Sender(sender), ack),
                }
            }
        };
        self.publish(Publishing::new(target, envelope, marks, done));
        ack
    }

    /// Sends a message as soon as there is a connection, an inbox for its reply, and its target is declared.
    pub(super) fn publish(&mut self, publishing: Publishing) {
        if !self.is_live() || self.blocked.is_some() || self.awaits_inbox(&publishing.envelope) {
            if self.phase == Phase::Closed {
                let error = self.unavailable();
                return self.fail(publishing.done, publishing.envelope.id, error);
            }
            return match self.held.room(publishing.envelope.encoded_len()) {
                // Over however many connections, it waits only once.
                Ok(()) => self.held.push(publishing.until(), publishing),
                Err(error) => self.fail(publishing.done, publishing.envelope.id, error),
            };
        }
        let Some(needed) = declared_for(&publishing.target) else { return self.write(publishing) };
        match self.operations.known.get_mut(&needed) {
            Some(Known::Ready) => self.write(publishing),
            Some(Known::Asked { publishings, .. }) => publishings.push(publishing),
            None => {
                let asked = Known::Asked { publishings: vec![publishing], consumers: Vec::new() };
                self.operations.known.insert(needed.clone(), asked);
                self.operate(Operation::Declare { target: needed, ephemeral: false });
            }
        }
    }

    pub(super) fn write(&mut self, publishing: Publishing) {
        let now = Instant::now();
        let (left, until) = (publishing.left(now), publishing.until());
        let Publishing { target, envelope, mut marks, done, begun, refused } = publishing;
        if done.is_abandoned() {
            // Who still listens has taken it back.
            return self.fail(done, envelope.id, BrokerError::unavailable("its time ran out before it could be sent"));
        }
        if left == Some(0) {
            return self.fail(done, envelope.id, BrokerError::Expired);
        }
        if self.is_void(&done) {
            // The server has taken back what this is to replace, and delivers it again.
            return self.fail(done, envelope.id, BrokerError::Stale);
        }
        let name = self.name(&target);
        let topic = matches!(target, Target::Topic(_));
        let (exchange, key) = if topic { (name.as_str(), "") } else { ("", name.as_str()) };
        let address = Address { channel: self.outlet, exchange, key, mandatory: !topic, frame: self.tuned.frame };
        let whole = std::mem::replace(&mut marks.expiration, left);
        Outgoing(&mut self.out).publish(&address, &marks, &envelope);
        marks.expiration = whole;
        let id = envelope.id;
        let repeat = self.may_repeat(&target).then(|| Box::new(Repeat { envelope, marks, begun, refused }));
        self.confirms.push(Pending { id, target, done, until, returned: false, repeat });
    }

    /// Whether a message is to replace a delivery that the server has taken back meanwhile.
    fn is_void(&self, done: &Done) -> bool {
        let Done::Move { consumer, life, .. } = done else { return false };
        self.streams.get(consumer).is_none_or(|stream| stream.life != *life)
    }

    /// Whether a message is to replace a delivery of a channel that goes with its last consumer.
    fn is_of_ephemeral(&self, done: &Done) -> bool {
        let Done::Move { consumer, .. } = done else { return false };
        self.streams.get(consumer).is_none_or(Stream::is_ephemeral)
    }

    /// The server has accepted or refused messages.
    pub(super) fn confirmed(&mut self, channel: u16, tag: u64, multiple: bool, accepted: bool) {
        for pending in self.confirms_of(channel).map(|confirms| confirms.take(tag, multiple)).unwrap_or_default() {
            let Pending { id, target, done, returned, repeat, .. } = pending;
            match (accepted, returned) {
                (true, false) => self.accepted(done),
                (true, true) => self.unrouted(&target, done, id),
                (false, _) => self.not_accepted(target, done, id, repeat),
            }
        }
        self.close_former();
    }

    fn accepted(&mut self, done: Done) {
        match done {
            Done::Nobody | Done::Call { sender: None, .. } => {}
            Done::Sender(sender) | Done::Call { sender: Some(sender), .. } => self.ack(sender, Ok(())),
            Done::Move { consumer, life, tag, sender } => self.moved(consumer, life, tag, sender),
            Done::Token { inbox } => self.operate(Operation::Inbox { inbox, anew: false }),
        }
    }

    /// What replaces a delivery is at the server.
    fn moved(&mut self, consumer: u32, life: u32, tag: u64, sender: Option<AckSender>) {
        // In another life the tag is another delivery's.
        if let Some(stream) = self.streams.get_mut(&consumer).filter(|stream| stream.life == life) {
            stream.ack(tag);
            self.touched.push(consumer);
        }
        if let Some(sender) = sender {
            self.ack(sender, Ok(()));
        }
    }

    /// No queue has taken a message.
    fn unrouted(&mut self, target: &Target, done: Done, id: Guid) {
        if let Some(needed) = declared_for(target) {
            self.operations.doubt(&needed);
        }
        let error = match target {
            Target::Inbox(_) => {
                return match done {
                    Done::Sender(asks) => self.ack(asks, Err(BrokerError::unread())),
                    // Whoever wanted the reply is gone, and that is nobody's fault.
                    done => self.accepted(done),
                };
            }
            Target::Work(Channel::Instance(instance)) => BrokerError::Gone { instance: *instance },
            // The channel has gone with its last consumer, and takes along what it held.
            Target::Again(_) if self.is_of_ephemeral(&done) => return self.accepted(done),
            target => BrokerError::unavailable(format!("queue {} was deleted; try again", self.name(target))),
        };
        self.fail(done, id, error);
    }

    pub(super) fn refusal(&self, target: &Target) -> BrokerError {
        let limits = &self.options.limits;
        match target {
            Target::Topic(topic) => {
                BrokerError::lost(format!("a group of topic {topic} is full; others may have the event"))
            }
            Target::Work(channel) => BrokerError::Full {
                what: format!("channel {channel}"),
                limit: format!("{} messages or {} bytes", limits.messages, limits.bytes),
            },
            other => BrokerError::Full {
                what: format!("queue {}", self.name(other)),
                limit: "what a policy of the server sets".to_owned(),
            },
        }
    }

    /// A message was not accepted, or nobody knows whether it was.
    pub(super) fn fail(&mut self, done: Done, id: Guid, error: BrokerError) {
        match done {
            Done::Nobody => {}
            Done::Sender(sender) | Done::Call { sender: Some(sender), .. } => self.ack(sender, Err(error)),
            Done::Call { inbox, sender: None } => {
                if let Some(mailbox) = self.mailboxes.get(&inbox) {
                    self.tells.push(Tell::Refused(Arc::clone(&mailbox.sink), id, error));
                }
            }
            Done::Move { consumer, life, tag, sender } => {
                self.requeue(consumer, life, tag);
                if let Some(sender) = sender {
                    self.ack(sender, Err(error));
                }
            }
            Done::Token { inbox } => self.inbox_is_lost(inbox),
        }
    }

    /// Gives a delivery back to the server, which delivers it again.
    fn requeue(&mut self, consumer: u32, life: u32, tag: u64) {
        let live = self.is_live();
        let Some(stream) = self.streams.get_mut(&consumer).filter(|stream| stream.life == life) else { return };
        if let (true, Some(number), true) = (live, stream.number, stream.unacked.remove(&tag)) {
            Outgoing(&mut self.out).requeue(number, tag);
            self.touched.push(consumer);
        }
    }
}

/// What must be declared before anything is sent there; what its owner declares needs nothing.
fn declared_for(target: &Target) -> Option<Target> {
    match target {
        Target::Work(channel @ Channel::Queue(_)) | Target::Again(channel @ Channel::Queue(_)) => {
            Some(Target::Work(channel.clone()))
        }
        Target::Work(_) | Target::Again(_) | Target::Inbox(_) | Target::Token(_) => None,
        other => Some(other.clone()),
    }
}

fn unsupported(operation: &'static str) -> Ack {
    Ack::ready(Err(BrokerError::Unsupported { broker: NAME, operation }))
}
