//! Runs a handler: catches its panic, extends its lease, ends it at its deadline or when the
//! caller has lost interest.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use super::running::{StreamEntry, Unread};
use crate::broker::Holding;

/// A lease that lasts longer is extended as often as one that lasts a year: the clock ends somewhere.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// How a supervised future ended.
pub(super) enum End<T> {
    /// By itself.
    Finished(T),
    /// By a panic with this message.
    Panicked(String),
    /// At its deadline.
    TimedOut,
    /// Because the caller has lost interest.
    Stopped,
    /// Because nobody is there who would read it.
    Abandoned,
}

/// A future under supervision. A future that is ready at once costs no timer.
pub(super) struct Supervised<'a, F> {
    future: Pin<&'a mut F>,
    holding: &'a Holding,
    deadline: Option<Instant>,
    stream: Option<&'a mut StreamEntry>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<'a, F: Future> Supervised<'a, F> {
    pub(super) fn new(future: Pin<&'a mut F>, holding: &'a Holding, deadline: Option<Instant>) -> Self {
        Self { future, holding, deadline, stream: None, timer: None }
    }

    /// It sends a stream, and ends when nobody reads that any more.
    pub(super) fn streaming(mut self, stream: &'a mut StreamEntry) -> Self {
        self.stream = Some(stream);
        self
    }

    /// A third of the lease leaves room for two extensions to be late.
    fn next_alarm(&self) -> Instant {
        let extend = Instant::now() + self.holding.lease_time().min(LONGEST) / 3;
        self.deadline.map_or(extend, |deadline| deadline.min(extend))
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut timer = match self.timer.take() {
                Some(timer) => timer,
                None => Box::pin(tokio::time::sleep_until(self.next_alarm())),
            };
            if timer.as_mut().poll(cx).is_pending() {
                self.timer = Some(timer);
                return Poll::Pending;
            }
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Poll::Ready(());
            }
            let extended = self.holding.extend();
            match &mut self.stream {
                Some(stream) => stream.extended(extended),
                // If the lease is lost, the handler's answer will change nothing; let it finish.
                None => drop(extended),
            }
            timer.as_mut().reset(self.next_alarm());
            self.timer = Some(timer);
        }
    }
}

impl<F: Future> Future for Supervised<'_, F> {
    type Output = End<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match catch_unwind(AssertUnwindSafe(|| this.future.as_mut().poll(cx))) {
            Ok(Poll::Ready(output)) => return Poll::Ready(End::Finished(output)),
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(End::Panicked(panic_message(&*panic))),
        }
        if this.poll_timer(cx).is_ready() {
            return Poll::Ready(End::TimedOut);
        }
        // After the timer, which may have asked the broker.
        match &mut this.stream {
            Some(stream) => stream.poll_unread(cx).map(|unread| match unread {
                Unread::Stopped => End::Stopped,
                Unread::Abandoned => End::Abandoned,
            }),
            None => Poll::Pending,
        }
    }
}

/// A panic's message, as far as it is text.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
