//! The future of an operation that the broker confirms.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

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
    Waiting(Waiter),
    Running(BoxFuture<'static, Result<(), BrokerError>>),
}

/// The broker's side of a waiting [`Ack`].
pub struct AckSender(Arc<Slot>);

impl AckSender {
    /// Resolves the [`Ack`].
    pub fn send(self, result: Result<(), BrokerError>) {
        self.0.resolve(result);
    }

    /// Whether the [`Ack`] was dropped, or what it stands for is [taken back](Ack::withdraw). What has not been sent by
    /// then is not to be sent any more; who takes it back is told so.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        !matches!(*self.0.lock(), Stage::Awaited(_))
    }
}

impl Drop for AckSender {
    fn drop(&mut self) {
        self.0.resolve(Err(BrokerError::lost("no confirmation came")));
    }
}

impl fmt::Debug for AckSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AckSender")
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
        let slot = Arc::new(Slot(Mutex::new(Stage::Awaited(None))));
        (AckSender(Arc::clone(&slot)), Self(State::Waiting(Waiter(slot))))
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

    /// Takes back what has not been sent yet. If it still waits for a connection, the adapter never sends it and soon
    /// says so by [`BrokerError::Unavailable`]; what was sent before is confirmed as if nothing had happened.
    pub fn withdraw(&mut self) {
        if let State::Waiting(waiter) = &self.0 {
            waiter.0.withdraw();
        }
    }
}

impl Future for Ack {
    type Output = Result<(), BrokerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(result) => Poll::Ready(result.take().unwrap_or(Ok(()))),
            State::Waiting(waiter) => waiter.0.poll(cx.waker()),
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

/// What both sides of a waiting [`Ack`] share.
struct Slot(Mutex<Stage>);

enum Stage {
    /// Somebody waits, or will.
    Awaited(Option<Waker>),
    /// The same, but it is not to be sent any more.
    Withdrawn(Option<Waker>),
    Known(Result<(), BrokerError>),
    /// Nobody waits any more.
    Over,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first result is the one.
    fn resolve(&self, result: Result<(), BrokerError>) {
        let mut stage = self.lock();
        let waker = match &mut *stage {
            Stage::Awaited(waker) | Stage::Withdrawn(waker) => waker.take(),
            Stage::Known(_) | Stage::Over => return,
        };
        *stage = Stage::Known(result);
        drop(stage);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn withdraw(&self) {
        let mut stage = self.lock();
        if let Stage::Awaited(waker) = &mut *stage {
            *stage = Stage::Withdrawn(waker.take());
        }
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<(), BrokerError>> {
        let mut stage = self.lock();
        let old = match &mut *stage {
            Stage::Awaited(known) | Stage::Withdrawn(known) => match known {
                Some(known) if known.will_wake(waker) => return Poll::Pending,
                known => known.replace(waker.clone()),
            },
            Stage::Known(_) | Stage::Over => {
                let Stage::Known(result) = std::mem::replace(&mut *stage, Stage::Over) else { return Poll::Pending };
                return Poll::Ready(result);
            }
        };
        drop(stage);
        // Not under the lock: with a waker its task may end, and with that this one's other side.
        drop(old);
        Poll::Pending
    }
}

/// Held by who waits.
struct Waiter(Arc<Slot>);

impl Drop for Waiter {
    fn drop(&mut self) {
        let was = std::mem::replace(&mut *self.0.lock(), Stage::Over);
        // Not under the lock, as above.
        drop(was);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::{Ack, BrokerError};

    fn now(ack: &mut Ack) -> Poll<Result<(), BrokerError>> {
        std::pin::Pin::new(ack).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_is_withdrawn_is_still_told() {
        let (sender, mut ack) = Ack::waiting();
        assert_eq!((now(&mut ack), sender.is_abandoned()), (Poll::Pending, false));
        ack.withdraw();
        assert_eq!((now(&mut ack), sender.is_abandoned()), (Poll::Pending, true));
        let away = Err(BrokerError::unavailable("it is away"));
        sender.send(away.clone());
        assert_eq!(now(&mut ack), Poll::Ready(away));
    }

    #[test]
    fn what_nobody_resolves_is_lost_and_who_does_not_wait_is_known() {
        let (sender, mut ack) = Ack::waiting();
        drop(sender);
        assert_eq!(now(&mut ack), Poll::Ready(Err(BrokerError::lost("no confirmation came"))));
        let (sender, ack) = Ack::waiting();
        drop(ack);
        assert!(sender.is_abandoned());
        sender.send(Ok(()));
    }
}
