//! The end of a channel that goes with its last consumer.

use super::{operation::Operation, state::State, target::Target};

impl State {
    /// Lets a consumer leave an ephemeral channel. The server would remove the channel by itself, but only some time
    /// after its last consumer: until then RabbitMQ 4 refuses what is sent there, and an event's sender could not
    /// know that it has reached everybody. So the last one removes it, and leaves then.
    pub(super) fn leave(&mut self, consumer: u32) {
        let Some(channel) = self.streams.get(&consumer).map(|stream| stream.channel.clone()) else { return };
        let work = self.name(&Target::Work(channel));
        self.operate(Operation::Leave { consumer, work });
    }

    /// So many consume the channel that a consumer leaves.
    pub(super) fn counted_before_leaving(&mut self, consumer: u32, counted: Option<(u32, u32)>) {
        let Some(channel) = self.streams.get(&consumer).map(|stream| stream.channel.clone()) else { return };
        if counted.is_some_and(|(_, consumers)| consumers > 1) {
            return self.cancel(consumer);
        }
        let (work, again) = (self.name(&Target::Work(channel.clone())), self.name(&Target::Again(channel)));
        self.operate(Operation::Remove { consumer, work, again });
    }
}
