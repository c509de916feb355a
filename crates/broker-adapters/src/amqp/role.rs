//! What each AMQP channel of a connection is for.

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::{
    tell::{Looked, Seen},
    wire::{Content, Incoming, Marks, WireError},
};

/// Messages are sent on it, and confirmed.
pub(super) const PUBLISH: u16 = 1;
/// Queues are declared on it.
pub(super) const TOPOLOGY: u16 = 2;
/// Replies come on it.
pub(super) const INBOXES: u16 = 3;
/// Tokens of durable inboxes are held on it.
pub(super) const TOKENS: u16 = 4;
/// Messages are sent on it when [`PUBLISH`] is not trusted any more, and the other way round.
pub(super) const PUBLISH_TOO: u16 = 5;
/// The first that has no fixed use.
pub(super) const FREE: u16 = 6;

/// What an AMQP channel is for.
#[derive(Debug)]
pub(super) enum Role {
    /// One of the first five.
    Fixed,
    /// A consumer has it.
    Consumer(u32),
    /// A queue is looked into.
    Look(Look),
    /// It is being closed; whoever waits for that hears it by the end of this.
    Closing { _waiter: Option<oneshot::Sender<()>> },
}

/// A look into a queue, whose messages go back when its channel is closed.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) queue: String,
    pub(super) most: u32,
    /// How many are to come.
    pub(super) expected: u32,
    pub(super) seen: Vec<Seen>,
    pub(super) reply: Option<oneshot::Sender<Looked>>,
}

/// A message of which not all frames have come.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) method: Incoming,
    marks: Marks,
    size: Option<usize>,
    first: Bytes,
    rest: BytesMut,
}

impl Partial {
    pub(super) fn new(method: Incoming) -> Self {
        Self { method, marks: Marks::default(), size: None, first: Bytes::new(), rest: BytesMut::new() }
    }

    /// Takes up the header. No message is larger than `most` unless somebody else has sent it.
    pub(super) fn content(&mut self, content: Content, most: usize) -> Result<(), WireError> {
        let size = usize::try_from(content.size).ok().filter(|size| *size <= most);
        self.size = Some(size.ok_or(WireError("a message far beyond the limit; set option max_message"))?);
        self.marks = content.marks;
        Ok(())
    }

    /// Takes up a part of the body. One that comes in one piece is not copied.
    pub(super) fn body(&mut self, part: Bytes) -> Result<(), WireError> {
        if self.first.is_empty() {
            self.first = part;
        } else {
            if self.rest.is_empty() {
                self.rest.reserve(self.size.unwrap_or(0));
                self.rest.extend_from_slice(&self.first);
            }
            self.rest.extend_from_slice(&part);
        }
        if self.first.len().max(self.rest.len()) > self.size.unwrap_or(0) {
            return Err(WireError("a message that is longer than its header says"));
        }
        Ok(())
    }

    /// Whether all of it has come.
    pub(super) fn is_whole(&self) -> bool {
        self.size.is_some_and(|size| self.first.len().max(self.rest.len()) >= size)
    }

    /// The method, the marks and the body.
    pub(super) fn into_parts(self) -> (Incoming, Marks, Bytes) {
        (self.method, self.marks, if self.rest.is_empty() { self.first } else { self.rest.freeze() })
    }
}
