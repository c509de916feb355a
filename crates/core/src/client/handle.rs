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
    exchange::Exchange,
    layered::{BoxError, Stack, into_status, stack},
    making::Making,
    shared::Shared,
};
use crate::{
    Channel, Codec, Guid, Payload, Result, TopicName,
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

    /// Changes how long a call may take if neither the caller nor the method says, for this client and all its
    /// clones; calls under way keep the time that they have.
    pub fn set_timeout(&self, timeout: std::time::Duration) {
        self.shared.set_timeout(timeout);
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
        self.on_behalf(&mut request);
        match &self.stack {
            Some(layers) => layers.call(request).await,
            None => Exchange::new(Arc::clone(&self.shared), request).await?.into_response(),
        }
    }

    /// What a typed call is made with.
    #[inline]
    pub(super) fn make(&self, mut request: Request) -> Making {
        self.on_behalf(&mut request);
        Making::new(Exchange::new(Arc::clone(&self.shared), request), self.stack.clone())
    }

    /// Notes on whose behalf a request is made, so that it reaches through layers.
    #[inline]
    pub(super) fn on_behalf(&self, request: &mut Request) {
        if request.scope.is_none() {
            request.scope.clone_from(&self.scope);
        }
    }

    /// Sends a request to a streaming method and waits until the stream has started. The timeout
    /// is for the start; from then on the stream lasts until it ends or is dropped.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn stream(&self, mut request: Request) -> Result<ResponseStream> {
        request.scope.clone_from(&self.scope);
        Arc::clone(&self.shared).open_stream(request).await
    }

    /// Sends one-way work and waits until the broker has accepted it.
    ///
    /// # Errors
    /// What the broker answers; `Unavailable` means that nothing was accepted, *outcome unknown*
    /// that it may have been.
    pub async fn cast(&self, mut request: Request) -> Result<()> {
        self.on_behalf(&mut request);
        self.shared.cast(request).await
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
        // The channel of an event is its topic; the request only carries the rest.
        let mut request = Request::new(Channel::Instance(Guid::default()), topic.as_str().to_owned(), codec, payload);
        self.on_behalf(&mut request);
        self.shared.publish(topic, request).await
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
