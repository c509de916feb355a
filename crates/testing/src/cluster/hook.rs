//! Waiting for a handler.

use std::{fmt, panic::Location, sync::Arc};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    journal::Record,
    message::Message,
    shared::Shared,
    target::{Place, Target},
};

/// Tells of each execution of a method, or of a topic's listeners, as soon as it has ended; from
/// [`Cluster::hook`](super::Cluster::hook).
pub struct Hook<T> {
    shared: Arc<Shared>,
    place: Place,
    ended: UnboundedReceiver<Record>,
    target: std::marker::PhantomData<fn() -> T>,
}

impl<T: Target> Hook<T> {
    pub(super) fn new(shared: &Arc<Shared>, target: &T) -> Self {
        let place = target.place();
        let ended = shared.journal.hook(place.clone());
        Self { shared: Arc::clone(shared), place, ended, target: std::marker::PhantomData }
    }

    /// Waits until one more execution has ended, however it did.
    ///
    /// # Panics
    /// If none ends within 10 s of the runtime's time; it says what was seen instead.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "as the streams of the core; a future, which no iterator returns"
    )]
    pub fn next(&mut self) -> impl Future<Output = Message<T>> {
        let at = Location::caller();
        async move {
            let Self { shared, place, ended, .. } = self;
            let told = || format!("no execution of {place} ended; {}", shared.story(place));
            match shared.expect(ended.recv(), at, told).await {
                Some(record) => Message::new(Arc::clone(shared), record),
                // The journal has the sender, and the hook has the journal.
                None => std::future::pending().await,
            }
        }
    }

    /// Waits until one more execution has ended with an answer, or with nobody to answer: failures that are
    /// tried again are passed over.
    ///
    /// # Panics
    /// As for [`Hook::next`].
    #[track_caller]
    pub fn next_success(&mut self) -> impl Future<Output = Message<T>> {
        let at = Location::caller();
        async move {
            let Self { shared, place, ended, .. } = self;
            let told = || format!("no execution of {place} succeeded; {}", shared.story(place));
            let success = async {
                loop {
                    if let Some(record) = ended.recv().await {
                        let message = Message::<T>::new(Arc::clone(shared), record);
                        if message.failure().is_none() && message.error().is_none() {
                            return message;
                        }
                    }
                }
            };
            shared.expect(success, at, told).await
        }
    }

    /// The executions that have ended and were not told of yet.
    pub fn drain(&mut self) -> Vec<Message<T>> {
        let records = std::iter::from_fn(|| self.ended.try_recv().ok());
        records.map(|record| Message::new(Arc::clone(&self.shared), record)).collect()
    }
}

impl<T> fmt::Debug for Hook<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.place).finish()
    }
}
