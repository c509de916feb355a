//! Declaring what there is to be, and counting what there is.

use skyloom_core::{Channel, Guid, broker::BrokerError};

use super::{
    operation::{Known, Operation, Running},
    options::QueueKind,
    pending::{Done, Publishing},
    role::TOPOLOGY,
    state::State,
    target::Target,
    tell::Tell,
    wire::{Argument, Arguments, Marks, Outgoing, Shape},
};

/// How long the server keeps what goes with its last consumer, if that never comes.
const EPHEMERAL_GRACE: i64 = 120_000;
/// How many channels are remembered; see [`Target::Index`].
const INDEX_MESSAGES: i64 = 10_000;
/// How often a quorum queue delivers a message by itself. Attempts are limited by consumers, far below, and whoever looks
/// into a queue is counted as well. Without a limit of ours RabbitMQ 4 has one of its own, which is 20.
const DELIVERY_LIMIT: i64 = 100_000;

/// The feature that a server names which denies transient queues.
const TRANSIENT: &str = "transient_nonexcl_queues";

/// The server's codes for what is not there, and for what is there and different.
pub(super) const NOT_FOUND: u16 = 404;
const DIFFERENT: u16 = 406;

impl State {
    /// Asks for something, after everything that was asked for before.
    pub(super) fn operate(&mut self, operation: Operation) {
        self.operations.waiting.push_back(operation);
        self.next_operation();
    }

    fn next_operation(&mut self) {
        if self.operations.running.is_some() || !self.is_live() {
            return;
        }
        let Some(operation) = self.operations.waiting.pop_front() else { return };
        let answers = match &operation {
            Operation::Declare { target, ephemeral } => self.declare(target, *ephemeral),
            Operation::Inbox { inbox, anew } => self.declare_inbox(*inbox, *anew),
            Operation::Remove { work, again, .. } => {
                [work, again].into_iter().for_each(|queue| Outgoing(&mut self.out).remove(TOPOLOGY, queue));
                2
            }
            Operation::Count { queue, .. } | Operation::Leave { work: queue, .. } => {
                Outgoing(&mut self.out).declare(TOPOLOGY, queue, Shape::Passive, &Vec::new());
                1
            }
            Operation::Purge { queue, .. } => {
                Outgoing(&mut self.out).purge(TOPOLOGY, queue);
                1
            }
        };
        self.operations.running = Some(Running { operation, answers, counted: None });
    }

    fn number(&self, limit: usize) -> Argument {
        Argument::Number(i64::try_from(limit).unwrap_or(i64::MAX))
    }

    /// Declares a target; returns how many answers come.
    fn declare(&mut self, target: &Target, ephemeral: bool) -> u32 {
        let name = self.name(target);
        let quorum = self.options.queues == QueueKind::Quorum && !ephemeral;
        let mut arguments: Arguments = Vec::new();
        if quorum {
            arguments.push(("x-queue-type", Argument::Text("quorum".to_owned())));
            arguments.push(("x-delivery-limit", Argument::Number(DELIVERY_LIMIT)));
        }
        let shape = if ephemeral { Shape::Ephemeral } else { Shape::Durable };
        match target {
            Target::Work(channel) => {
                if ephemeral {
                    arguments.push(("x-expires", Argument::Number(EPHEMERAL_GRACE)));
                }
                let again = self.name(&Target::Again(channel.clone()));
                self.send().declare(TOPOLOGY, &again, shape, &arguments);
                arguments.push(("x-max-length", self.number(self.options.limits.messages)));
                arguments.push(("x-max-length-bytes", self.number(self.options.limits.bytes)));
                arguments.push(("x-overflow", Argument::Text("reject-publish".to_owned())));
                // A call whose time has run out is seen by a worker, which tells its caller.
                arguments.extend(moved_to(again));
                self.send().declare(TOPOLOGY, &name, shape, &arguments);
                if let Channel::Group(topic, _) = channel {
                    let exchange = self.name(&Target::Topic(topic.clone()));
                    self.send().declare_fanout(TOPOLOGY, &exchange);
                    self.send().bind(TOPOLOGY, &name, &exchange);
                    return 4;
                }
                return 2;
            }
            Target::Topic(_) => {
                self.send().declare_fanout(TOPOLOGY, &name);
                return 1;
            }
            Target::Dead(_) => arguments.push(("x-max-length", self.number(self.options.limits.messages))),
            Target::Later(channel, time) => {
                let time = i64::try_from(*time).unwrap_or(i64::MAX);
                arguments.push(("x-message-ttl", Argument::Number(time)));
                arguments.extend(moved_to(self.name(&Target::Again(channel.clone()))));
            }
            Target::Index | Target::Again(_) | Target::Inbox(_) | Target::Token(_) => {
                arguments.push(("x-max-length", Argument::Number(INDEX_MESSAGES)));
            }
        }
        self.send().declare(TOPOLOGY, &name, shape, &arguments);
        1
    }

