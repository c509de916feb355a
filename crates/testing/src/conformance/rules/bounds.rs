//! Limits of time, number and size.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Envelope, Outcome, Status,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};
use tokio::time::Instant;

use crate::conformance::{
    BrokerFixture, Fixture, Guarantee, Shown,
    kit::{accepted, call, consume, inbox, next, nothing_comes, put, queue, refusal, refused, soon, take, work},
};

/// A limit that is kept approximately is not exceeded by more than this factor.
const APPROXIMATELY: usize = 10;

/// A call that waits longer than its budget never reaches a worker, and its caller hears so.
pub async fn a_call_whose_time_has_run_out_is_dropped_unexecuted<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("too-late.v1");
    let (probe, inbox) = inbox(&broker).await;
    let mut request = call(&inbox, 1);
    request.budget = Some(Duration::from_millis(50));
    let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
    // What is accepted after it came after it: its time has begun at the broker, too, however slow that is.
    put(&broker, &channel, [2]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    assert_eq!(take(&mut consumer).await, 2);
    assert_eq!(refusal(&probe, request.id, ack).await, BrokerError::Expired);
    nothing_comes(&mut consumer).await;
}

/// A call that comes back from an attempt when its budget is used up is not said to be unexecuted: what the attempt has
/// done, nobody knows.
pub async fn a_call_whose_time_has_run_out_after_an_attempt_has_an_unknown_outcome<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().redelivery {
        return;
    }
    let channel = queue("too-late-again.v1");
    let (probe, inbox) = inbox(&broker).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    // Time enough for its first attempt, on a busy machine too.
    let request = Envelope { budget: Some(Duration::from_secs(2)), ..call(&inbox, 1) };
    let sent = Instant::now();
    accepted("enqueue", broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default())).await;
    let attempt = next(&mut consumer).await;
    tokio::time::sleep_until(sent + Duration::from_millis(2_100)).await;
    let (delay, reason) = (Duration::ZERO, "the database is away".to_owned());
    accepted("retry", attempt.settle(Settlement::Retry { delay, reason })).await;
    let status = Status::from(refused(&probe, request.id).await);
    assert_eq!(status.outcome(), Outcome::Unknown, "{status}");
    nothing_comes(&mut consumer).await;
}

