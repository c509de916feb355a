//! How connections and sessions come and go.

use std::collections::btree_map::Entry;

use skyloom_core::{Guid, broker::BrokerError};

use crate::engine::{
    Conn, Engine, Output,
    state::{Connection, Registered},
};

impl<M> Engine<M> {
    /// Takes a connection in, and gives it what its session held before a planned restart.
    pub(crate) fn connect(&mut self, conn: Conn, session: Guid, out: &mut Vec<Output<M>>) {
        if self.connections.contains_key(&conn) {
            return;
        }
        let limit = self.limits.connections;
        if self.connections.len() >= limit {
            let error = BrokerError::Full { what: "the broker".to_owned(), limit: format!("{limit} connections") };
            out.push(Output::Closed { conn, error });
            return;
        }
        self.connections.insert(conn, Connection::new(session, self.now));
        if let Some(consumers) = self.absent.remove(&session) {
            self.timers.others.cancel();
            self.resume(conn, session, consumers, out);
        }
    }

    fn resume(&mut self, conn: Conn, session: Guid, consumers: Vec<u32>, out: &mut Vec<Output<M>>) {
        let mut doubles = Vec::new();
        for key in consumers {
            let Some(consumer) = self.consumers.get_mut(key) else { continue };
            consumer.conn = Some(conn);
            let (id, over) = (consumer.id, consumer.is_over());
            let Some(connection) = self.connections.get_mut(&conn) else { return };
            if over {
                self.consumers.remove(key);
            } else if let Entry::Vacant(entry) = connection.consumers.entry(id) {
                entry.insert(key);
            } else {
                // The session had two connections, and on both a consumer of this name.
                doubles.push(key);
            }
        }
        let mut instances = Vec::new();
        for (id, registered) in &mut self.directory.instances {
            if registered.session == session && registered.conn.is_none() {
                registered.conn = Some(conn);
                instances.push(*id);
            }
        }
        for id in instances {
            self.listen(conn, id);
        }
        self.dismiss(doubles, "the worker came back without it after the broker's restart", out);
    }

    /// Notes a sign of life. Returns whether the connection is known at all.
    #[inline]
    pub(crate) fn hear(&mut self, conn: Conn, out: &mut Vec<Output<M>>) -> bool {
        let Some(connection) = self.connections.get_mut(&conn) else { return false };
        connection.heard = self.now;
        let (silent, hung) = (connection.silent, std::mem::take(&mut connection.hung));
        if silent {
            self.rouse(conn, out);
        }
        if hung {
            self.count_in(conn);
        }
        true
    }

    /// A connection is gone, and with it everything but its inboxes.
    pub(crate) fn disconnect(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        let Some(connection) = self.connections.remove(&conn) else { return };
        self.directory.watchers.remove(&conn);
        for id in connection.instances {
            self.forget_instance(id, out);
        }
        for inbox in connection.inboxes {
            self.leave_inbox(inbox);
        }
        self.dismiss(connection.consumers.into_values().collect(), "the worker's connection was lost", out);
        self.leave_tubes(conn, out);
    }

    /// A session has not come back in time after a planned restart.
    pub(crate) fn expire_session(&mut self, session: Guid, out: &mut Vec<Output<M>>) {
        let Some(consumers) = self.absent.remove(&session) else { return };
        let orphaned = |(id, registered): (&Guid, &Registered)| {
            (registered.session == session && registered.conn.is_none()).then_some(*id)
        };
        let instances: Vec<Guid> = self.directory.instances.iter().filter_map(orphaned).collect();
        for id in instances {
            self.forget_instance(id, out);
        }
        self.dismiss(consumers, "the worker did not come back after the broker's restart", out);
    }

    /// Removes consumers; what they hold counts as failed. All of them leave their channels first,
    /// so that none is handed what another has just lost.
    fn dismiss(&mut self, consumers: Vec<u32>, reason: &str, out: &mut Vec<Output<M>>) {
        let left: Vec<u32> = consumers.iter().filter_map(|key| self.deactivate(*key)).collect();
        for key in consumers {
            let held = self.consumers.get(key).map_or_else(Vec::new, |consumer| consumer.held.clone());
            for slot in held {
                self.lose(slot, reason, out);
            }
            self.consumers.remove(key);
        }
        for channel in left {
            self.leave(channel, out);
        }
    }
}
