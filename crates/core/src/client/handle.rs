//! [`Client`] itself.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

use super::{
    ClientOptions, Request, Response, ResponseStream, Scope,
    attempt::{Attempt, MARGIN, own_cost},
    layered::{BoxError, Stack, into_status, stack},
    retry::{is_retryable, pause},
    shared::Shared,
};
use crate::{
    Channel, Codec, Guid, Kind, Ledger, Payload, Result, TopicName,
    broker::{BoxFuture, Broker},
};

/// Calls services through a broker. Cheap to clone; all clones share one private inbox.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    scope: Option<Arc<Scope>>,
    stack: Option<Arc<dyn Stack>>,
}

impl Client {
    /// A client with default options.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self::with_options(broker, ClientOptions::default())
    }

    /// A client with these options.
    #[must_use]
    pub fn with_options(broker: Arc<dyn Broker>, options: ClientOptions) -> Self {
        Self { shared: Arc::new(Shared::new(broker, options)), scope: None, stack: None }
    }

    /// The broker that it uses.
    #[must_use]
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.shared.broker
    }

    /// The same client, on behalf of a call that is being served: what it sends inherits the
    /// call's deadline, trace and principal, and what it costs goes to the call's ledger.
    #[must_use]
    pub fn scoped(&self, scope: Arc<Scope>) -> Self {
        Self { scope: Some(scope), ..self.clone() }
    }

    /// The same client behind a tower layer. Layers wrap calls, not casts, events and streams;
    /// the layer added last sees a request first.
    #[must_use]
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Error: Into<BoxError>,
        <L::Service as Service<Request>>::Future: Send,
    {
        let outer = Self { shared: Arc::clone(&self.shared), scope: self.scope.clone(), stack: None };
        Self { stack: Some(stack(layer.layer(self))), ..outer }
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// The handler's status, or one of the framework's own: see [`Status`](crate::Status).
    pub async fn call(&self, mut request: Request) -> Result<Response> {
        self.send(&mut request).await
    }

    /// As [`Client::call`]. A request is large, and each future that takes it by value copies it.
    pub(super) async fn send(&self, request: &mut Request) -> Result<Response> {
        if request.scope.is_none() {
            request.scope.clone_from(&self.scope);
        }
        match &self.stack {
            Some(stack) => stack.call(request.clone()).await,
            None => self.call_directly(request).await,
        }
    }

    async fn call_directly(&self, request: &Request) -> Result<Response> {
        let shared = &self.shared;
        let scope = request.scope.as_deref();
        let deadline = shared.deadline(request.timeout, scope);
        let policy = &shared.options.retry;
        shared.budget.deposit();
        let mut attempt = Attempt { id: Guid::call(), deadline, scope, number: 1, spent: Ledger::default() };
        let result = loop {
            let reply = match shared.attempt(request, attempt).await {
                Ok(envelope) => Response::from_envelope(Arc::unwrap_or_clone(envelope), own_cost(1)),
                Err(status) => Err(status.with_ledger(attempt.spent.merge(own_cost(0)))),
            };
            let status = match reply {
                Ok(response) => break Ok(response),
                Err(status) => status,
            };
            let more = attempt.number < policy.attempts && is_retryable(&status, request.idempotent);
            let again = tokio::time::Instant::now() + pause(policy, attempt.number + 1);
            // Without time for another attempt, why this one failed is what there is to say.
            if !more || again + MARGIN >= deadline || !shared.budget.withdraw() {
                break Err(status);
            }
            attempt.number += 1;
            attempt.spent = status.ledger().merge(Ledger { retries: 1, ..Ledger::default() });
            tokio::time::sleep_until(again).await;
        };
        if let Some(scope) = scope {
            scope.book.add(result.as_ref().map_or_else(crate::Status::ledger, |response| response.ledger));
        }
        result
    }

    /// Sends a request to a streaming method and waits until the stream has started. The timeout
    /// is for the start; from then on the stream lasts until it ends or is dropped.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn stream(&self, request: Request) -> Result<ResponseStream> {
        self.open(&request).await
    }

    /// As [`Client::stream`].
    pub(super) async fn open(&self, request: &Request) -> Result<ResponseStream> {
        let scope = self.scope.as_deref();
        let deadline = self.shared.deadline(request.timeout, scope);
        let attempt = Attempt { id: Guid::call(), deadline, scope, number: 1, spent: Ledger::default() };
        let (entry, replies) = self.shared.start_stream(request, attempt).await?;
        ResponseStream::open(entry, replies, scope.map(|scope| Arc::clone(&scope.book))).await
    }

    /// Sends one-way work and waits until the broker has accepted it.
    ///
    /// # Errors
    /// What the broker answers; `Unavailable` means that nothing was accepted, *outcome unknown*
    /// that it may have been.
    pub async fn cast(&self, request: Request) -> Result<()> {
        let deadline = self.shared.deadline(request.timeout, self.scope.as_deref());
        let envelope = self.shared.envelope(Kind::Cast, &request, Guid::call(), self.scope.as_deref());
        let ack = self.shared.broker.enqueue(&request.channel, Arc::new(envelope), request.enqueue);
        self.confirmed(ack, deadline).await
    }

    /// Publishes an event and waits until the broker has accepted it. Every group that subscribes
    /// to the topic gets it once.
    ///
    /// # Errors
    /// As for [`Client::cast`].
    pub async fn publish<E: Payload>(&self, topic: &TopicName, event: E) -> Result<()> {
        self.publish_encoded(topic, E::CODEC, event.encode()?).await
    }

    /// Publishes an event that is encoded already.
    ///
    /// # Errors
    /// As for [`Client::cast`].
    pub async fn publish_encoded(&self, topic: &TopicName, codec: Codec, payload: bytes::Bytes) -> Result<()> {
        let deadline = self.shared.deadline(None, self.scope.as_deref());
        // The channel of an event is its topic; the request only carries the rest.
        let request = Request::new(Channel::Instance(Guid::default()), topic.as_str().to_owned(), codec, payload);
        let envelope = self.shared.envelope(Kind::Event, &request, Guid::call(), self.scope.as_deref());
        self.confirmed(self.shared.broker.publish(topic, Arc::new(envelope)), deadline).await
    }

    async fn confirmed(&self, ack: crate::broker::Ack, deadline: tokio::time::Instant) -> Result<()> {
        let result = match ack.into_ready() {
            Ok(result) => result.map_err(crate::Status::from),
            Err(ack) => tokio::time::timeout_at(deadline, ack).await.map_or_else(
                |_| {
                    let message = "the broker did not confirm before the deadline";
                    Err(crate::Status::deadline_exceeded(message).with_outcome(crate::Outcome::Unknown))
                },
                |result| result.map_err(crate::Status::from),
            ),
        };
        self.book(Ledger { sends: 1, ..Ledger::default() });
        result
    }

    fn book(&self, ledger: Ledger) {
        if let Some(scope) = &self.scope {
            scope.book.add(ledger);
        }
    }
}

impl Service<Request> for Client {
    type Response = Response;
    type Error = crate::Status;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        // Bounds are checked when the request is sent, and answered with an error.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { Client::call(&client, request).await.map_err(into_status) })
    }
}

impl From<&Self> for Client {
    fn from(client: &Self) -> Self {
        client.clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("broker", &self.shared.broker).finish_non_exhaustive()
    }
}
