//! Handing messages to consumers.

use crate::engine::{
    Engine, Output,
    state::{ChannelState, JobPlace},
};

impl<M: Clone> Engine<M> {
    /// Hands out what waits in the channels that the step has stirred.
    #[inline]
    pub(crate) fn deliver_stirred(&mut self, out: &mut Vec<Output<M>>) {
        while let Some(key) = self.stirred.pop() {
            while let Some(channel) = self.channels.get_mut(key)
                && channel.is_eager(self.now)
                && let Some(slot) = channel.waiting.pop_first()
            {
                self.hand_out(slot, out);
            }
        }
    }

    /// Takes a new message: to a consumer if one is free, to its place in the queue if not.
    #[inline]
    pub(crate) fn place(&mut self, key: u32, slot: u32, out: &mut Vec<Output<M>>) {
        let free = |channel: &ChannelState| channel.is_eager(self.now) && channel.waiting.is_empty();
        if self.channels.get(key).is_some_and(free) {
            self.hand_out(slot, out);
        } else {
            self.wait(slot);
        }
    }

    /// Hands a message that is in no index to the next consumer in its channel's rotation, of
    /// which there must be one; if its time is over, lets it go.
    #[inline]
    fn hand_out(&mut self, slot: u32, out: &mut Vec<Output<M>>) {
        let Some(message) = self.messages.get(slot) else { return };
        if message.expires <= self.now {
            self.expire(slot, out);
            return;
        }
        let Some(channel) = self.channels.get_mut(message.channel) else { return };
        if let Some(conn) = channel.tube.first_waiter() {
            self.serve(conn, slot, out);
            return;
        }
        let Some(key) = channel.rotation.pop_front() else { return };
        let Some(consumer) = self.consumers.get_mut(key) else { return };
        let Some(conn) = consumer.conn else { return };
        let lease_time = consumer.options.lease;
        let deadline = self.now.after(lease_time);
        let position = u32::try_from(consumer.held.len()).unwrap_or(u32::MAX);
        let Some(lease) = self.leases.grant(slot, key, position, deadline) else { return };
        self.timers.set_lease(deadline, lease);
        consumer.held.push(lease.slot);
        consumer.queued = consumer.has_credit(channel.is_wary());
        if consumer.queued {
            channel.rotation.push_back(key);
        }
        channel.leased += 1;
        channel.counters.redelivered += u64::from(message.attempts > 0);
        out.push(Output::Deliver {
            conn,
            consumer: consumer.id,
            lease,
            lease_time,
            attempt: message.attempts.saturating_add(1),
            time_to_live: message.expires.left(self.now),
            waited: self.now.since(message.enqueued),
            body: message.body.clone(),
        });
        self.mark_job(slot, JobPlace::Reserved(lease));
    }
}