    /// The server has answered a part of what runs.
    pub(super) fn answered(&mut self, counted: Option<(u32, u32)>) {
        let Some(mut running) = self.operations.running.take() else { return };
        running.answers = running.answers.saturating_sub(1);
        // Work is declared after what comes back.
        running.counted = counted.or(running.counted);
        if running.answers > 0 {
            self.operations.running = Some(running);
            return;
        }
        match running.operation {
            Operation::Declare { target, ephemeral } => self.declared(target, ephemeral, running.counted),
            Operation::Inbox { inbox, anew } => self.inbox_is_there(inbox, anew, running.counted),
            Operation::Leave { consumer, .. } => self.counted_before_leaving(consumer, running.counted),
            Operation::Remove { consumer, .. } => self.cancel(consumer),
            Operation::Count { reply, .. } | Operation::Purge { reply, .. } => {
                self.tells.push(Tell::Counted(reply, Ok(running.counted)));
            }
        }
        self.next_operation();
    }

    fn declared(&mut self, target: Target, ephemeral: bool, counted: Option<(u32, u32)>) {
        let (publishings, consumers) = match self.operations.known.remove(&target) {
            Some(Known::Asked { publishings, consumers }) => (publishings, consumers),
            _ => (Vec::new(), Vec::new()),
        };
        if !ephemeral {
            self.operations.known.insert(target.clone(), Known::Ready);
        }
        publishings.into_iter().for_each(|publishing| self.write(publishing));
        consumers.into_iter().for_each(|consumer| self.subscribe(consumer));
        if let (Target::Work(channel), Some((0, 0)), false) = (&target, counted, ephemeral) {
            self.note_channel(channel);
        }
    }

    /// Notes a channel that may be new, for those who want to see all of them.
    fn note_channel(&mut self, channel: &Channel) {
        let mut note = skyloom_core::Envelope::new(skyloom_core::Kind::Event, Guid::call());
        note.payload = channel.to_string().into();
        let marks = Marks { persistent: true, ..Marks::default() };
        self.publish(Publishing::new(Target::Index, note.into(), marks, Done::Nobody));
    }

    /// The server has ended the connection. If that is what it says to an inbox, it would say it again.
    pub(super) fn dismissed(&mut self, code: u16, text: &str) -> String {
        let reason = explain(code, text);
        if let Some(Running { operation: Operation::Inbox { inbox, .. }, .. }) = self.operations.running
            && text.contains(TRANSIENT)
        {
            self.inbox_is_refused(inbox, BrokerError::refused(reason.clone()));
        }
        reason
    }

    /// The server has refused what runs, and has closed the channel with it.
    pub(super) fn refused(&mut self, code: u16, text: &str) {
        self.send().close_channel_ok(TOPOLOGY);
        self.send().open_channel(TOPOLOGY);
        let error = || BrokerError::refused(explain(code, text));
        match self.operations.running.take().map(|running| running.operation) {
            Some(Operation::Declare { target, .. }) => self.not_declared(&target, &error()),
            Some(Operation::Inbox { inbox, anew: false }) if code == NOT_FOUND => self.inbox_is_lost(inbox),
            Some(Operation::Inbox { inbox, .. }) => self.inbox_is_refused(inbox, error()),
            Some(Operation::Leave { consumer, .. } | Operation::Remove { consumer, .. }) => self.cancel(consumer),
            Some(Operation::Count { reply, .. } | Operation::Purge { reply, .. }) => {
                let counted = if code == NOT_FOUND { Ok(None) } else { Err(error()) };
                self.tells.push(Tell::Counted(reply, counted));
            }
            None => tracing::warn!(code, text, "the broker has closed a channel"),
        }
        self.next_operation();
    }

    fn not_declared(&mut self, target: &Target, error: &BrokerError) {
        tracing::warn!(queue = self.name(target), %error, "the broker does not declare a queue");
        let Some(Known::Asked { publishings, consumers }) = self.operations.known.remove(target) else { return };
        for publishing in publishings {
            self.fail(publishing.done, publishing.envelope.id, error.clone());
        }
        consumers.into_iter().for_each(|consumer| self.fallen(consumer, error));
    }
}

/// Where the server puts what it takes out of a queue.
fn moved_to(queue: String) -> [(&'static str, Argument); 2] {
    [("x-dead-letter-exchange", Argument::Text(String::new())), ("x-dead-letter-routing-key", Argument::Text(queue))]
}

/// What the server has said, and what to do about it.
pub(super) fn explain(code: u16, text: &str) -> String {
    match code {
        DIFFERENT => format!(
            "{text}; somebody has declared it with other limits: give everybody the same options of the URL, or \
             delete the queue"
        ),
        403 if text.contains("Login was refused") => {
            "ACCESS_REFUSED - Login was refused: check the user's name and the password in the URL".to_owned()
        }
        _ if text.contains(TRANSIENT) => {
            "it denies transient queues, and inboxes are such: add inboxes=durable to the URL".to_owned()
        }
        403 => format!("{text}; the user needs configure, write and read permission for what begins with the prefix"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_server_that_denies_transient_queues_is_one_option_away() {
        let said = "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.\nIts use is not permitted";
        assert!(explain(541, said).contains("add inboxes=durable to the URL"));
    }
}
