//! One delivery, from its receipt to its settlement.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};
use tower_service::Service;

use super::{
    in_flight::{Guard, InFlight},
    lane::{Lane, Treatment},
    outcome::{backoff, cost, reply_to, settle_failed_work},
    settling::report,
    start::let_go,
    supervise::{End, Supervised},
};
use crate::{
    Code, Context, Envelope, Kind, Ledger, Outcome, Result, Status, Streaming,
    broker::{Delivery, Holding, Settlement},
    client::into_status,
    service::{Answer, Body, Incoming},
};

/// A delivery that is with its handler.
pub(super) struct Started {
    pub(super) holding: Holding,
    pub(super) context: Context,
    /// When its execution began.
    pub(super) begun: Instant,
}

/// Runs the handler of a delivery and settles it.
pub(super) async fn execute<T>(lane: Arc<Lane<T>>, delivery: Delivery)
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    let in_flight = InFlight::enter(Arc::clone(&lane.shared.in_flight));
    let received = Instant::now();
    let (envelope, holding) = delivery.into_parts();
    let treatment = lane.treatment(&envelope);
    let turn = match holding.deadline().is_some_and(|deadline| deadline <= received) {
        true => End::TimedOut,
        false => {
            let turn = pin!(turn(lane.own.as_ref(), treatment.and_then(|method| method.slots.as_deref())));
            Supervised::new(turn, &holding, holding.deadline()).await
        }
    };
    let End::Finished(_turn) = turn else {
        let attempt = holding.attempt();
        let settlement = failed(&lane, (&envelope, attempt), too_late(attempt), Ledger::default());
        return report(&lane.channel, holding.settle(settlement).await);
    };
    if treatment.is_some_and(|method| method.once) && holding.once().await.is_err() {
        // The lease is gone: whoever has it now will execute it.
        return;
    }
    // Its time begins with its turn: the wait for that is the caller's.
    let is_bounded = |method: &Treatment| method.timeout.is_some() || method.slots.is_some();
    let begun = if lane.own.is_some() || treatment.is_some_and(is_bounded) { Instant::now() } else { received };
    let context = lane.context(envelope, &holding, treatment, begun);
    let incoming = Incoming::new(context.clone());
    let called = Arc::clone(&lane);
    let future = Box::pin(async move { call(called.service.clone(), incoming).await });
    let started = Started { holding, context, begun };
    supervise(Arc::clone(&lane), future, started, in_flight).await;
}

/// Why a handler is not started. What attempts before this one have done, nobody here knows.
fn too_late(attempt: u32) -> Status {
    let message = "the time ran out before the handler could start";
    match attempt {
        0 | 1 => Status::deadline_exceeded(message).with_outcome(Outcome::NotStarted),
        again => {
            Status::deadline_exceeded(format!("{message} attempt {again}; an earlier attempt may have done its work"))
                .with_outcome(Outcome::Unknown)
        }
    }
}

/// Waits until a handler may run, by what bounds the executions of its channel and of its method.
async fn turn<'a>(own: Option<&'a Semaphore>, method: Option<&'a Semaphore>) -> [Option<SemaphorePermit<'a>>; 2] {
    let mut permits = [None, None];
    for (permit, slots) in permits.iter_mut().zip([own, method]) {
        if let Some(slots) = slots {
            *permit = slots.acquire().await.ok();
        }
    }
    permits
}

/// Goes on with a handler that has to wait.
pub(super) async fn resume<T, F, E>(lane: Arc<Lane<T>>, future: F, started: Started, in_flight: Guard)
where
    F: Future<Output = Result<Answer, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut future = future;
    let future = poll_fn(|cx| Pin::new(&mut future).poll(cx).map_err(into_status));
    supervise(lane, future, started, in_flight).await;
}

async fn supervise<T, F>(lane: Arc<Lane<T>>, future: F, started: Started, in_flight: Guard)
where
    F: Future<Output = Result<Answer>> + Unpin,
{
    let mut future = future;
    let end = Supervised::new(Pin::new(&mut future), &started.holding, started.context.deadline()).await;
    let_go(|| drop(future));
    ended(lane, started, end, in_flight).await;
}

/// Settles a delivery after its handler.
pub(super) async fn ended<T>(lane: Arc<Lane<T>>, started: Started, end: End<Result<Answer>>, in_flight: Guard) {
    let Started { holding, context, begun } = started;
    let is_failure = !matches!(end, End::Finished(Ok(_)));
    let settlement = match end {
        End::Finished(Ok(Answer { body: Body::Stream(stream), codec })) if context.envelope().reply_to.is_some() => {
            // In a box of its own: few answers are streams, and every execution would be larger by it.
            Box::pin(stream_out(&lane, &holding, &context, codec, stream)).await
        }
        End::Finished(Ok(answer)) => answered(&lane, &context, answer),
        end => lane.unanswered(&context, end),
    };
    lane.count(context.envelope(), begun.elapsed(), is_failure);
    report(&lane.channel, holding.settle(settlement).await);
    drop(in_flight);
}

