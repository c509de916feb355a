//! Starts executions, as tasks that end with their instance.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Context,
};

use tokio::task::JoinHandle;

use super::{shared::Shared, supervise::panic_message};

/// Runs an execution as far as it goes at once; only what has to wait becomes a task of its own. A panic costs this
/// execution alone: dropped unsettled, its delivery is given back.
pub(super) fn start(shared: &Shared, execution: impl Future<Output = ()> + Send + 'static, cx: &mut Context<'_>) {
    let mut execution = Box::pin(execution);
    match catch_unwind(AssertUnwindSafe(|| execution.as_mut().poll(cx).is_pending())) {
        Ok(true) => drop(spawn(shared, execution)),
        Ok(false) => {}
        Err(panic) => tracing::error!(message = panic_message(&*panic), "an execution panicked"),
    }
}

/// Runs an execution as a task of its own, until the instance gives up what it has not finished.
pub(super) fn spawn(shared: &Shared, execution: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let mut given_up = shared.given_up.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = execution => {}
            _ = given_up.wait_for(|given_up| *given_up) => {}
        }
    })
}

/// Drops what users' code has made. A panic there does not change how the execution has ended.
pub(super) fn let_go(drop: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(drop)) {
        tracing::error!(
            message = panic_message(&*panic),
            "what an execution has left behind panicked as it was dropped"
        );
    }
}
