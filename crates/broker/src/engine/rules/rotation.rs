//! Which consumers take their turns.

use crate::engine::{Conn, Engine};

impl<M> Engine<M> {
    /// A consumer that may be handed messages joins the end of its channel's rotation, unless it is
    /// in it.
    pub(crate) fn queue_up(&mut self, key: u32) {
        let Some(consumer) = self.consumers.get_mut(key) else { return };
        let channel = consumer.channel;
        let Some(state) = self.channels.get_mut(channel) else { return };
        if consumer.queued || !consumer.has_credit(state.is_wary()) {
            return;
        }
        consumer.queued = true;
        state.rotation.push_back(key);
        self.stir(channel);
    }

    /// A consumer leaves its channel's rotation, if it is in it.
    pub(crate) fn step_aside(&mut self, key: u32) {
        let Some(consumer) = self.consumers.get_mut(key) else { return };
        if std::mem::take(&mut consumer.queued)
            && let Some(channel) = self.channels.get_mut(consumer.channel)
        {
            channel.rotation.retain(|other| *other != key);
        }
    }

    /// The time of a consumer's lease has run out. Its process may hang, and would use up one
    /// attempt after the other while somebody else could do the work: it gets nothing more until
    /// its connection is heard.
    pub(crate) fn pass_over(&mut self, key: u32) {
        let Some(consumer) = self.consumers.get_mut(key) else { return };
        let Some(connection) = consumer.conn.and_then(|conn| self.connections.get_mut(&conn)) else { return };
        consumer.hung = true;
        connection.hung = true;
        self.step_aside(key);
    }

    /// A connection has fallen silent: its process may hang, and whatever it got would wait for it.
    pub(crate) fn pass_over_all(&mut self, conn: Conn) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let consumers: Vec<u32> = connection.consumers.values().copied().collect();
        consumers.into_iter().for_each(|key| self.pass_over(key));
    }

    /// A connection was heard: those of its consumers that were passed over take their turns again.
    pub(crate) fn count_in(&mut self, conn: Conn) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let consumers: Vec<u32> = connection.consumers.values().copied().collect();
        for key in consumers {
            if self.consumers.get_mut(key).is_some_and(|consumer| std::mem::take(&mut consumer.hung)) {
                self.queue_up(key);
            }
        }
    }
}
