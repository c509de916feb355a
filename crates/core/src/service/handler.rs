//! The tower service at the bottom of a worker's stack.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{Answer, Definition, Incoming, MethodOptions, translate::translated};
use crate::{Codec, Kind, Result, Status, broker::BoxFuture};

/// Finds the handler of a request or an event and runs it.
pub struct HandlerService<S> {
    service: Arc<S>,
    definition: Arc<Definition<S>>,
}

impl<S: Send + Sync + 'static> HandlerService<S> {
    /// The handlers of a service.
    #[must_use]
    pub fn new(service: S, definition: Definition<S>) -> Self {
        Self { service: Arc::new(service), definition: Arc::new(definition) }
    }

    /// How each method is to be treated, by name.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&'static str, &MethodOptions)> {
        self.definition.methods.iter().map(|method| (method.name, &method.options))
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
        let name = incoming.context.method();
        let handler = if incoming.envelope.kind == Kind::Event {
            self.definition.events.iter().find(|event| event.topic == name).map(|event| &event.handler)
        } else {
            self.definition.methods.iter().find(|method| method.name == name).map(|method| &method.handler)
        };
        match handler {
            Some(handler) if incoming.envelope.codec == Codec::Json => {
                let service = Arc::clone(&self.service);
                match self.definition.translator.get(|| self.definition.contract()) {
                    Some(translator) => translated(translator, incoming, |incoming| handler(service, incoming)),
                    None => handler(service, incoming),
                }
            }
            Some(handler) => handler(Arc::clone(&self.service), incoming),
            None => {
                let status = Status::not_found(format!("this service has no method {name:?}"));
                Box::pin(std::future::ready(Err(status)))
            }
        }
    }
}

impl<S> Clone for HandlerService<S> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service), definition: Arc::clone(&self.definition) }
    }
}

impl<S> fmt::Debug for HandlerService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerService").finish_non_exhaustive()
    }
}
