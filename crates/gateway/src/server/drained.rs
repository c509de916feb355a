//! Waits for the gateway's end beside what is polled for each request.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::state::State;

/// Waits for something that begins with the gateway being told to stop, and costs next to nothing until then. A
/// connection is polled several times for each request, and its wait for the end with it: whoever is to be woken is known
/// from the first time, so that nothing need be asked again before the end begins.
pub(super) struct Drained<'a, F> {
    state: &'a State,
    wait: Pin<Box<F>>,
    /// Who is woken when the gateway is told to stop.
    waker: Option<Waker>,
}

impl<'a, F: Future> Drained<'a, F> {
    pub(super) fn new(state: &'a State, wait: F) -> Self {
        Self { state, wait: Box::pin(wait), waker: None }
    }
}

impl<F: Future> Future for Drained<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        if !this.state.is_draining() && this.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        this.waker = Some(cx.waker().clone());
        this.wait.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::poll_fn,
        sync::Arc,
        task::{Context, Poll},
    };

    use futures_util::{FutureExt as _, task::noop_waker_ref};
    use skyloom::client::Client;
    use skyloom_broker_adapters::memory::MemoryBroker;

    use super::{Drained, State};
    use crate::options::GatewayOptions;

    #[tokio::test]
    async fn it_is_asked_once_until_the_end_begins() {
        let state = State::new(Client::new(Arc::new(MemoryBroker::default())), GatewayOptions::default());
        let asked = Cell::new(0);
        let mut told = Box::pin(state.drained());
        let wait = poll_fn(|cx| {
            asked.set(asked.get() + 1);
            told.poll_unpin(cx)
        });
        let mut drained = Drained::new(&state, wait);
        let mut same = Context::from_waker(noop_waker_ref());
        for _ in 0..3 {
            assert!(drained.poll_unpin(&mut same).is_pending());
        }
        assert_eq!(asked.get(), 1);
        assert!(poll_fn(|cx| Poll::Ready(drained.poll_unpin(cx).is_pending())).await);
        assert_eq!(asked.get(), 2, "another is to be woken now");
        state.drain();
        drained.await;
        assert_eq!(asked.get(), 3);
    }
}
