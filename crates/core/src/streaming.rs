//! A stream of messages, as a handler returns it and as a client receives it.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{Result, Status};

/// Zero or more messages, then the end or an error. A handler returns one, a client gets one;
/// dropping the client's end tells the worker to stop.
pub struct Streaming<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T: Send + 'static> Streaming<T> {
    /// A stream of any kind.
    pub fn new(stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// A stream of what an iterator yields.
    pub fn from_messages<I>(messages: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + Unpin + 'static,
    {
        Self::new(Iterated(messages.into_iter()))
    }

    /// A stream that is fed through a sender. The sender waits while `capacity` messages are on
    /// their way, and learns that the caller is gone when sending fails.
    #[must_use]
    pub fn channel(capacity: usize) -> (StreamSender<T>, Self) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (StreamSender(sender), Self::new(Received(receiver)))
    }

    /// The next message, or `None` after the last.
    ///
    /// # Errors
    /// The status with which the handler ended the stream; nothing follows it.
    pub async fn next(&mut self) -> Option<Result<T>> {
        std::future::poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streaming")
    }
}

/// Feeds a [`Streaming`].
#[derive(Debug)]
pub struct StreamSender<T>(mpsc::Sender<Result<T>>);

impl<T> Clone for StreamSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> StreamSender<T> {
    /// Sends a message, waiting while the stream is full.
    ///
    /// # Errors
    /// `Cancelled` if the caller is gone.
    pub async fn send(&self, message: T) -> Result<()> {
        self.0.send(Ok(message)).await.map_err(|_| Status::cancelled("the caller is gone"))
    }

    /// Ends the stream with an error. The caller may be gone; then nobody hears it.
    pub async fn fail(self, status: Status) {
        drop(self.0.send(Err(status)).await);
    }

    /// Resolves when the caller is gone.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

struct Received<T>(mpsc::Receiver<Result<T>>);

impl<T> Stream for Received<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

struct Iterated<I>(I);

impl<I: Iterator + Unpin> Stream for Iterated<I> {
    type Item = Result<I::Item>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}
