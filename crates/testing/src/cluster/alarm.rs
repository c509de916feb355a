//! Panics in fakes: a fake is a part of the test, so that the test fails with it.

use std::{
    any::Any,
    panic::Location,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// The first panic in a fake, until the test has failed with it.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    first: Mutex<Option<String>>,
    raised: Notify,
}

impl Alarm {
    fn first(&self) -> MutexGuard<'_, Option<String>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fake has panicked. Later panics may well come from this one.
    pub(super) fn raise(&self, what: &str) {
        self.first().get_or_insert_with(|| what.to_owned());
        self.raised.notify_waiters();
    }

    /// What a fake has said, if one has panicked and the test has not failed with it yet.
    pub(super) fn take(&self) -> Option<String> {
        self.first().take()
    }

    /// What a fake says, as soon as one panics.
    pub(super) async fn raised(&self) -> String {
        loop {
            let raised = self.raised.notified();
            if let Some(what) = self.take() {
                return what;
            }
            raised.await;
        }
    }

    /// Fails the test if a fake has panicked.
    ///
    /// # Panics
    /// With what the fake has said.
    pub(super) fn check(&self, at: &Location<'_>) {
        if let Some(what) = self.take() {
            panic!("{at}: {what}");
        }
    }
}

/// What a panic says, as far as it is text.
pub(super) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
