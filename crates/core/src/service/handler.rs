//! The tower service at the bottom of a worker's stack.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{
    Answer, Definition, Incoming, Index, MethodOptions,
    translate::{translated, translated_event},
};
use crate::{Codec, Kind, Result, Status, broker::BoxFuture};

/// Finds the handler of a request or an event and runs it.
pub struct HandlerService<S>(Arc<Handlers<S>>);

struct Handlers<S> {
    service: Arc<S>,
    definition: Definition<S>,
    methods: Index,
    events: Index,
}

impl<S: Send + Sync + 'static> HandlerService<S> {
    /// The handlers of a service.
    #[must_use]
    pub fn new(service: S, definition: Definition<S>) -> Self {
        let methods = Index::new(definition.methods.iter().map(|method| method.name));
        let events = Index::new(definition.events.iter().map(|event| event.topic));
        Self(Arc::new(Handlers { service: Arc::new(service), definition, methods, events }))
    }

    /// How each method is to be treated, by name.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&'static str, &MethodOptions)> {
        self.0.definition.methods.iter().map(|method| (method.name, &method.options))
    }
}

impl<S: Send + Sync + 'static> Service<Incoming> for HandlerService<S> {
    type Response = Answer;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Answer>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, incoming: Incoming) -> Self::Future {
        let Handlers { service, definition, methods, events } = &*self.0;
        let envelope = incoming.envelope();
        let name = envelope.method.as_bytes();
        let is_event = envelope.kind == Kind::Event;
        let found = if is_event {
            let event = events.find(name).and_then(|place| definition.events.get(place));
            event.map(|event| (&event.handler, event.codec == Codec::Protobuf))
        } else {
            let method = methods.find(name).and_then(|place| definition.methods.get(place));
            method.map(|method| (&method.handler, method.codec == Codec::Protobuf))
        };
        let service = Arc::clone(service);
        match found {
            Some((handler, true)) if envelope.codec == Codec::Json => {
                let run = |incoming| handler(service, incoming);
                match definition.translator.get(|| definition.contract()) {
                    Some(translator) if is_event => translated_event(translator, incoming, run),
                    Some(translator) => translated(translator, incoming, run),
                    None => run(incoming),
                }
            }
            Some((handler, _)) => handler(service, incoming),
            None => {
                let name = envelope.method.as_str();
                let status = Status::not_found(format!("this service has no method {name:?}"));
                Box::pin(std::future::ready(Err(status)))
            }
        }
    }
}

impl<S> Clone for HandlerService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for HandlerService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerService").finish_non_exhaustive()
    }
}
