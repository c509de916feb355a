//! One delivery, from its receipt to its settlement.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use tokio::time::Instant;
use tower_service::Service;

use super::{
    lane::Lane,
    outcome::{backoff, cost, reply_to, settle_failed_work},
    supervise::{End, Supervised},
};
use crate::{
    Code, Context, Envelope, Kind, Ledger, Outcome, Result, Status, Streaming,
    broker::{Delivery, Settlement},
    client::into_status,
    service::{Answer, Body, Incoming},
};

/// Runs the handler of a delivery and settles it.
pub(super) async fn execute<T>(lane: Arc<Lane<T>>, delivery: Delivery)
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    let _in_flight = lane.shared.in_flight.enter();
    let envelope = Arc::clone(delivery.envelope());
    let received = Instant::now();
    if delivery.deadline().is_some_and(|deadline| deadline <= received) {
        let status = Status::deadline_exceeded("the time ran out before the handler could start");
        return settle_failed(&lane, delivery, status.with_outcome(Outcome::NotStarted), Ledger::default()).await;
    }
    let options = lane.options(&envelope);
    let _permit = match options.and_then(|options| options.slots.clone()) {
        Some(slots) => slots.acquire_owned().await.ok(),
        None => None,
    };
    if options.is_some_and(|options| options.once) && delivery.once().await.is_err() {
        // The lease is gone: whoever has it now will execute it.
        return;
    }
    let own = options.and_then(|options| options.timeout).map(|timeout| received + timeout);
    let deadline = [own, delivery.deadline()].into_iter().flatten().min();
    let shared = &lane.shared;
    let context = Context::new(Arc::clone(&envelope), delivery.attempt(), deadline, &shared.client, shared.instance);
    let handler = call(lane.service.clone(), Incoming { context: context.clone(), envelope: Arc::clone(&envelope) });
    let end = Supervised::new(handler, &delivery, deadline).await;
    let failed = !matches!(end, End::Finished(Ok(_)));
    match end {
        End::Finished(Ok(Answer { body: Body::Stream(stream), codec })) if envelope.reply_to.is_some() => {
            stream_out(&lane, delivery, &context, codec, stream).await;
        }
        End::Finished(Ok(answer)) => settle_answered(&lane, delivery, &context, answer).await,
        End::Finished(Err(status)) => settle_failed(&lane, delivery, status, context.ledger()).await,
        End::TimedOut => {
            let status = Status::deadline_exceeded("the handler was started and did not finish in time");
            settle_failed(&lane, delivery, status, context.ledger()).await;
        }
        End::Panicked(message) => settle_panicked(&lane, delivery, &message).await,
        End::Stopped => report(&lane, delivery.settle(Settlement::Done).await),
    }
    shared.stats.record(lane.channel.as_str(), &envelope.method, received.elapsed(), failed);
}

async fn call<T>(mut service: T, incoming: Incoming) -> Result<Answer>
where
    T: Service<Incoming, Response = Answer>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(into_status)?;
    service.call(incoming).await.map_err(into_status)
}

async fn settle_answered<T>(lane: &Lane<T>, delivery: Delivery, context: &Context, answer: Answer) {
    let request = Arc::clone(delivery.envelope());
    if request.reply_to.is_none() {
        return report(lane, delivery.settle(Settlement::Done).await);
    }
    let attempt = delivery.attempt();
    let mut reply = reply_to(&request, Kind::Reply, lane.shared.instance, attempt, context.take_reply_headers());
    reply.ledger = cost(&request, attempt, context.ledger());
    reply.codec = answer.codec;
    if let Body::Message(payload) = answer.body {
        reply.payload = payload;
    }
    report(lane, delivery.settle(Settlement::Reply(reply)).await);
}

async fn settle_failed<T>(lane: &Lane<T>, delivery: Delivery, status: Status, handler: Ledger) {
    let request = Arc::clone(delivery.envelope());
    let attempt = delivery.attempt();
    let settlement = if request.reply_to.is_some() {
        Settlement::Reply(failure(&request, lane, attempt, status, handler))
    } else {
        if status.code() != Code::Cancelled {
            tracing::warn!(channel = %lane.channel, method = %request.method, attempt, %status, "work failed");
        }
        settle_failed_work(&status, attempt)
    };
    report(lane, delivery.settle(settlement).await);
}

fn failure<T>(request: &Envelope, lane: &Lane<T>, attempt: u32, status: Status, handler: Ledger) -> Envelope {
    let mut reply = reply_to(request, Kind::Reply, lane.shared.instance, attempt, crate::Headers::new());
    reply.ledger = cost(request, attempt, handler);
    reply.status = Some(status);
    reply
}

/// A panic is a failed attempt: another may succeed, and one that always panics becomes a dead
/// letter with its reason, of which the caller is told.
async fn settle_panicked<T>(lane: &Lane<T>, delivery: Delivery, message: &str) {
    let (request, attempt) = (Arc::clone(delivery.envelope()), delivery.attempt());
    tracing::error!(channel = %lane.channel, method = %request.method, call = %request.id, attempt, message, "a handler panicked");
    let delay = if request.reply_to.is_some() { std::time::Duration::ZERO } else { backoff(attempt) };
    let reason = format!("the handler of {} panicked: {message}", request.method);
    report(lane, delivery.settle(Settlement::Retry { delay, reason }).await);
}

/// Sends a stream: that it has started, its messages, and the final reply.
async fn stream_out<T>(
    lane: &Lane<T>,
    delivery: Delivery,
    context: &Context,
    codec: crate::Codec,
    mut stream: Streaming<Bytes>,
) {
    let shared = &lane.shared;
    let (request, attempt) = (Arc::clone(delivery.envelope()), delivery.attempt());
    let mut entry = shared.streams.enter(request.id);
    let mut sent = 0u32;
    let pump = async {
        let headers = context.take_reply_headers();
        let started = reply_to(&request, Kind::Started, shared.instance, attempt, headers);
        delivery.partial(started).await?;
        while let Some(message) = stream.next().await {
            let mut partial = reply_to(&request, Kind::Partial, shared.instance, attempt, crate::Headers::new());
            partial.codec = codec;
            partial.payload = message?;
            delivery.partial(partial).await?;
            sent = sent.saturating_add(1);
        }
        Ok::<(), Status>(())
    };
    let end = Supervised::new(pump, &delivery, None).stopped_by(&mut entry.stopped).await;
    let spent = context.ledger().merge(Ledger { sends: sent.saturating_add(1), ..Ledger::default() });
    let status = match end {
        End::Finished(Ok(())) => None,
        End::Finished(Err(status)) => Some(status),
        End::Panicked(message) => Some(Status::internal(format!("the stream's handler panicked: {message}"))),
        End::Stopped | End::TimedOut => return report(lane, delivery.settle(Settlement::Done).await),
    };
    let mut reply = reply_to(&request, Kind::Reply, shared.instance, attempt, crate::Headers::new());
    reply.ledger = cost(&request, attempt, spent);
    reply.status = status;
    report(lane, delivery.settle(Settlement::Reply(reply)).await);
}

/// A settle that came too late changes nothing: the broker has handed the work to another.
fn report<T>(lane: &Lane<T>, settled: std::result::Result<(), crate::broker::BrokerError>) {
    if let Err(error) = settled {
        tracing::warn!(channel = %lane.channel, %error, "could not settle");
    }
}
