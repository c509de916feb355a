//! Holding a handler.

use std::{fmt, marker::PhantomData, panic::Location, sync::Arc};

use skyloom_core::{
    Context, QueueName, Status,
    service::{Answer, Incoming},
};
use tokio::sync::{mpsc::UnboundedReceiver, oneshot};

use super::{
    plan::{Arrival, Word},
    seat::Seat,
    shared::Shared,
    target::{Place, Target},
};

/// Holds each execution of a method, or of a topic's listeners, before its handler starts; from
/// [`Cluster::hold`](super::Cluster::hold). When it is dropped, whatever it holds goes on.
pub struct Hold<T> {
    shared: Arc<Shared>,
    place: Place,
    arrivals: UnboundedReceiver<Arrival>,
    target: PhantomData<fn() -> T>,
}

/// An execution that waits before its handler for the test's word. Dropped, it goes on.
#[must_use = "what is held goes on as soon as this is dropped"]
pub struct Held<T> {
    shared: Arc<Shared>,
    /// Of the service that has it.
    queue: QueueName,
    incoming: Incoming,
    seat: Arc<Seat>,
    word: oneshot::Sender<Word>,
    target: PhantomData<fn() -> T>,
}

impl<T: Target> Hold<T> {
    pub(super) fn new(shared: &Arc<Shared>, target: &T) -> Self {
        let place = target.place();
        let arrivals = shared.plan.hold(place.clone());
        Self { shared: Arc::clone(shared), place, arrivals, target: PhantomData }
    }

    /// Waits until one more execution has come.
    ///
    /// # Panics
    /// If none comes within 10 s of the runtime's time; it says what was seen instead.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "as the streams of the core; a future, which no iterator returns"
    )]
    pub fn next(&mut self) -> impl Future<Output = Held<T>> {
        let at = Location::caller();
        async move {
            let Self { shared, place, arrivals, .. } = self;
            let told = || format!("no execution of {place} has come; {}", shared.story(place));
            match shared.expect(arrivals.recv(), at, told).await {
                Some(Arrival { queue, incoming, seat, word }) => {
                    Held { shared: Arc::clone(shared), queue, incoming, seat, word, target: PhantomData }
                }
                // The plan has the sender for as long as this is not dropped.
                None => std::future::pending().await,
            }
        }
    }
}

impl<T: Target> Held<T> {
    /// What the handler is about to get.
    ///
    /// # Panics
    /// If it is no such message.
    #[must_use]
    #[track_caller]
    pub fn request(&self) -> T::Request {
        match self.shared.request(Some(&self.queue), self.incoming.envelope()) {
            Ok(request) => request,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// What the handler will know about the call: its attempt, its time, its headers.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.incoming.context
    }

    /// Lets the handler run.
    pub fn release(self) {
        drop(self.word);
    }

    /// Answers in the handler's place.
    ///
    /// # Panics
    /// If the reply has no encoding.
    #[track_caller]
    pub fn answer(self, reply: T::Reply) {
        match Answer::of(reply) {
            // An error means that the caller's time is over.
            Ok(answer) => drop(self.word.send(Word::Answer(answer))),
            Err(status) => panic!("this cannot be a reply: {status}"),
        }
    }

    /// Fails in the handler's place.
    pub fn fail(self, status: Status) {
        // As above.
        drop(self.word.send(Word::Fail(status)));
    }

    /// Loses the instance that has it, as `kill -9` would: the handler does not start there, and the work
    /// goes to another instance.
    pub fn lose_worker(self) {
        self.seat.lose();
    }
}

impl<T> fmt::Debug for Hold<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hold").field(&self.place).finish()
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.incoming.context).finish()
    }
}
