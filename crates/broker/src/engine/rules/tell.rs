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
        let away = self.inboxes.get(&inbox).filter(|state| state.conn.is_none());
        let fits = away.is_none_or(|state| {
            state.backlog.len() < self.limits.inbox_backlog
                && state.bytes.saturating_add((self.weigh)(&body)) <= self.limits.inbox_backlog_bytes
        });
        if fits {
            self.tell(inbox, News::Reply(body), out);
        } else {
            self.lost_replies += 1;
            self.refuse(Some(inbox), call, BrokerError::lost(OVERFLOWN), out);
        }
        fits
    }

    /// Tells an inbox, or keeps it for a client that is away. That there will be no reply is short, and of each call it is
    /// said once: there is room for as many of those again.
    #[inline]
    pub(crate) fn tell(&mut self, inbox: Guid, news: News<M>, out: &mut Vec<Output<M>>) {
        let limit = self.limits.inbox_backlog.saturating_mul(2);
        let weigh = self.weigh;
        let lost = match self.inboxes.get_mut(&inbox) {
            Some(state) => match state.conn {
                Some(conn) => {
                    out.push(news.output(conn, inbox));
                    return;
                }
                None if state.backlog.len() < limit => {
                    state.bytes += news.bytes(weigh);
                    state.backlog.push_back(news);
                    return;
                }
                None => news,
            },
            None => news,
        };
        self.lost_replies += u64::from(lost.is_reply());
    }

    /// Tells a call's inbox, if it has one, that there will be no reply.
    pub(crate) fn refuse(&mut self, inbox: Option<Guid>, call: Guid, error: BrokerError, out: &mut Vec<Output<M>>) {
        if let Some(inbox) = inbox {
            self.tell(inbox, News::Refused { call, error }, out);
        }
    }

    /// Tells everybody who follows the registry.
    pub(crate) fn announce(&self, change: &RegistryChange, out: &mut Vec<Output<M>>) {
        let watchers = self.directory.watchers.iter();
        out.extend(watchers.map(|conn| Output::Registry { conn: *conn, change: change.clone() }));
    }
}
