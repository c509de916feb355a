//! What a test is about: a method, or a topic.

use std::{fmt, marker::PhantomData};

use skyloom_core::{
    Envelope, Kind, Payload, TopicName,
    client::{MethodRef, Reply},
};

/// What a test watches, holds or disturbs: a method by the constant that its client has for it, such as
/// `OrdersClient::PLACE`, or a topic by [`topic`].
pub trait Target: Clone + Send + 'static {
    /// What is sent to it.
    type Request: Payload;
    /// What it answers with; nothing for a topic.
    type Reply: Reply;

    /// Where its messages are found.
    #[doc(hidden)]
    fn place(&self) -> Place;
}

/// Where a target's messages are found.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A method on a queue.
    Method { queue: &'static str, name: &'static str },
    /// A topic.
    Topic(TopicName),
}

impl Place {
    /// Whether a message on this queue, or an event, is the target's.
    pub(super) fn matches(&self, queue: Option<&str>, envelope: &Envelope) -> bool {
        match self {
            Self::Method { queue: own, name } => {
                envelope.kind != Kind::Event && queue == Some(*own) && envelope.method.as_str() == *name
            }
            Self::Topic(topic) => envelope.kind == Kind::Event && envelope.method.as_str() == topic.as_str(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method { queue, name } => write!(f, "{queue}/{name}"),
            Self::Topic(topic) => write!(f, "{topic}"),
        }
    }
}

impl<Q: Payload, R: Reply> Target for MethodRef<Q, R> {
    type Request = Q;
    type Reply = R;

    fn place(&self) -> Place {
        Place::Method { queue: self.queue(), name: self.name() }
    }
}

/// A topic and the type of its events.
pub struct Topic<E> {
    name: TopicName,
    events: PhantomData<fn(E)>,
}

/// The topic of this name, whose events are of this type: `topic::<Json<Visited>>("links.visited")`.
///
/// # Panics
/// If no topic can have this name.
#[must_use]
#[track_caller]
pub fn topic<E: Payload>(name: &str) -> Topic<E> {
    match TopicName::new(name) {
        Ok(name) => Topic { name, events: PhantomData },
        Err(error) => panic!("no topic can have this name: {error}"),
    }
}

impl<E> Topic<E> {
    pub(super) fn name(&self) -> &TopicName {
        &self.name
    }
}

impl<E: Payload> Target for Topic<E> {
    type Request = E;
    type Reply = ();

    fn place(&self) -> Place {
        Place::Topic(self.name.clone())
    }
}

impl<E> Clone for Topic<E> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), events: PhantomData }
    }
}

impl<E> fmt::Debug for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name).finish()
    }
}
