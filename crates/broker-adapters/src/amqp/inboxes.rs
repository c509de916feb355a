//! Inboxes: what comes for callers.

use std::sync::Arc;

use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{Ack, BrokerError, ReplySink},
};

use super::{
    operation::Operation,
    options::InboxKind,
    pending::{Done, Publishing},
    role::{INBOXES, TOKENS, TOPOLOGY},
    standing::Mailbox,
    state::State,
    target::Target,
    tell::Tell,
    wire::{Argument, Marks, Outgoing, Shape},
};
use crate::remote::{Notice, members};

/// How long the server keeps an inbox whose client is away, in milliseconds.
const INBOX_GRACE: i64 = 60_000;
/// The most replies that wait for a client that is away.
const INBOX_MESSAGES: i64 = 100_000;

/// A durable inbox has a second queue with so many messages, which go with the server as replies do. Another is sent
/// there by a client that comes back: if there are fewer now, the server was away. If the message finds no queue, its
/// node is away, of which the queue itself could not be asked: RabbitMQ would wait for the node. One message is held by
/// the client, so that the queue is in use. Of several consumers the server serves only one, so that a connection from
/// before holds no second one.
const TOKENS_AT_FIRST: u32 = 2;
/// What comes back often leaves no more than these.
const MOST_TOKENS: i64 = 8;

impl State {
    fn inbox_kind(&self) -> InboxKind {
        self.options.inboxes.unwrap_or_else(|| InboxKind::permitted_by(&self.server))
    }

    /// Notes an inbox, and opens it as soon as there is a connection.
    pub(super) fn open_inbox(&mut self, inbox: Guid, sink: Arc<dyn ReplySink>) -> Ack {
        let (opened, ack) = Ack::waiting();
        if self.is_closed() {
            opened.send(Err(BrokerError::unavailable("it was closed")));
            return ack;
        }
        self.mailboxes.insert(inbox, Mailbox { sink, opened: Some(opened), is_there: false });
        if self.is_live() {
            self.operate(Operation::Inbox { inbox, anew: true });
        }
        ack
    }

    /// Looks for an inbox that was open before.
    pub(super) fn look_for_inbox(&mut self, inbox: Guid) {
        match self.inbox_kind() {
            InboxKind::Transient => self.operate(Operation::Inbox { inbox, anew: false }),
            InboxKind::Durable => self.put_token(inbox, Done::Token { inbox }),
        }
    }

    /// Whatever an inbox held is gone, and what was called before may never be answered: it is opened anew.
    pub(super) fn inbox_is_lost(&mut self, inbox: Guid) {
        let live = self.is_live();
        if let Some(mailbox) = self.mailboxes.get_mut(&inbox).filter(|_| live) {
            mailbox.is_there = false;
            self.lose(&[inbox], "it has lost the inbox");
            self.operate(Operation::Inbox { inbox, anew: true });
        }
    }

    /// There will be no inbox.
    pub(super) fn inbox_is_refused(&mut self, inbox: Guid, error: BrokerError) {
        if let Some(mailbox) = self.mailboxes.remove(&inbox) {
            self.tells.extend(mailbox.opened.map(|opened| Tell::Ack(opened, Err(error))));
            self.tells.push(Tell::Closed(mailbox.sink));
        }
    }

