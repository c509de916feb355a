//! The future of an operation that the broker confirms.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use super::{BoxFuture, BrokerError};

/// Resolves when the broker has accepted or refused. Most brokers in memory know at once, so that
/// the usual case allocates nothing.
///
/// Dropping it does not undo the operation, except that what still waits for a connection is
/// never sent.
#[must_use = "an unawaited Ack loses the broker's refusal"]
pub struct Ack(State);

enum State {
    Ready(Option<Result<(), BrokerError>>),
    Waiting(oneshot::Receiver<Result<(), BrokerError>>),
    Running(BoxFuture<'static, Result<(), BrokerError>>),
}

/// The broker's side of a waiting [`Ack`].
#[derive(Debug)]
pub struct AckSender(oneshot::Sender<Result<(), BrokerError>>);

impl AckSender {
    /// Resolves the [`Ack`].
    pub fn send(self, result: Result<(), BrokerError>) {
        // The waiter may have lost interest; then nobody needs the result.
        drop(self.0.send(result));
    }

    /// Whether the [`Ack`] was dropped; what has not been sent by then need not be.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

impl Ack {
    /// Known at once.
    #[inline]
    pub const fn ready(result: Result<(), BrokerError>) -> Self {
        Self(State::Ready(Some(result)))
    }

    /// Known when the sender says so; dropping the sender means that the connection was lost.
    pub fn waiting() -> (AckSender, Self) {
        let (sender, receiver) = oneshot::channel();
        (AckSender(sender), Self(State::Waiting(receiver)))
    }

    /// Known when this future ends.
    pub fn running(future: impl Future<Output = Result<(), BrokerError>> + Send + 'static) -> Self {
        Self(State::Running(Box::pin(future)))
    }

    /// The result, if it is known already.
    ///
    /// # Errors
    /// The `Ack` itself, if it has to be awaited.
    #[inline]
    pub fn into_ready(self) -> Result<Result<(), BrokerError>, Self> {
        match self.0 {
            State::Ready(Some(result)) => Ok(result),
            state => Err(Self(state)),
        }
    }
}

impl Future for Ack {
    type Output = Result<(), BrokerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(result) => Poll::Ready(result.take().unwrap_or(Ok(()))),
            State::Waiting(receiver) => Pin::new(receiver)
                .poll(cx)
                .map(|sent| sent.unwrap_or_else(|_| Err(BrokerError::lost("no confirmation came")))),
            State::Running(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "Ack(ready)",
            _ => "Ack(waiting)",
        })
    }
}