impl<T> Lane<T> {
    /// How a delivery is settled whose handler gave no answer.
    pub(super) fn unanswered(&self, context: &Context, end: End<Result<Answer>>) -> Settlement {
        let status = match end {
            End::Finished(Err(status)) => status,
            End::TimedOut => Status::deadline_exceeded("the handler was started and did not finish in time")
                .with_outcome(Outcome::Unknown),
            End::Panicked(message) => return panicked(self, context, &message),
            End::Finished(Ok(_)) | End::Stopped | End::Abandoned => return Settlement::Done,
        };
        failed(self, (context.envelope(), context.attempt()), status, context.ledger())
    }
}

async fn call<T>(mut service: T, incoming: Incoming) -> Result<Answer>
where
    T: Service<Incoming, Response = Answer>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(into_status)?;
    service.call(incoming).await.map_err(into_status)
}

pub(super) fn answered<T>(lane: &Lane<T>, context: &Context, answer: Answer) -> Settlement {
    let (request, attempt) = (context.envelope(), context.attempt());
    if request.reply_to.is_none() {
        let_go(|| drop(answer));
        return Settlement::Done;
    }
    let mut reply = reply_to(request, Kind::Reply, lane.shared.instance, attempt, context.take_reply_headers());
    reply.ledger = cost(request, attempt, context.ledger());
    reply.codec = answer.codec;
    if let Body::Message(payload) = answer.body {
        reply.payload = payload;
    }
    Settlement::Reply(Arc::new(reply))
}

fn failed<T>(lane: &Lane<T>, (request, attempt): (&Envelope, u32), status: Status, handler: Ledger) -> Settlement {
    if request.reply_to.is_none() {
        if status.code() != Code::Cancelled {
            tracing::warn!(channel = %lane.channel, method = %request.method, attempt, %status, "work failed");
        }
        return if lane.own.is_some() { Settlement::Done } else { settle_failed_work(&status, attempt) };
    }
    let mut reply = reply_to(request, Kind::Reply, lane.shared.instance, attempt, crate::Headers::new());
    reply.ledger = cost(request, attempt, handler);
    reply.status = Some(status);
    Settlement::Reply(Arc::new(reply))
}

/// A panic is a failed attempt: another may succeed, and one that always panics becomes a dead
/// letter with its reason, of which the caller is told. What was for this very instance is not tried again.
fn panicked<T>(lane: &Lane<T>, context: &Context, message: &str) -> Settlement {
    let (request, attempt) = (context.envelope(), context.attempt());
    tracing::error!(channel = %lane.channel, method = %request.method, call = %request.id, attempt, message, "a handler panicked");
    let delay = if request.reply_to.is_some() { std::time::Duration::ZERO } else { backoff(attempt) };
    let reason = format!("the handler of {} panicked: {message}", request.method);
    if lane.own.is_some() {
        return failed(
            lane,
            (request, attempt),
            Status::internal(reason).with_outcome(Outcome::Unknown),
            context.ledger(),
        );
    }
    Settlement::Retry { delay, reason }
}

/// After so many messages of a stream others have their turn, though it could go on: one of them may be its reader.
const TURN: u32 = 16;

/// Why a stream has ended whose reader was gone.
const UNREAD: &str = "nobody was there to read the stream, so that it was ended";

/// Sends a stream: that it has started, and its messages. The settlement is its end.
async fn stream_out<T>(
    lane: &Lane<T>,
    holding: &Holding,
    context: &Context,
    codec: crate::Codec,
    mut stream: Streaming<Bytes>,
) -> Settlement {
    let shared = &lane.shared;
    let (request, attempt) = (context.envelope(), context.attempt());
    let mut entry = shared.streams.enter(request.id);
    let mut sent = 0u32;
    let pump = async {
        let headers = context.take_reply_headers();
        let started = reply_to(request, Kind::Started, shared.instance, attempt, headers);
        holding.partial(Arc::new(started)).await?;
        while let Some(message) = stream.next().await {
            let mut partial = reply_to(request, Kind::Partial, shared.instance, attempt, crate::Headers::new());
            partial.codec = codec;
            partial.payload = message?;
            holding.partial(Arc::new(partial)).await?;
            sent = sent.saturating_add(1);
            if sent.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
        }
        Ok::<(), Status>(())
    };
    let end = Supervised::new(pin!(pump), holding, None).streaming(&mut entry).await;
    let_go(|| drop(stream));
    let spent = context.ledger().merge(Ledger { sends: sent.saturating_add(1), ..Ledger::default() });
    let status = match end {
        End::Finished(Ok(())) => None,
        End::Finished(Err(status)) => Some(status),
        End::Panicked(message) => Some(Status::internal(format!("the stream's handler panicked: {message}"))),
        // A reader who comes back too late to be waited for must not wait in his turn.
        End::Abandoned => Some(Status::aborted(UNREAD).with_outcome(Outcome::Unknown)),
        End::Stopped | End::TimedOut => return Settlement::Done,
    };
    let mut reply = reply_to(request, Kind::Reply, shared.instance, attempt, crate::Headers::new());
    reply.ledger = cost(request, attempt, spent);
    reply.status = status;
    Settlement::Reply(Arc::new(reply))
}
