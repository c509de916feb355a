//! Queues and their consumers.

use std::{collections::BTreeSet, time::Duration};

use skyloom_core::broker::{ConsumeOptions, EnqueueOptions, Settlement};
use tokio::time::Instant;

use crate::conformance::{
    Fixture, Guarantee, Shown,
    kit::{QUIET, accepted, assert_unsupported, consume, next, nothing_comes, number, put, queue, soon, take, work},
};

/// Work is put on a queue before anybody consumes it.
pub async fn work_waits_for_a_worker_that_has_not_started<F: Fixture>(fixture: F) {
    let (sender, worker) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("early.v1");
    put(&sender, &channel, 0..3).await;
    let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    for expected in 0..3 {
        assert_eq!(take(&mut consumer).await, expected);
    }
}

/// With one consumer and equal priorities, the order is that of the enqueues.
pub async fn order_is_first_in_first_out<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("ordered.v1");
    let count = u32::try_from(fixture.queue_limit()).unwrap_or(u32::MAX).min(64);
    put(&broker, &channel, 0..count).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 3, ..ConsumeOptions::default() }).await;
    for expected in 0..count {
        assert_eq!(take(&mut consumer).await, expected);
    }
}

/// Three consumers of one queue: each message goes to one of them, and none is left out.
pub async fn competing_consumers_get_each_message_once<F: Fixture>(fixture: F) {
    const MESSAGES: u32 = 60;
    let sender = fixture.connect().await.broker;
    let channel = queue("shared.v1");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut workers = Vec::new();
    for worker in 0..3 {
        let broker = fixture.connect().await.broker;
        let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
        let tell = tell.clone();
        workers.push(tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                let told = (worker, number(delivery.envelope()));
                accepted("settle", delivery.settle(Settlement::Done)).await;
                if tell.send(told).is_err() {
                    return;
                }
            }
            drop(broker);
        }));
    }
    put(&sender, &channel, 0..MESSAGES).await;
    let (mut numbers, mut active) = (BTreeSet::new(), BTreeSet::new());
    while numbers.len() < MESSAGES as usize {
        let (worker, number) = soon("a message", told.recv()).await.expect("the workers go on");
        assert!(numbers.insert(number), "message {number} came twice");
        active.insert(worker);
    }
    assert!(active.len() > 1, "the work is shared");
    assert!(tokio::time::timeout(QUIET, told.recv()).await.is_err(), "nothing comes twice");
    workers.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Lower priorities are delivered first, equal ones in order; or none but the default is accepted.
pub async fn priorities<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("urgent.v1");
    let with = |priority| EnqueueOptions { priority, ..EnqueueOptions::default() };
    if !broker.capabilities().priority {
        assert_unsupported(soon("enqueue", broker.enqueue(&channel, work(0).into(), with(1))).await);
        return Guarantee::Priority.refused();
    }
    for (n, priority) in [(0, 2_000), (1, 1), (2, EnqueueOptions::DEFAULT_PRIORITY), (3, 1), (4, u32::MAX), (5, 0)] {
        accepted("enqueue", broker.enqueue(&channel, work(n).into(), with(priority))).await;
    }
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    for expected in [5, 1, 3, 2, 0, 4] {
        assert_eq!(take(&mut consumer).await, expected);
    }
    Guarantee::Priority.kept()
}

/// A delayed message is held back for its delay and overtaken meanwhile; or delays are refused.
pub async fn delays<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("later.v1");
    let delay = Duration::from_millis(300);
    let later = EnqueueOptions { delay, ..EnqueueOptions::default() };
    if !broker.capabilities().delay {
        assert_unsupported(soon("enqueue", broker.enqueue(&channel, work(0).into(), later)).await);
        return Guarantee::Delay.refused();
    }
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    let sent = Instant::now();
    accepted("enqueue", broker.enqueue(&channel, work(0).into(), later)).await;
    put(&broker, &channel, [1]).await;
    assert_eq!(take(&mut consumer).await, 1);
    assert_eq!(take(&mut consumer).await, 0);
    // Brokers count in milliseconds, and some of them round down.
    assert!(sent.elapsed() >= delay - Duration::from_millis(2), "it came after {:?}", sent.elapsed());
    Guarantee::Delay.kept()
}

/// A consumer holds at most as many unsettled deliveries as its credit says.
pub async fn credit_limits_what_a_consumer_holds<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("credit.v1");
    put(&broker, &channel, 0..5).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 2, ..ConsumeOptions::default() }).await;
    let (first, second) = (next(&mut consumer).await, next(&mut consumer).await);
    nothing_comes(&mut consumer).await;
    accepted("settle", second.settle(Settlement::Done)).await;
    let third = next(&mut consumer).await;
    assert_eq!(number(third.envelope()), 2);
    nothing_comes(&mut consumer).await;
    accepted("settle", first.settle(Settlement::Done)).await;
    assert_eq!(number(next(&mut consumer).await.envelope()), 3);
}

/// The depth counts what waits, what is held back, what is leased, and the consumers; it is zero
/// for a channel that does not exist.
pub async fn depth_counts_what_a_channel_holds<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("deep.v1");
    let depth = || async { soon("depth", broker.depth(&channel)).await.expect("the depth is known") };
    assert_eq!(depth().await, skyloom_core::broker::Depth::default());
    put(&broker, &channel, 0..3).await;
    assert_eq!((depth().await.ready, depth().await.leased), (3, 0));
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    let delivery = next(&mut consumer).await;
    let leased = depth().await;
    assert_eq!((leased.ready, leased.leased, leased.consumers), (2, 1, 1));
    // Settled before the stop is known, it would make room for another delivery.
    accepted("stop", consumer.stop()).await;
    drop(consumer);
    accepted("settle", delivery.settle(Settlement::Done)).await;
    if broker.capabilities().delay {
        let later = EnqueueOptions { delay: Duration::from_secs(60), ..EnqueueOptions::default() };
        accepted("enqueue", broker.enqueue(&channel, work(9).into(), later)).await;
        assert_eq!(depth().await.delayed, 1);
    }
    // A broker to which settling is a message of its own has taken note a moment later.
    let settled = async {
        while depth().await.leased > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon("the settlement", settled).await;
    let rest = depth().await;
    assert_eq!((rest.ready, rest.leased, rest.consumers), (2, 0, 0));
}

/// When a stop is confirmed, what was delivered before is in the stream and the stream then ends;
/// what is leased can still be settled, and everything else goes to others.
pub async fn a_stopped_consumer_gets_nothing_more<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("stopping.v1");
    put(&broker, &channel, 0..4).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 2, ..ConsumeOptions::default() }).await;
    let first = next(&mut consumer).await;
    // By then the second, for which there is credit, has been delivered too.
    let second = next(&mut consumer).await;
    accepted("stop", consumer.stop()).await;
    put(&broker, &channel, [4]).await;
    accepted("settle", first.settle(Settlement::Done)).await;
    accepted("settle", second.settle(Settlement::Done)).await;
    assert!(soon("the end of the stream", consumer.next()).await.is_none());
    let mut other = consume(&broker, &channel, ConsumeOptions::default()).await;
    for expected in 2..5 {
        assert_eq!(take(&mut other).await, expected);
    }
}
