//! Inboxes: what comes for callers.

use std::sync::Arc;

use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid,
    broker::{Ack, BrokerError, ReplySink},
};

use super::{
    operation::Operation, role::INBOXES, standing::Mailbox, state::State, target::Target, tell::Tell, wire::Outgoing,
};
use crate::remote::{Notice, members};

impl State {
    /// Notes an inbox, and opens it as soon as there is a connection.
    pub(super) fn open_inbox(&mut self, inbox: Guid, sink: Arc<dyn ReplySink>) -> Ack {
        let (opened, ack) = Ack::waiting();
        if self.is_closed() {
            opened.send(Err(BrokerError::unavailable("it was closed")));
            return ack;
        }
        self.mailboxes.insert(inbox, Mailbox { sink, opened: Some(opened) });
        if self.is_live() {
            self.operate(Operation::Inbox { inbox, anew: true });
        }
        ack
    }

    /// Forgets an inbox, and deletes it with what is in it.
    pub(super) fn close_inbox(&mut self, inbox: Guid) {
        let Some(mailbox) = self.mailboxes.remove(&inbox) else { return };
        if self.is_live() && mailbox.opened.is_none() {
            let name = self.name(&Target::Inbox(inbox));
            Outgoing(&mut self.out).delete(INBOXES, &name);
        }
        self.tells.push(Tell::Closed(mailbox.sink));
    }

    /// A reply has come.
    pub(super) fn replied(&mut self, consumer: &Bytes, tag: u64, body: Bytes) {
        self.replied = Some(tag);
        let inbox = std::str::from_utf8(consumer).ok().and_then(|text| text.parse::<Guid>().ok());
        let Some(mailbox) = inbox.and_then(|inbox| self.mailboxes.get(&inbox)) else { return };
        let sink = Arc::clone(&mailbox.sink);
        for reply in members(body).unwrap_or_default() {
            let sink = Arc::clone(&sink);
            match Envelope::decode(reply) {
                Ok(reply) => self.tells.push(match reply.status.as_ref().and_then(|_| Notice::read(&reply)) {
                    Some(error) => Tell::Refused(sink, reply.id, error),
                    None => Tell::Reply(sink, Arc::new(reply)),
                }),
                Err(error) => tracing::warn!(%error, "a reply that is no envelope is dropped"),
            }
        }
    }

    /// The server has deleted an inbox: it is opened anew.
    pub(super) fn inbox_gone(&mut self, consumer: &Bytes) {
        let inbox = std::str::from_utf8(consumer).ok().and_then(|text| text.parse::<Guid>().ok());
        if let Some(inbox) = inbox.filter(|inbox| self.mailboxes.contains_key(inbox)) {
            self.operate(Operation::Inbox { inbox, anew: false });
        }
    }
}
