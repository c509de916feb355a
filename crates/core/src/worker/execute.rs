//! One delivery, from its receipt to its settlement.

use std::{future::poll_fn, pin::pin, sync::Arc};

use bytes::Bytes;
use tokio::time::Instant;
use tower_service::Service;

use super::{
    lane::Lane,
    outcome::{backoff, cost, reply_to, settle_failed_work},
    supervise::{End, Supervised},
};
use crate::{
    Code, Context, Kind, Ledger, Outcome, Result, Status, Streaming,
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
    let received = Instant::now();
    if delivery.deadline().is_some_and(|deadline| deadline <= received) {
        let status = Status::deadline_exceeded("the time ran out before the handler could start");
        let settlement = failed(&lane, &delivery, status.with_outcome(Outcome::NotStarted), Ledger::default());
        return report(&lane, delivery.settle(settlement).await);
    }
    let envelope = Arc::clone(delivery.envelope());
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
    let incoming = Incoming { context: context.clone(), envelope: Arc::clone(&envelope) };
    let end = Supervised::new(pin!(call(lane.service.clone(), incoming)), &delivery, deadline).await;
    let is_failure = !matches!(end, End::Finished(Ok(_)));
    let settlement = match end {
        End::Finished(Ok(Answer { body: Body::Stream(stream), codec })) if envelope.reply_to.is_some() => {
            // In a box of its own: few answers are streams, and every execution would be larger by it.
            Box::pin(stream_out(&lane, &delivery, &context, codec, stream)).await
        }
        End::Finished(Ok(answer)) => answered(&lane, &delivery, &context, answer),
        End::Finished(Err(status)) => failed(&lane, &delivery, status, context.ledger()),
        End::TimedOut => {
            let status = Status::deadline_exceeded("the handler was started and did not finish in time");
            failed(&lane, &delivery, status, context.ledger())
        }
        End::Panicked(message) => panicked(&lane, &delivery, &message),
        End::Stopped => Settlement::Done,
    };
    report(&lane, delivery.settle(settlement).await);
    shared.stats.record(lane.channel.as_str(), &envelope.method, received.elapsed(), is_failure);
}

async fn call<T>(mut service: T, incoming: Incoming) -> Result<Answer>
where
    T: Service<Incoming, Response = Answer>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(into_status)?;
    service.call(incoming).await.map_err(into_status)
}

fn answered<T>(lane: &Lane<T>, delivery: &Delivery, context: &Context, answer: Answer) -> Settlement {
    let (request, attempt) = (delivery.envelope(), delivery.attempt());
    if request.reply_to.is_none() {
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

fn failed<T>(lane: &Lane<T>, delivery: &Delivery, status: Status, handler: Ledger) -> Settlement {
    let (request, attempt) = (delivery.envelope(), delivery.attempt());
    if request.reply_to.is_none() {
        if status.code() != Code::Cancelled {
            tracing::warn!(channel = %lane.channel, method = %request.method, attempt, %status, "work failed");
        }
        return settle_failed_work(&status, attempt);
    }
    let mut reply = reply_to(request, Kind::Reply, lane.shared.instance, attempt, crate::Headers::new());
    reply.ledger = cost(request, attempt, handler);
    reply.status = Some(status);
    Settlement::Reply(Arc::new(reply))
}

/// A panic is a failed attempt: another may succeed, and one that always panics becomes a dead
/// letter with its reason, of which the caller is told.
fn panicked<T>(lane: &Lane<T>, delivery: &Delivery, message: &str) -> Settlement {
    let (request, attempt) = (delivery.envelope(), delivery.attempt());
    tracing::error!(channel = %lane.channel, method = %request.method, call = %request.id, attempt, message, "a handler panicked");
    let delay = if request.reply_to.is_some() { std::time::Duration::ZERO } else { backoff(attempt) };
    let reason = format!("the handler of {} panicked: {message}", request.method);
    Settlement::Retry { delay, reason }
}

/// Sends a stream: that it has started, and its messages. The settlement is its end.
async fn stream_out<T>(
    lane: &Lane<T>,
    delivery: &Delivery,
    context: &Context,
    codec: crate::Codec,
    mut stream: Streaming<Bytes>,
) -> Settlement {
    let shared = &lane.shared;
    let (request, attempt) = (delivery.envelope(), delivery.attempt());
    let mut entry = shared.streams.enter(request.id);
    let mut sent = 0u32;
    let pump = async {
        let headers = context.take_reply_headers();
        let started = reply_to(request, Kind::Started, shared.instance, attempt, headers);
        delivery.partial(Arc::new(started)).await?;
        while let Some(message) = stream.next().await {
            let mut partial = reply_to(request, Kind::Partial, shared.instance, attempt, crate::Headers::new());
            partial.codec = codec;
            partial.payload = message?;
            delivery.partial(Arc::new(partial)).await?;
            sent = sent.saturating_add(1);
        }
        Ok::<(), Status>(())
    };
    let end = Supervised::new(pin!(pump), delivery, None).stopped_by(&mut entry.stopped).await;
    let spent = context.ledger().merge(Ledger { sends: sent.saturating_add(1), ..Ledger::default() });
    let status = match end {
        End::Finished(Ok(())) => None,
        End::Finished(Err(status)) => Some(status),
        End::Panicked(message) => Some(Status::internal(format!("the stream's handler panicked: {message}"))),
        End::Stopped | End::TimedOut => return Settlement::Done,
    };
    let mut reply = reply_to(request, Kind::Reply, shared.instance, attempt, crate::Headers::new());
    reply.ledger = cost(request, attempt, spent);
    reply.status = status;
    Settlement::Reply(Arc::new(reply))
}

/// A settle that came too late changes nothing: the broker has handed the work to another.
fn report<T>(lane: &Lane<T>, settled: std::result::Result<(), crate::broker::BrokerError>) {
    if let Err(error) = settled {
        tracing::warn!(channel = %lane.channel, %error, "could not settle");
    }
}
