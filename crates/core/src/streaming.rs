//! A stream of messages, as a handler returns it and as a client receives it.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
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
    /// their way, and learns that the caller is gone when sending fails. The stream ends when its last sender is
    /// dropped; if a panic drops one, it ends with an error.
    #[must_use]
    pub fn channel(capacity: usize) -> (StreamSender<T>, Self) {
        let (messages, receiver) = mpsc::channel(capacity.max(1));
        let is_broken = Arc::new(AtomicBool::new(false));
        let received = Received { messages: receiver, is_broken: Arc::clone(&is_broken) };
        (StreamSender { messages, is_broken }, Self::new(received))
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
pub struct StreamSender<T> {
    messages: mpsc::Sender<Result<T>>,
    /// A panic has dropped a sender, so that something may be missing.
    is_broken: Arc<AtomicBool>,
}

impl<T> Clone for StreamSender<T> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), is_broken: Arc::clone(&self.is_broken) }
    }
}

impl<T> Drop for StreamSender<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.is_broken.store(true, Ordering::Release);
        }
    }
}

impl<T> StreamSender<T> {
    /// Sends a message, waiting while the stream is full.
    ///
    /// # Errors
    /// `Cancelled` if the caller is gone.
    pub async fn send(&self, message: T) -> Result<()> {
        self.messages.send(Ok(message)).await.map_err(|_| Status::cancelled("the caller is gone"))
    }

    /// Ends the stream with an error. The caller may be gone; then nobody hears it.
    pub async fn fail(self, status: Status) {
        drop(self.messages.send(Err(status)).await);
    }

    /// Resolves when the caller is gone.
    pub async fn closed(&self) {
        self.messages.closed().await;
    }
}

struct Received<T> {
    messages: mpsc::Receiver<Result<T>>,
    is_broken: Arc<AtomicBool>,
}

impl<T> Stream for Received<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.messages.poll_recv(cx)) {
            // Said once: there is nothing after it.
            None if self.is_broken.swap(false, Ordering::Acquire) => Poll::Ready(Some(Err(Status::internal(
                "what feeds the stream has panicked, so that its end is missing",
            )))),
            received => Poll::Ready(received),
        }
    }
}

struct Iterated<I>(I);

impl<I: Iterator + Unpin> Stream for Iterated<I> {
    type Item = Result<I::Item>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[tokio::test]
    async fn a_stream_whose_feeder_panics_does_not_end_as_if_it_were_whole() {
        let (sender, mut stream) = Streaming::channel(4);
        tokio::spawn(async move {
            sender.send(1).await.unwrap();
            panic!("half way");
        });
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::Internal);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_last_sender() {
        let (sender, mut stream) = Streaming::channel(4);
        let other = sender.clone();
        drop(sender);
        other.send(1).await.unwrap();
        drop(other);
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        assert!(stream.next().await.is_none());
    }
}
