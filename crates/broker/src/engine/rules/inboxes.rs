//! How inboxes come and go.

use skyloom_core::{Guid, broker::BrokerError};

use crate::engine::{
    Conn, Engine, Output,
    state::{Due, InboxState, Time},
};

impl<M> Engine<M> {
    /// Opens an inbox for a connection. One that its session has left behind, or still has on
    /// another connection, moves to this one; what came meanwhile follows the confirmation.
    pub(crate) fn open_inbox(&mut self, conn: Conn, inbox: Guid) -> Result<(), BrokerError> {
        let Some(connection) = self.connections.get_mut(&conn) else { return Ok(()) };
        let session = connection.session;
        let room = self.inboxes.len() < self.limits.inboxes;
        let held_by = match self.inboxes.get_mut(&inbox) {
            Some(state) if state.session != session => {
                return Err(BrokerError::refused(format!("inbox {inbox} belongs to somebody else")));
            }
            Some(state) => {
                if state.expires != Time::NEVER {
                    state.expires = Time::NEVER;
                    self.timers.others.cancel();
                }
                state.conn.replace(conn)
            }
            None if !room => {
                let limit = format!("{} inboxes", self.limits.inboxes);
                return Err(BrokerError::Full { what: "the broker".to_owned(), limit });
            }
            None => {
                let state = InboxState {
                    session,
                    conn: Some(conn),
                    backlog: Default::default(),
                    bytes: 0,
                    expires: Time::NEVER,
                };
                self.inboxes.insert(inbox, state);
                None
            }
        };
        connection.inboxes.insert(inbox);
        if let Some(other) = held_by.filter(|other| *other != conn)
            && let Some(other) = self.connections.get_mut(&other)
        {
            other.inboxes.remove(&inbox);
        }
        Ok(())
    }

    /// Hands over what has come for an inbox while its client was away.
    pub(crate) fn flush_inbox(&mut self, inbox: Guid, out: &mut Vec<Output<M>>) {
        if let Some(state) = self.inboxes.get_mut(&inbox)
            && let Some(conn) = state.conn
        {
            let backlog = std::mem::take(&mut state.backlog);
            state.bytes = 0;
            out.extend(backlog.into_iter().map(|news| news.output(conn, inbox)));
        }
    }

    /// Closes an inbox, if it is this connection's.
    pub(crate) fn close_inbox(&mut self, conn: Conn, inbox: Guid) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && connection.inboxes.remove(&inbox)
        {
            self.inboxes.remove(&inbox);
        }
    }

    /// Keeps an inbox without a client, for its grace period.
    pub(crate) fn leave_inbox(&mut self, inbox: Guid) {
        let Some(state) = self.inboxes.get_mut(&inbox) else { return };
        state.conn = None;
        state.expires = self.now.after(self.limits.inbox_grace);
        self.timers.others.set(state.expires, Due::Inbox(inbox));
    }

    /// Gives up an inbox whose grace period is over. Replies that nobody fetched are lost.
    pub(crate) fn expire_inbox(&mut self, inbox: Guid) {
        if self.inboxes.get(&inbox).is_some_and(|state| state.expires <= self.now)
            && let Some(state) = self.inboxes.remove(&inbox)
        {
            let replies = state.backlog.iter().filter(|news| news.is_reply()).count();
            self.lost_replies += replies as u64;
        }
    }
}
