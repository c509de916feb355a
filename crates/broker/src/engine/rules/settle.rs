//! What the holder of a lease may do with it.

use skyloom_core::broker::{BrokerError, Lease};

use crate::engine::{Conn, Engine, Output, Settle};

impl<M: Clone> Engine<M> {
    /// Ends a lease; with a reply, both are one operation.
    #[inline]
    pub(crate) fn settle(
        &mut self,
        conn: Conn,
        lease: Lease,
        settle: Settle<M>,
        out: &mut Vec<Output<M>>,
    ) -> Result<(), BrokerError> {
        let message = self.held(conn, lease)?.message;
        if let Some(key) = self.messages.get(message).map(|message| message.channel)
            && let Some(channel) = self.channels.get_mut(key)
        {
            channel.counters.settled += 1;
        }
        match settle {
            Settle::Reply(body) => {
                self.end_lease(lease.slot);
                if let Some((inbox, call)) =
                    self.discard(message).and_then(|stored| Some((stored.reply_to?, stored.id)))
                {
                    self.reply(inbox, call, body, out);
                }
            }
            Settle::Done => {
                self.end_lease(lease.slot);
                self.discard(message);
            }
            Settle::Retry { delay, reason } => {
                self.acquit(message);
                self.fail(lease.slot, &reason, delay, out);
            }
            Settle::Release => self.release(lease.slot, out),
            Settle::Bury { reason } => {
                self.end_lease(lease.slot);
                let attempts = self.messages.get_mut(message).map_or(1, |message| {
                    message.attempts = message.attempts.saturating_add(1);
                    message.attempts
                });
                let error = BrokerError::Dead { attempts, reason: reason.clone() };
                self.bury(message, &reason, error, out);
            }
        }
        Ok(())
    }

    /// Sends a reply that is not the final one.
    pub(crate) fn partial(
        &mut self,
        conn: Conn,
        lease: Lease,
        body: M,
        out: &mut Vec<Output<M>>,
    ) -> Result<(), BrokerError> {
        let held = self.held(conn, lease)?;
        let (message, consumer, began) = (held.message, held.consumer, !std::mem::replace(&mut held.streams, true));
        if began && let Some(consumer) = self.consumers.get_mut(consumer) {
            consumer.streams += 1;
        }
        if let Some((inbox, call)) = self.awaiting(message)
            && !self.reply(inbox, call, body, out)
            && let Some(stored) = self.messages.get_mut(message)
        {
            stored.reply_to = None;
        }
        if began {
            self.queue_up(consumer);
        }
        Ok(())
    }

    /// Starts the lease's time anew, though never to end sooner. The timer that was set for its old
    /// end moves on by itself. Whoever sends a stream hears by it that nobody reads that any more; the lease lasts
    /// nevertheless, so that the work does not begin again elsewhere while it ends here.
    pub(crate) fn extend(&mut self, conn: Conn, lease: Lease) -> Result<(), BrokerError> {
        let consumer = self.held(conn, lease)?.consumer;
        let time = self.consumers.get(consumer).ok_or(BrokerError::Stale)?.options.lease;
        let deadline = self.now.after(time);
        let held = self.held(conn, lease)?;
        held.deadline = held.deadline.max(deadline);
        let (message, streams) = (held.message, held.streams);
        match self.awaiting(message) {
            Some((inbox, _)) if self.inboxes.contains_key(&inbox) => Ok(()),
            _ if streams => Err(BrokerError::unread()),
            _ => Ok(()),
        }
    }

    /// Makes this lease the message's last.
    pub(crate) fn once(&mut self, conn: Conn, lease: Lease) -> Result<(), BrokerError> {
        self.held(conn, lease)?.once = true;
        Ok(())
    }
}
