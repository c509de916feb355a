//! [`Lane`]: a consumer of a channel.

use std::sync::{Arc, Mutex};

use skyloom_core::{Channel, broker::ConsumeOptions};
use tokio::sync::Notify;

use super::{
    super::shared::{Shared, lock},
    state::State,
};

/// A consumer of a channel, as the worker's side and the task that owns its connection share it.
pub(super) struct Lane {
    pub(super) shared: Arc<Shared>,
    pub(super) channel: Channel,
    pub(super) tube: String,
    /// Watched by this connection only.
    pub(super) wake: String,
    pub(super) options: ConsumeOptions,
    pub(super) state: Mutex<State>,
    pub(super) news: Notify,
}

impl Lane {
    /// Changes the state and has the connection look at it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        let result = change(&mut state);
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        self.news.notify_one();
        if waits {
            self.shared.wake(&self.wake);
        }
        result
    }
}
