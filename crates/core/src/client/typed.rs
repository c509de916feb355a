//! Typed calls, as the generated clients make them.

use std::{future::IntoFuture, marker::PhantomData, time::Duration};

use super::{Client, Request, Response, ResponseStream};
use crate::{Channel, Codec, Ledger, Payload, Result, Status, Streaming, Text, broker::BoxFuture};

/// What a method answers with: a message, or [`Streaming`] of messages.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's reply",
    label = "neither a message nor a stream of messages",
    note = "return `Result<M>` or `Result<Streaming<M>>` where M is a protobuf message or `Json<...>`"
)]
pub trait Reply: Sized + Send + 'static {
    /// The message, or the message of the stream.
    type Message: Payload;

    /// Whether it is a stream.
    const STREAMING: bool;

    /// Takes the reply apart for sending.
    #[doc(hidden)]
    fn into_outgoing(self) -> Outgoing<Self::Message>;

    /// Sends the request and receives the reply.
    #[doc(hidden)]
    fn receive(client: &Client, request: &mut Request) -> impl Future<Output = Result<(Self, Ledger)>> + Send;
}

/// A reply on its way out.
#[doc(hidden)]
#[derive(Debug)]
pub enum Outgoing<M> {
    /// One message.
    Message(M),
    /// A stream of them.
    Stream(Streaming<M>),
}

// What is missing is a reply, and not, say, `Default`.
#[diagnostic::do_not_recommend]
impl<M: Payload> Reply for M {
    type Message = M;
    const STREAMING: bool = false;

    fn into_outgoing(self) -> Outgoing<M> {
        Outgoing::Message(self)
    }

    async fn receive(client: &Client, request: &mut Request) -> Result<(Self, Ledger)> {
        let response = client.send(request).await?;
        let ledger = response.ledger;
        Ok((decode(response)?, ledger))
    }
}

impl<M: Payload> Reply for Streaming<M> {
    type Message = M;
    const STREAMING: bool = true;

    fn into_outgoing(self) -> Outgoing<M> {
        Outgoing::Stream(self)
    }

    async fn receive(client: &Client, request: &mut Request) -> Result<(Self, Ledger)> {
        let stream = client.open(request).await?;
        let ledger = stream.ledger();
        Ok((Self::new(Decoded { stream, message: PhantomData }), ledger))
    }
}

fn decode<M: Payload>(response: Response) -> Result<M> {
    if response.codec != M::CODEC {
        let message = format!("the reply is {}, not {}", response.codec.name(), M::CODEC.name());
        return Err(Status::internal(message));
    }
    M::decode(response.payload).map_err(|status| Status::internal(format!("the reply is {}", status.message())))
}

struct Decoded<M> {
    stream: ResponseStream,
    message: PhantomData<fn() -> M>,
}

impl<M: Payload> futures_core::Stream for Decoded<M> {
    type Item = Result<M>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::pin::Pin::new(&mut self.stream).poll_next(cx).map(|next| next.map(|reply| decode(reply?)))
    }
}

/// A call that is about to be made: set its options, then await it.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<Q, R> {
    client: Client,
    request: Request,
    message: Q,
    reply: PhantomData<fn() -> R>,
}

// Without bounds, so that a type that cannot travel is reported where the handler names it, and not
// in the client as well.
impl<Q, R> Call<Q, R> {
    /// A call of a method with the contract's own defaults.
    pub fn new(client: &Client, channel: &Channel, method: &'static str, message: Q) -> Self {
        let request = Request::new(channel.clone(), Text::from_static(method), Codec::default(), bytes::Bytes::new());
        Self { client: client.clone(), request, message, reply: PhantomData }
    }

    /// How long it may take; for a stream, to start.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    /// Adds a header for the handler; the name is made lower case.
    pub fn header(mut self, name: impl AsRef<str>, value: impl Into<Text>) -> Self {
        self.request.headers.push(name.as_ref().to_ascii_lowercase(), value);
        self
    }

    /// Executing it twice does no more than executing it once, so that it may be retried when its
    /// outcome is unknown.
    pub fn idempotent(mut self) -> Self {
        self.request.idempotent = true;
        self
    }

    /// Lower is sooner; 1024 if not set.
    pub fn priority(mut self, priority: u32) -> Self {
        self.request.enqueue.priority = priority;
        self
    }
}

impl<Q: Payload, R: Reply> Call<Q, R> {
    /// Sends it and returns what it cost with the reply.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn with_ledger(mut self) -> Result<(R, Ledger)> {
        self.encode()?;
        R::receive(&self.client, &mut self.request).await
    }

    /// Sends it as one-way work: the handler runs, nobody hears its reply. `delay` holds it back.
    ///
    /// # Errors
    /// As for [`Client::cast`].
    pub async fn cast(mut self, delay: Duration) -> Result<()> {
        self.encode()?;
        self.request.enqueue.delay = delay;
        self.client.cast(self.request).await
    }

    fn encode(&mut self) -> Result<()> {
        self.request.codec = Q::CODEC;
        self.request.payload = self.message.encode()?;
        Ok(())
    }
}

impl<Q: Payload, R: Reply> IntoFuture for Call<Q, R> {
    type Output = Result<R>;
    type IntoFuture = BoxFuture<'static, Result<R>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            self.encode()?;
            R::receive(&self.client, &mut self.request).await.map(|(reply, _)| reply)
        })
    }
}
