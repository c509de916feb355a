//! The routes for a request, which may come before the registry has been heard.

use std::{sync::Arc, time::Duration};

use skyloom::{Outcome, Result, Status};
use tokio::time::Instant;

use crate::{routes::Table, state::State};

/// The routes for a request.
pub(crate) struct Routes {
    pub(crate) table: Arc<Table>,
    /// How long they were waited for.
    waited: Duration,
}

impl Routes {
    /// The routes as of now. Just after the gateway's start there may be none yet: then the registry's
    /// first snapshot is waited for, though not longer than the options say, than the client wants to
    /// wait, or than until the gateway is stopped.
    pub(crate) async fn of(state: &State, timeout: impl FnOnce() -> Result<Option<Duration>>) -> Result<Self> {
        match state.table() {
            Some(table) => Ok(Self { table, waited: Duration::ZERO }),
            // In a box of its own, so that all other requests need not carry room for it.
            None => Box::pin(Self::first(state, timeout()?)).await,
        }
    }

    async fn first(state: &State, timeout: Option<Duration>) -> Result<Self> {
        let begun = Instant::now();
        let longest = state.options.registry_wait;
        let mut draining = state.draining();
        let message = tokio::select! {
            biased;
            table = state.first_table() => return Ok(Self { table, waited: begun.elapsed() }),
            _ = draining.wait_for(|draining| *draining) => "the gateway is being stopped: try again",
            () = tokio::time::sleep(timeout.map_or(longest, |timeout| timeout.min(longest))) => {
                "the gateway has not heard from the registry yet: try again later"
            }
        };
        Err(Status::unavailable(message).with_outcome(Outcome::NotStarted))
    }

    /// What is left of the client's timeout.
    pub(crate) fn left(&self, timeout: Option<Duration>) -> Option<Duration> {
        timeout.map(|timeout| timeout.saturating_sub(self.waited))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures_util::FutureExt as _;
    use skyloom::{Code, client::Client, registry::Snapshot};
    use skyloom_broker_adapters::memory::MemoryBroker;
    use tokio::time::Instant;

    use super::{Routes, State};
    use crate::options::{GatewayOptions, REGISTRY_WAIT};

    const SECOND: Duration = Duration::from_secs(1);

    fn state() -> State {
        State::new(Client::new(Arc::new(MemoryBroker::default())), GatewayOptions::default())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_snapshot_ends_the_wait_and_counts_against_the_timeout() {
        let state = state();
        let mut early = std::pin::pin!(Routes::of(&state, || Ok(Some(SECOND * 10))));
        assert!(early.as_mut().now_or_never().is_none());
        tokio::time::advance(SECOND).await;
        assert!(early.as_mut().now_or_never().is_none());
        state.update(&Snapshot::default());
        let early = early.now_or_never().expect("it waits no longer").unwrap();
        assert_eq!((early.left(Some(SECOND * 10)), early.left(None)), (Some(SECOND * 9), None));
        let late = Routes::of(&state, || panic!("nobody waits")).now_or_never().expect("it is at once").unwrap();
        assert_eq!(late.left(Some(SECOND)), Some(SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_no_longer_than_the_limit_and_the_clients_timeout() {
        let state = state();
        for (timeout, expected) in [(None, REGISTRY_WAIT), (Some(SECOND), SECOND), (Some(SECOND * 60), REGISTRY_WAIT)] {
            let begun = Instant::now();
            let status = Routes::of(&state, || Ok(timeout)).await.err().unwrap();
            assert_eq!(status.message(), "the gateway has not heard from the registry yet: try again later");
            assert!(begun.elapsed() - expected < Duration::from_millis(2), "{timeout:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_the_wait() {
        let state = state();
        let mut early = std::pin::pin!(Routes::of(&state, || Ok(None)));
        assert!(early.as_mut().now_or_never().is_none());
        state.drain();
        let status = early.now_or_never().expect("it waits no longer").err().unwrap();
        assert_eq!((status.code(), status.is_retry_safe()), (Code::Unavailable, true));
        assert_eq!(status.message(), "the gateway is being stopped: try again");
    }
}
