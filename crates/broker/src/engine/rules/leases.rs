//! How leases end.

use std::time::Duration;

use skyloom_core::{
    Guid,
    broker::{BrokerError, Lease},
};

use crate::engine::{Conn, Engine, Output, state::Held};

impl<M> Engine<M> {
    /// What this connection holds under this lease; [`BrokerError::Stale`] if it does not.
    #[inline]
    pub(crate) fn held(&mut self, conn: Conn, lease: Lease) -> Result<&mut Held, BrokerError> {
        let held = self.leases.get_mut(lease).ok_or(BrokerError::Stale)?;
        match self.consumers.get(held.consumer) {
            Some(consumer) if consumer.conn == Some(conn) => Ok(held),
            _ => Err(BrokerError::Stale),
        }
    }

    /// The inbox and the call of a leased message, if it has one that still awaits a reply.
    pub(crate) fn awaiting(&self, message: u32) -> Option<(Guid, Guid)> {
        self.messages.get(message).and_then(|stored| Some((stored.reply_to?, stored.id)))
    }

    /// Ends the lease in this slot and gives its consumer the credit back. The message is in no
    /// index then.
    #[inline]
    pub(crate) fn end_lease(&mut self, slot: u32) -> Option<Held> {
        let held = self.leases.end(slot)?;
        self.timers.leases.cancel();
        if let Some(message) = self.messages.get(held.message)
            && let Some(channel) = self.channels.get_mut(message.channel)
        {
            channel.leased -= 1;
        }
        let consumer = self.consumers.get_mut(held.consumer)?;
        consumer.streams -= usize::from(held.streams);
        let position = held.position as usize;
        if position < consumer.held.len() {
            consumer.held.swap_remove(position);
        }
        if let Some(moved) = consumer.held.get(position)
            && let Some(moved) = self.leases.at_mut(*moved)
        {
            moved.position = held.position;
        }
        if consumer.is_over() {
            self.forget_consumer(held.consumer);
        } else if !consumer.queued {
            self.queue_up(held.consumer);
        }
        Some(held)
    }

    /// Forgets a consumer that neither wants nor holds anything.
    pub(crate) fn forget_consumer(&mut self, key: u32) {
        if let Some(consumer) = self.consumers.remove(key)
            && let Some(conn) = consumer.conn
            && let Some(connection) = self.connections.get_mut(&conn)
            && connection.consumers.get(&consumer.id) == Some(&key)
        {
            connection.consumers.remove(&consumer.id);
        }
    }

    /// Ends a lease as a failed attempt: the message returns, now or after a delay, or becomes a
    /// dead letter.
    pub(crate) fn fail(&mut self, slot: u32, reason: &str, delay: Duration, out: &mut Vec<Output<M>>) {
        let Some(held) = self.leases.at_mut(slot) else { return };
        let most = self.consumers.get(held.consumer).map_or(1, |consumer| consumer.options.max_attempts);
        let Some(held) = self.end_lease(slot) else { return };
        let Some(message) = self.messages.get_mut(held.message) else { return };
        message.attempts = message.attempts.saturating_add(1);
        let attempts = message.attempts;
        if held.once {
            self.bury_once(held.message, reason, out);
        } else if attempts >= most {
            let error = BrokerError::Dead { attempts, reason: reason.to_owned() };
            self.bury(held.message, reason, error, out);
        } else {
            self.give_back(held.message, delay, out);
        }
    }

    /// Ends a lease of whose holder nothing is heard any more, as a failed attempt.
    pub(crate) fn lose(&mut self, slot: u32, reason: &str, out: &mut Vec<Output<M>>) {
        if let Some(held) = self.leases.at(slot) {
            let message = held.message;
            self.suspect(message);
        }
        self.fail(slot, reason, Duration::ZERO, out);
    }

    /// Ends a lease as if it had not been.
    pub(crate) fn release(&mut self, slot: u32, out: &mut Vec<Output<M>>) {
        let Some(held) = self.end_lease(slot) else { return };
        if held.once {
            self.bury_once(held.message, "the worker gave it back", out);
        } else {
            self.give_back(held.message, Duration::ZERO, out);
        }
    }

    fn give_back(&mut self, message: u32, delay: Duration, out: &mut Vec<Output<M>>) {
        let Some(key) = self.messages.get(message).map(|message| message.channel) else { return };
        if self.channels.get(key).is_none_or(|channel| channel.detached) {
            self.abandon(message, out);
        } else if delay.is_zero() {
            self.wait(message);
        } else {
            self.hold_back(message, self.now.after(delay));
        }
    }

    fn bury_once(&mut self, message: u32, reason: &str, out: &mut Vec<Output<M>>) {
        let reason = format!("it may be tried only once, so its outcome is unknown: {reason}");
        self.bury(message, &reason, BrokerError::lost(reason.as_str()), out);
    }
}
