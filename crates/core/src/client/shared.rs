//! What all handles of one client share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::OnceCell;

use super::{ClientOptions, pending::Pending, retry::RetryBudget};
use crate::{
    Guid, Result,
    broker::{Broker, Inbox},
};

pub(super) struct Shared {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) options: ClientOptions,
    pub(super) pending: Arc<Pending>,
    pub(super) budget: RetryBudget,
    /// `options.timeout` in nanoseconds, which a running process may change.
    timeout: AtomicU64,
    inbox: OnceCell<Inbox>,
}

impl Shared {
    pub(super) fn new(broker: Arc<dyn Broker>, options: ClientOptions) -> Self {
        Self {
            pending: Pending::new(&broker, options.max_pending),
            budget: RetryBudget::new(&options.retry),
            timeout: AtomicU64::new(nanos(options.timeout)),
            inbox: OnceCell::new(),
            broker,
            options,
        }
    }

    /// How long a call may take if nothing else says so.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout.load(Relaxed))
    }

    pub(super) fn set_timeout(&self, timeout: Duration) {
        self.timeout.store(nanos(timeout), Relaxed);
    }

    /// The inbox, if it is open.
    pub(super) fn open_inbox(&self) -> Option<Guid> {
        self.inbox.get().map(Inbox::id)
    }

    /// The inbox, opened at the first call.
    pub(super) async fn inbox(&self) -> Result<Guid> {
        let open = async { Ok::<_, crate::Status>(self.broker.open_inbox(self.pending.clone()).await?) };
        Ok(self.inbox.get_or_try_init(|| open).await?.id())
    }
}

/// As much of it as 64 bits hold: more than 500 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::nanos;

    #[test]
    fn a_timeout_is_kept_as_it_was_given() {
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(500), Duration::from_secs(10)] {
            assert_eq!(Duration::from_nanos(nanos(time)), time);
        }
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
