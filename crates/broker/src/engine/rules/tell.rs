//! Telling clients how it went.

use skyloom_core::{Guid, broker::BrokerError};

use crate::engine::{Conn, Engine, Output, RegistryChange, Ticket, state::News};

impl<M> Engine<M> {
    /// Answers a ticket, if there is one.
    pub(crate) fn done(conn: Conn, ticket: Ticket, result: Result<(), BrokerError>, out: &mut Vec<Output<M>>) {
        if ticket != Ticket::NONE {
            out.push(Output::Done { conn, ticket, result });
        }
    }

    /// Tells an inbox, or keeps it for a client that is away.
    #[inline]
    pub(crate) fn tell(&mut self, inbox: Guid, news: News<M>, out: &mut Vec<Output<M>>) {
        let limit = self.limits.inbox_backlog;
        let lost = match self.inboxes.get_mut(&inbox) {
            Some(state) => match state.conn {
                Some(conn) => {
                    out.push(news.output(conn, inbox));
                    return;
                }
                None if state.backlog.len() < limit => {
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
