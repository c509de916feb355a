//! Typed calls, as the generated clients make them.

use std::{
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{Client, Request, making::Making, reply::Reply};
use crate::{Channel, Codec, Guid, Ledger, Payload, Result, Text};

/// A call that is about to be made: set its options, then await it.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<Q, R> {
    making: Making,
    /// Until it is encoded.
    message: Option<Q>,
    reply: PhantomData<fn() -> R>,
}

// Without bounds, so that a type that cannot travel is reported where the handler names it, and not
// in the client as well.
impl<Q, R> Call<Q, R> {
    /// A call of a method with the contract's own defaults.
    #[inline]
    pub fn new(client: &Client, channel: &Channel, method: &'static str, message: Q) -> Self {
        let request = Request::new(channel.clone(), Text::from_static(method), Codec::default(), bytes::Bytes::new());
        Self { making: client.make(request), message: Some(message), reply: PhantomData }
    }

    /// How long it may take; for a stream, to start.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.making.request().timeout = Some(timeout);
        self
    }

    /// Adds a header for the handler; the name is made lower case.
    pub fn header(mut self, name: impl AsRef<str>, value: impl Into<Text>) -> Self {
        self.making.request().headers_mut().push(name.as_ref().to_ascii_lowercase(), value);
        self
    }

    /// Has this instance execute it, and no other that serves the method: one whose state the caller knows, by the
    /// GUID that [`Context::instance`](crate::Context::instance) and the registry have. If it does not run any more,
    /// the call ends with `NotFound`, certainly not started.
    pub fn instance(mut self, instance: Guid) -> Self {
        self.making.request().set_instance(instance);
        self
    }

    /// Executing it twice does no more than executing it once, so that it may be retried when its
    /// outcome is unknown.
    pub fn idempotent(mut self) -> Self {
        self.making.request().idempotent = true;
        self
    }

    /// Lower is sooner; 1024 if not set.
    pub fn priority(mut self, priority: u32) -> Self {
        self.making.request().enqueue.priority = priority;
        self
    }
}

impl<Q: Payload, R: Reply> Call<Q, R> {
    /// Sends it and returns what it cost with the reply.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn with_ledger(mut self) -> Result<(R, Ledger)> {
        poll_fn(|cx| self.poll_with_ledger(cx)).await
    }

    /// Sends it as one-way work: the handler runs, nobody hears its reply. `delay` holds it back.
    ///
    /// # Errors
    /// As for [`Client::cast`].
    pub async fn cast(mut self, delay: Duration) -> Result<()> {
        self.encode()?;
        self.making.request().enqueue.delay = delay;
        self.making.cast().await
    }

    fn poll_with_ledger(&mut self, cx: &mut Context<'_>) -> Poll<Result<(R, Ledger)>> {
        self.encode()?;
        R::poll_receive(&mut self.making, cx)
    }

    /// The message is not needed once it is encoded.
    fn encode(&mut self) -> Result<()> {
        if let Some(message) = self.message.take() {
            let request = self.making.request();
            request.codec = Q::CODEC;
            request.payload = message.encode()?;
        }
        Ok(())
    }
}

/// The call, which is sent when it is first polled.
impl<Q: Payload, R: Reply> Future for Call<Q, R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        self.poll_with_ledger(cx).map(|received| received.map(|(reply, _)| reply))
    }
}

// The message is only ever moved out.
impl<Q, R> Unpin for Call<Q, R> {}
