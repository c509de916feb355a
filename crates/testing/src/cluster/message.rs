//! One message that was seen, with its types.

use std::{fmt, marker::PhantomData, sync::Arc};

use skyloom_core::{Headers, Payload as _, QueueName, Status, client::Reply};

use super::{
    journal::{End, Record},
    shared::Shared,
    target::Target,
};

/// The message of a target's reply.
type ReplyOf<T> = <<T as Target>::Reply as Reply>::Message;

/// A call, a cast or an event that was seen, and what became of it. It is as it was when it was looked at.
#[derive(Clone)]
pub struct Message<T> {
    shared: Arc<Shared>,
    record: Record,
    target: PhantomData<fn() -> T>,
}

impl<T: Target> Message<T> {
    pub(super) fn new(shared: Arc<Shared>, record: Record) -> Self {
        Self { shared, record, target: PhantomData }
    }

    /// What was sent.
    ///
    /// # Panics
    /// If it is no such message.
    #[must_use]
    #[track_caller]
    pub fn request(&self) -> T::Request {
        match self.shared.request(self.record.queue.as_ref(), &self.record.envelope) {
            Ok(request) => request,
            Err(reason) => panic!("{reason}\n{self}"),
        }
    }

    /// The headers that it was sent with.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.record.envelope.headers()
    }

    /// How often it was delivered to a worker; an event, to all groups together.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.record.attempts.len()
    }

    /// Whether every delivery of it has ended, and at least one has.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.record.attempts.is_empty() && self.record.attempts.iter().all(|attempt| attempt.end.is_some())
    }

    /// The reply, if it was answered with one message.
    ///
    /// # Panics
    /// If it is no such message.
    #[must_use]
    #[track_caller]
    pub fn reply(&self) -> Option<ReplyOf<T>> {
        let reply = self.record.reply()?.ok().filter(|_| !T::Reply::STREAMING)?;
        match (reply.codec == ReplyOf::<T>::CODEC).then(|| ReplyOf::<T>::decode(reply.payload.clone())) {
            Some(Ok(reply)) => Some(reply),
            // The reply to a caller who speaks JSON, say.
            _ => panic!("the reply is no {} in {}\n{self}", ReplyOf::<T>::type_name(), ReplyOf::<T>::CODEC.name()),
        }
    }

    /// The error that it was answered with.
    #[must_use]
    pub fn error(&self) -> Option<&Status> {
        self.record.reply()?.err()
    }

    /// How many messages its handler has streamed in the last attempt.
    #[must_use]
    pub fn streamed(&self) -> usize {
        self.record.attempts.last().map_or(0, |attempt| attempt.streamed)
    }

    /// Why the last attempt that has ended did so without an answer: it failed, or its worker was lost.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self.record.last_end()?.1 {
            End::Retried(reason) | End::Buried(reason) | End::Lost(reason) => Some(reason),
            _ => None,
        }
    }

    /// Why the broker did not take it.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.record.refused.as_deref()
    }

    /// The queue that it was sent to; none for an event.
    #[must_use]
    pub fn queue(&self) -> Option<&str> {
        self.record.queue.as_ref().map(QueueName::as_str)
    }
}

/// In a line: when, what, and what became of it.
impl<T> fmt::Display for Message<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shared.line(&self.record))
    }
}

impl<T> fmt::Debug for Message<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