    /// Declares an inbox, or asks whether it is still there; returns how many answers come.
    pub(super) fn declare_inbox(&mut self, inbox: Guid, anew: bool) -> u32 {
        let kind = self.inbox_kind();
        let [name, token] = [Target::Inbox(inbox), Target::Token(inbox)].map(|target| self.name(&target));
        let grace = ("x-expires", Argument::Number(INBOX_GRACE));
        let arguments = vec![grace.clone(), ("x-max-length", Argument::Number(INBOX_MESSAGES))];
        let mut send = self.send();
        match (kind, anew) {
            (InboxKind::Transient, true) => send.declare(TOPOLOGY, &name, Shape::Transient, &arguments),
            (InboxKind::Transient, false) => send.declare(TOPOLOGY, &name, Shape::Passive, &Vec::new()),
            (InboxKind::Durable, true) => {
                // What was on a node that is away is in the way.
                [&name, &token].into_iter().for_each(|queue| send.delete(TOPOLOGY, queue));
                send.declare(TOPOLOGY, &name, Shape::Durable, &arguments);
                let single = ("x-single-active-consumer", Argument::Flag(true));
                let most = ("x-max-length", Argument::Number(MOST_TOKENS));
                send.declare(TOPOLOGY, &token, Shape::Durable, &vec![grace, single, most]);
            }
            (InboxKind::Durable, false) => {
                let nothing = Vec::new();
                [&name, &token].into_iter().for_each(|queue| send.declare(TOPOLOGY, queue, Shape::Passive, &nothing));
            }
        }
        if kind == InboxKind::Durable { 2 } else { 1 }
    }

    /// An inbox is there; of a durable one, so many tokens were counted.
    pub(super) fn inbox_is_there(&mut self, inbox: Guid, anew: bool, counted: Option<(u32, u32)>) {
        let durable = self.inbox_kind() == InboxKind::Durable;
        let live = self.is_live();
        let Some(mailbox) = self.mailboxes.get_mut(&inbox).filter(|_| live) else {
            // It was closed meanwhile.
            return self.delete_inbox(inbox);
        };
        let opened = mailbox.opened.take();
        mailbox.is_there = true;
        let name = self.name(&Target::Inbox(inbox));
        // The tag is what a delivery says; the name of the queue would be as good, and is longer.
        Outgoing(&mut self.out).consume(INBOXES, &name, &inbox.to_string(), false);
        if durable {
            let was_away = counted.is_none_or(|(messages, _)| messages < TOKENS_AT_FIRST);
            if was_away && !anew {
                self.lose(&[inbox], "it was away");
            }
            if was_away {
                (0..TOKENS_AT_FIRST).for_each(|_| self.put_token(inbox, Done::Nobody));
            }
            let token = self.name(&Target::Token(inbox));
            // The server names the consumer: the one before may not have ended yet.
            Outgoing(&mut self.out).consume(TOKENS, &token, "", false);
        }
        self.tells.extend(opened.map(|opened| Tell::Ack(opened, Ok(()))));
        self.release_held();
    }

    /// Whether a message is a call whose inbox is not there now.
    pub(super) fn awaits_inbox(&self, message: &Envelope) -> bool {
        let mailbox = message.reply_to.and_then(|inbox| self.mailboxes.get(&inbox));
        mailbox.is_some_and(|mailbox| !mailbox.is_there)
    }

    fn put_token(&mut self, inbox: Guid, done: Done) {
        let envelope = Envelope::new(Kind::Event, Guid::call()).into();
        let (target, marks) = (Target::Token(inbox), Marks::default());
        self.publish(Publishing::new(target, envelope, marks, done));
    }

    /// Forgets an inbox, and deletes it with what is in it.
    pub(super) fn close_inbox(&mut self, inbox: Guid) {
        let Some(mailbox) = self.mailboxes.remove(&inbox) else { return };
        if self.is_live() && mailbox.opened.is_none() {
            self.delete_inbox(inbox);
        }
        self.tells.push(Tell::Closed(mailbox.sink));
    }

    fn delete_inbox(&mut self, inbox: Guid) {
        let durable = self.inbox_kind() == InboxKind::Durable;
        let token = Some(Target::Token(inbox)).filter(|_| durable);
        for target in std::iter::once(Target::Inbox(inbox)).chain(token) {
            let name = self.name(&target);
            self.send().delete(INBOXES, &name);
        }
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
        let Some(inbox) = inbox else { return };
        if let Some(mailbox) = self.mailboxes.get_mut(&inbox) {
            mailbox.is_there = false;
            self.look_for_inbox(inbox);
        }
    }
}
