//! Telling clients how it went.

use skyloom_core::{Guid, broker::BrokerError};

use crate::engine::{Conn, Engine, Output, RegistryChange, Ticket, state::News};

/// What a call ends with whose reply finds no room.
const OVERFLOWN: &str = "more replies came than are kept for a client that is away";

impl<M> Engine<M> {
    /// Answers a ticket, if there is one.
    pub(crate) fn done(conn: Conn, ticket: Ticket, result: Result<(), BrokerError>, out: &mut Vec<Output<M>>) {
        if ticket != Ticket::NONE {
            out.push(Output::Done { conn, ticket, result });
        }
    }

    /// Hands a call's reply to its inbox, or keeps it for a client that is away. If there is no room for it, the client
    /// hears when it is back that the rest is lost. Returns whether the call may have more replies.
    #[inline]
    pub(crate) fn reply(&mut self, inbox: Guid, call: Guid, body: M, out: &mut Vec<Output<M>>) -> bool {
        let Some(state) = self.inboxes.get_mut(&inbox) else {
            self.lost_replies += 1;
            return true;
        };
        if let Some(conn) = state.conn {
            out.push(News::Reply(body).output(conn, inbox));
            return true;
        }
        let bytes = state.bytes.saturating_add((self.weigh)(&body));
        if state.backlog.len() < self.limits.inbox_backlog && bytes <= self.limits.inbox_backlog_bytes {
            state.bytes = bytes;
            state.backlog.push_back(News::Reply(body));
            return true;
        }
        self.lost_replies += 1;
        self.refuse(Some(inbox), call, BrokerError::lost(OVERFLOWN), out);
        false
    }

    /// Tells a call's inbox, if it has one, that there will be no reply, or keeps that for a client that is away. It is
    /// short, and said once of each call: beside the replies there is room for as many of those.
    pub(crate) fn refuse(&mut self, inbox: Option<Guid>, call: Guid, error: BrokerError, out: &mut Vec<Output<M>>) {
        let limit = self.limits.inbox_backlog.saturating_mul(2);
        let Some((inbox, state)) = inbox.and_then(|inbox| Some((inbox, self.inboxes.get_mut(&inbox)?))) else { return };
        let news = News::Refused { call, error };
        match state.conn {
            Some(conn) => out.push(news.output(conn, inbox)),
            None if state.backlog.len() < limit => state.backlog.push_back(news),
            None => {}
        }
    }

    /// Tells everybody who follows the registry.
    pub(crate) fn announce(&self, change: &RegistryChange, out: &mut Vec<Output<M>>) {
        let watchers = self.directory.watchers.iter();
        out.extend(watchers.map(|conn| Output::Registry { conn: *conn, change: change.clone() }));
    }
}
