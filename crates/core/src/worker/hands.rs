//! The quick way through an execution: what ends at once costs no task, no timer and no box.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::Instant;
use tower_service::Service;

use super::{
    execute::{Started, answered, ended, execute, resume},
    in_flight::{Guard, InFlight},
    lane::Lane,
    settling::{Settling, report},
    start::{let_go, spawn, start},
    stats::Tally,
    supervise::{End, panic_message},
};
use crate::{
    Context as CallContext, Envelope, Moment, Result,
    broker::{Delivery, Holding},
    client::into_status,
    service::{Answer, Body, Incoming},
};

/// Executes a lane's deliveries one after the other, as far as each goes at once.
pub(super) struct Hands<T: Service<Incoming>> {
    lane: Arc<Lane<T>>,
    service: T,
    /// Where a handler's future runs; used again unless one has to stay in it.
    place: Place<T::Future>,
    pub(super) settling: Settling,
    tally: Tally,
}

/// A place for one future after the other.
pub(super) struct Place<F>(Pin<Box<Option<F>>>);

impl<F> Place<F> {
    fn new() -> Self {
        Self(Box::pin(None))
    }
}

impl<F: Future> Future for Place<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx))
    }
}

impl<T> Hands<T>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    pub(super) fn new(lane: Arc<Lane<T>>) -> Self {
        let settling = Settling::new(&lane.channel);
        Self { service: lane.service.clone(), lane, place: Place::new(), settling, tally: Tally::default() }
    }

    /// Counts as in flight until it is dropped: whoever executes several deliveries one after the other does so once.
    pub(super) fn turn(&self) -> Guard {
        InFlight::enter(Arc::clone(&self.lane.shared.in_flight))
    }

    /// Ends a turn: what it has executed can be read from now on.
    pub(super) fn rest(&mut self) {
        self.tally.enter();
    }

    /// Executes a delivery; what has to wait becomes a task of its own. `now` is the time if it has
    /// just been read, and so is what is returned. The caller holds a turn.
    pub(super) fn take(&mut self, delivery: Delivery, now: Option<Instant>, cx: &mut Context<'_>) -> Option<Instant> {
        // The handler's own panic is caught further in: here it is one of a layer that is cloned or dropped.
        catch_unwind(AssertUnwindSafe(|| self.execute(delivery, now, cx))).unwrap_or_else(|panic| {
            tracing::error!(channel = %self.lane.channel, message = panic_message(&*panic), "a layer panicked");
            None
        })
    }

    fn execute(&mut self, delivery: Delivery, now: Option<Instant>, cx: &mut Context<'_>) -> Option<Instant> {
        let received = now.unwrap_or_else(Instant::now);
        let lane = &*self.lane;
        let treatment = lane.treatment(delivery.envelope());
        let expired = delivery.deadline().is_some_and(|deadline| deadline <= received);
        if expired || treatment.is_some_and(|method| method.once || method.slots.is_some()) {
            start(&lane.shared, execute(Arc::clone(&self.lane), delivery), cx);
            return None;
        }
        let (envelope, holding) = delivery.into_parts();
        let context = lane.context(envelope, &holding, treatment, received);
        let incoming = Incoming::new(context.clone());
        let (service, place) = (&mut self.service, &mut self.place);
        let end = match catch_unwind(AssertUnwindSafe(|| run(service, incoming, place, cx))) {
            Ok(Run::Ended(answer)) => End::Finished(answer),
            Ok(Run::NotReady) => {
                // A service that is to wait may hold something back that its clone waits for.
                self.service = lane.service.clone();
                let delivery = Delivery::from_parts(Arc::clone(context.envelope()), holding);
                start(&lane.shared, execute(Arc::clone(&self.lane), delivery), cx);
                return None;
            }
            Ok(Run::Waits) => {
                let future = std::mem::replace(&mut self.place, Place::new());
                let started = Started { holding, context, begun: received };
                let in_flight = InFlight::enter(Arc::clone(&lane.shared.in_flight));
                drop(spawn(&lane.shared, resume(Arc::clone(&self.lane), future, started, in_flight)));
                return None;
            }
            Err(panic) => {
                self.service = lane.service.clone();
                End::Panicked(panic_message(&*panic))
            }
        };
        let_go(|| self.place.0.set(None));
        if matches!(&end, End::Finished(Ok(Answer { body: Body::Stream(_), .. }))) {
            let started = Started { holding, context, begun: received };
            let in_flight = InFlight::enter(Arc::clone(&lane.shared.in_flight));
            start(&lane.shared, ended(Arc::clone(&self.lane), started, end, in_flight), cx);
            return None;
        }
        let now = Instant::now();
        let moment = Moment::hold(now);
        let failed = !matches!(end, End::Finished(Ok(_)));
        let settlement = match end {
            End::Finished(Ok(answer)) => answered(lane, &context, answer),
            end => lane.unanswered(&context, end),
        };
        let took = now.saturating_duration_since(received);
        match treatment.and_then(|method| method.counter.as_ref()) {
            Some(counter) => self.tally.add(counter, took, failed),
            None => lane.count(context.envelope(), took, failed),
        }
        match holding.settle(settlement).into_ready() {
            Ok(settled) => report(&lane.channel, settled),
            Err(ack) => self.settling.add(ack, InFlight::enter(Arc::clone(&lane.shared.in_flight))),
        }
        drop(moment);
        Some(now)
    }
}

enum Run {
    Ended(Result<Answer>),
    Waits,
    NotReady,
}

fn run<T>(service: &mut T, incoming: Incoming, place: &mut Place<T::Future>, cx: &mut Context<'_>) -> Run
where
    T: Service<Incoming, Response = Answer>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match service.poll_ready(cx) {
        Poll::Ready(Ok(())) => {}
        Poll::Ready(Err(error)) => return Run::Ended(Err(into_status(error))),
        Poll::Pending => return Run::NotReady,
    }
    place.0.set(Some(service.call(incoming)));
    match Pin::new(place).poll(cx) {
        Poll::Ready(answer) => Run::Ended(answer.map_err(into_status)),
        Poll::Pending => Run::Waits,
    }
}

impl<T> Lane<T> {
    /// What a handler is told about a delivery.
    pub(super) fn context(
        &self,
        envelope: Arc<Envelope>,
        holding: &Holding,
        treatment: Option<&super::lane::Treatment>,
        begun: Instant,
    ) -> CallContext {
        let own = treatment.and_then(|method| method.timeout).and_then(|timeout| begun.checked_add(timeout));
        let deadline = match (own, holding.deadline()) {
            (Some(own), Some(callers)) => Some(own.min(callers)),
            (own, callers) => own.or(callers),
        };
        CallContext::new(envelope, holding.attempt(), deadline, &self.shared.client, self.shared.instance)
    }
}
