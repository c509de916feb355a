//! A topic that a service listens to.

use std::{fmt, future::ready, sync::Arc};

use super::{Answer, Body, method::Handler, method::decode};
use crate::{
    Codec, Context, GroupName, Payload, Result, TopicName,
    contract::{EventContract, Shape},
};

/// A listener to a topic.
pub struct Event<S> {
    pub(super) topic: &'static str,
    pub(super) group: Option<&'static str>,
    pub(super) codec: Codec,
    shape: fn() -> Shape,
    type_name: fn() -> String,
    pub(super) handler: Box<Handler<S>>,
}

impl<S: Send + Sync + 'static> Event<S> {
    /// A listener that shares the topic's events with its group; without a group, every instance
    /// gets each event.
    pub fn new<Q, F, Fut>(topic: &'static str, group: Option<&'static str>, handler: F) -> Self
    where
        Q: Payload,
        F: Fn(Arc<S>, Context, Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        Self {
            topic,
            group,
            codec: Q::CODEC,
            shape: Q::shape,
            type_name: Q::type_name,
            handler: Box::new(move |service, incoming| match decode::<Q>(&incoming) {
                Ok(message) => {
                    let done = handler(service, incoming.context, message);
                    Box::pin(async move {
                        done.await?;
                        Ok(Answer { codec: Codec::default(), body: Body::Message(bytes::Bytes::new()) })
                    })
                }
                Err(status) => Box::pin(ready(Err(status))),
            }),
        }
    }

    /// Its contract.
    pub(super) fn describe(&self) -> Result<EventContract> {
        Ok(EventContract {
            topic: TopicName::new(self.topic)?,
            group: self.group.map(GroupName::new).transpose()?,
            shape: (self.shape)(),
            message: if self.codec == Codec::Protobuf { (self.type_name)() } else { String::new() },
        })
    }
}

impl<S> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("topic", &self.topic).field("group", &self.group).finish_non_exhaustive()
    }
}
