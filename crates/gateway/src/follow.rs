//! Follows the registry.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use skyloom::registry::{Registry, Watch};

use crate::state::State;

/// How long to wait before asking a registry again that could not be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Keeps the table as new as the registry for as long as the gateway exists. While the registry is
/// away, the last table stays.
pub(crate) async fn follow(registry: Arc<dyn Registry>, state: Weak<State>) {
    let Some(mut draining) = state.upgrade().map(|state| state.draining()) else { return };
    tokio::select! {
        () = keep_up(registry, &state) => {}
        // The sender is the state's, and gone with it.
        () = async { while draining.changed().await.is_ok() {} } => {}
    }
}

async fn keep_up(registry: Arc<dyn Registry>, state: &Weak<State>) {
    let mut lost = false;
    while state.strong_count() > 0 {
        match registry.watch().await {
            Ok(watch) => {
                if std::mem::take(&mut lost) {
                    tracing::info!("the registry is back");
                }
                track(watch, state).await;
            }
            Err(error) if !std::mem::replace(&mut lost, true) => {
                tracing::warn!(%error, "the registry cannot be followed; the gateway keeps the routes that it knows");
            }
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn track(mut watch: Watch, state: &Weak<State>) {
    loop {
        let snapshot = Arc::clone(&watch.borrow_and_update());
        let Some(state) = state.upgrade() else { return };
        state.update(&snapshot);
        drop(state);
        if watch.changed().await.is_err() {
            return;
        }
    }
}
