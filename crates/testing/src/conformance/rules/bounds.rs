//! Limits of time, number and size.

use std::time::Duration;

use skyloom_core::broker::{BrokerError, ConsumeOptions, EnqueueOptions};

use crate::conformance::{
    Fixture,
    kit::{call, consume, inbox, nothing_comes, put, queue, refusal, soon, take, work},
};

/// A call that waits longer than its budget never reaches a worker, and its caller hears so.
pub async fn a_call_whose_time_has_run_out_is_dropped_unexecuted<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("too-late.v1");
    let (probe, inbox) = inbox(&broker).await;
    let mut request = call(&inbox, 1);
    request.budget = Some(Duration::from_millis(50));
    let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
    tokio::time::sleep(Duration::from_millis(100)).await;
    put(&broker, &channel, [2]).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    assert_eq!(take(&mut consumer).await, 2);
    assert_eq!(refusal(&probe, request.id, ack).await, BrokerError::Expired);
    nothing_comes(&mut consumer).await;
}

/// A queue that holds as much as it may refuses more, to casts and to calls, and takes more when
/// there is room again.
pub async fn a_full_queue_refuses_and_keeps_what_it_has<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().bounded {
        return;
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
}

/// A message beyond the limit is refused, and the connection goes on.
pub async fn a_message_that_is_too_large_is_refused<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("large.v1");
    let limit = broker.capabilities().max_message;
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    let mut cast = work(1);
    cast.payload = vec![0; limit + 1].into();
    let refused = soon("enqueue", broker.enqueue(&channel, cast.clone().into(), EnqueueOptions::default())).await;
    assert!(matches!(refused, Err(BrokerError::TooLarge { .. })), "{refused:?}");
    let (probe, inbox) = inbox(&broker).await;
    let mut request = call(&inbox, 1);
    request.payload = cast.payload;
    let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
    let error = refusal(&probe, request.id, ack).await;
    assert!(matches!(error, BrokerError::TooLarge { .. }), "{error:?}");
    put(&broker, &channel, [3]).await;
    assert_eq!(take(&mut consumer).await, 3);
}