/// A queue that holds as much as it may refuses more, to casts and to calls, and takes more when
/// there is room again. A broker that keeps the limit approximately refuses later, and loses nothing that it accepted.
pub async fn a_full_queue_refuses_and_keeps_what_it_has<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().bounded {
        return the_limit_is_kept_approximately(&broker, fixture.queue_limit()).await;
    }
    let channel = queue("full.v1");
    let limit = u32::try_from(fixture.queue_limit()).expect("a test queue is small");
    put(&broker, &channel, 0..limit).await;
    let one_more = soon("enqueue", broker.enqueue(&channel, work(limit).into(), EnqueueOptions::default())).await;
    assert!(matches!(one_more, Err(BrokerError::Full { .. })), "{one_more:?}");
    let (probe, inbox) = inbox(&broker).await;
    let request = call(&inbox, limit);
    let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
    let error = refusal(&probe, request.id, ack).await;
    assert!(matches!(error, BrokerError::Full { .. }), "{error:?}");
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    assert_eq!(take(&mut consumer).await, 0);
    // A broker to which settling is a message of its own has room a moment later.
    let room = async {
        while broker.enqueue(&channel, work(limit).into(), EnqueueOptions::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon("room for one more", room).await;
    for expected in 1..=limit {
        assert_eq!(take(&mut consumer).await, expected);
    }
    Guarantee::Bounded.kept()
}

/// A sender that goes on is refused at some time, and all that was accepted is delivered; or, where nothing waits
/// for a worker, the first message is refused already.
async fn the_limit_is_kept_approximately(broker: &Arc<dyn Broker>, limit: usize) -> Shown {
    let channel = queue("filled.v1");
    let most = u32::try_from(limit.saturating_mul(APPROXIMATELY)).unwrap_or(u32::MAX);
    let mut held = 0;
    let error = loop {
        assert!(held < most, "a queue for {limit} messages took {held}");
        match soon("enqueue", broker.enqueue(&channel, work(held).into(), EnqueueOptions::default())).await {
            Ok(()) => held += 1,
            Err(error) => break error,
        }
    };
    let is_full = matches!(error, BrokerError::Full { .. });
    assert!(is_full || (held == 0 && matches!(error, BrokerError::Unavailable { .. })), "{held} were taken: {error:?}");
    let mut consumer = consume(broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    for expected in 0..held {
        assert_eq!(take(&mut consumer).await, expected);
    }
    Guarantee::Bounded.refused()
}

/// A queue that holds as many bytes as it may refuses more, to casts and to calls, long before it holds as many messages
/// as it may; it takes more when there is room again. Where the limit is kept approximately it is exceeded by less than
/// the factor that is allowed for messages; a broker that cannot keep one refuses to be given one.
pub async fn a_queue_is_bounded_in_bytes<F: BrokerFixture>(_: F) -> Shown {
    const LIMIT: usize = 256 << 10;
    const SIZE: usize = 16 << 10;
    let fixture = match F::bounded_in_bytes(LIMIT).await {
        Ok(fixture) => fixture,
        Err(sentence) => {
            assert!(sentence.contains("queue_bytes"), "the option that cannot be kept is named: {sentence}");
            return Guarantee::BoundedInBytes.refused();
        }
    };
    let broker = fixture.connect().await.broker;
    let exactly = broker.capabilities().bounded;
    let most = LIMIT / SIZE * if exactly { 1 } else { APPROXIMATELY };
    let heavy = |number: usize| Envelope { payload: vec![number as u8; SIZE].into(), ..work(0) };
    let channel = queue("heavy.v1");
    let put =
        async |number| soon("enqueue", broker.enqueue(&channel, heavy(number).into(), EnqueueOptions::default())).await;
    let mut held = 0;
    let error = loop {
        match put(held).await {
            Ok(()) => held += 1,
            Err(error) => break error,
        }
        assert!(held <= most, "a queue for {LIMIT} bytes took {held} messages of {SIZE} bytes");
    };
    let nobody = held == 0 && matches!(error, BrokerError::Unavailable { .. }) && !exactly;
    assert!(nobody || matches!(error, BrokerError::Full { .. }), "{held} were taken: {error:?}");
    // What is said of each message takes a part of the limit.
    assert!(!exactly || held + 1 >= most * 3 / 4, "a queue for {LIMIT} bytes took only {held} messages");
    if !nobody {
        let (probe, inbox) = inbox(&broker).await;
        let request = Envelope { payload: heavy(0).payload, ..call(&inbox, 0) };
        let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
        let error = refusal(&probe, request.id, ack).await;
        assert!(matches!(error, BrokerError::Full { .. }), "{error:?}");
    }
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    for expected in 0..held {
        let delivery = next(&mut consumer).await;
        assert!(delivery.envelope().payload == heavy(expected).payload, "message {expected} arrives as it was sent");
        accepted("settle", delivery.settle(Settlement::Done)).await;
    }
    let room = async {
        while put(0).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon("room for one more", room).await;
    if exactly { Guarantee::BoundedInBytes.kept() } else { Guarantee::BoundedInBytes.refused() }
}

/// A message of the size that the broker states arrives whole. One that is a byte larger is refused, to casts and to
/// calls, and the connection goes on.
pub async fn a_message_that_is_too_large_is_refused<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("large.v1");
    let limit = broker.capabilities().max_message;
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    let largest = filled(work(1), limit);
    accepted("the largest", broker.enqueue(&channel, largest.clone().into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    assert!(delivery.envelope().payload == largest.payload, "the largest arrives as it was sent");
    accepted("settle", delivery.settle(Settlement::Done)).await;
    let cast = filled(work(1), limit + 1);
    let refused = soon("enqueue", broker.enqueue(&channel, cast.into(), EnqueueOptions::default())).await;
    assert!(matches!(refused, Err(BrokerError::TooLarge { .. })), "{refused:?}");
    let (probe, inbox) = inbox(&broker).await;
    let request = filled(call(&inbox, 1), limit + 1);
    let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
    let error = refusal(&probe, request.id, ack).await;
    assert!(matches!(error, BrokerError::TooLarge { .. }), "{error:?}");
    put(&broker, &channel, [3]).await;
    assert_eq!(take(&mut consumer).await, 3);
    Guarantee::LargestEnvelope.is(limit.to_string())
}

/// An envelope with as much payload as makes it this large.
fn filled(mut envelope: Envelope, size: usize) -> Envelope {
    envelope.payload = vec![7; size].into();
    let surplus = envelope.encoded_len() - size;
    envelope.payload.truncate(size - surplus);
    assert_eq!(envelope.encoded_len(), size, "the payload makes up for the rest");
    envelope
}
