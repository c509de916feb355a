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
    /// `options.timeout` in milliseconds, which a running process may change.
    timeout: AtomicU64,
    inbox: OnceCell<Inbox>,
}

impl Shared {
    pub(super) fn new(broker: Arc<dyn Broker>, options: ClientOptions) -> Self {
        Self {
            pending: Pending::new(&broker, options.max_pending),
            budget: RetryBudget::new(&options.retry),
            timeout: AtomicU64::new(millis(options.timeout)),
            inbox: OnceCell::new(),
            broker,
            options,
        }
    }

    /// How long a call may take if nothing else says so.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout.load(Relaxed))
    }

    pub(super) fn set_timeout(&self, timeout: Duration) {
        self.timeout.store(millis(timeout), Relaxed);
    }

    /// The inbox, if it is open.
    pub(super) fn open_inbox(&self) -> Option<Guid> {
        self.inbox.get().map(Inbox::id)
    }

    /// The inbox, opened at the first call.
    pub(super) async fn inbox(&self) -> Result<Guid> {
        let open = async {
            let inbox = self.broker.open_inbox(self.pending.clone()).await?;
            tokio::spawn(Pending::sweep(Arc::downgrade(&self.pending)));
            Ok::<_, crate::Status>(inbox)
        };
        Ok(self.inbox.get_or_try_init(|| open).await?.id())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
