//! Leases: what becomes of work whose worker does not finish it.

use std::time::Duration;

use skyloom_core::{
    Kind,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};
use tokio::time::Instant;

use crate::conformance::{
    Fixture, Guarantee, Shown,
    kit::{
        SOON, accepted, answer, assert_unsupported, call, consume, inbox, next, nothing_comes, number, put, queue,
        refusal, refused, reply, silent, soon, take,
    },
};

/// A delivery that is dropped unsettled is a failed attempt; on a broker that delivers once, it is gone.
pub async fn a_dropped_delivery_comes_back_as_the_next_attempt<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("dropped.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    put(&broker, &channel, [1]).await;
    drop(next(&mut consumer).await);
    if !broker.capabilities().redelivery {
        nothing_comes(&mut consumer).await;
        return Guarantee::Redelivery.refused();
    }
    let again = next(&mut consumer).await;
    assert_eq!((number(again.envelope()), again.attempt()), (1, 2));
    accepted("settle", again.settle(Settlement::Done)).await;
    nothing_comes(&mut consumer).await;
    Guarantee::Redelivery.kept()
}

/// A worker that hangs loses its lease. What it settles afterwards is refused and changes nothing:
/// the caller hears only the one who has the lease.
pub async fn a_lease_that_ends_gives_the_work_to_another<F: Fixture>(fixture: F) {
    let (slow, quick) = (fixture.connect().await.broker, fixture.connect().await.broker);
    if !slow.capabilities().redelivery {
        return;
    }
    let channel = queue("hanging.v1");
    let options = ConsumeOptions { lease: fixture.shortest_lease(), ..ConsumeOptions::default() };
    let (probe, inbox) = inbox(&quick).await;
    let mut first = consume(&slow, &channel, options).await;
    accepted("enqueue", quick.enqueue(&channel, call(&inbox, 1).into(), EnqueueOptions::default())).await;
    let hung = next(&mut first).await;
    accepted("stop", first.stop()).await;
    let mut second = consume(&quick, &channel, ConsumeOptions::default()).await;
    let again = next(&mut second).await;
    assert_eq!(again.attempt(), 2);
    let late = reply(hung.envelope(), Kind::Reply, 111);
    assert_eq!(soon("late settle", hung.settle(Settlement::Reply(late.into()))).await, Err(BrokerError::Stale));
    silent(&probe).await;
    let answered = reply(again.envelope(), Kind::Reply, 222);
    accepted("settle", again.settle(Settlement::Reply(answered.into()))).await;
    assert_eq!(number(&answer(&probe).await), 222);
    silent(&probe).await;
}

/// A worker that dies loses its leases with its connection, long before they end; on a broker that does not
/// notice, when they end; on one that delivers once, its work is gone.
pub async fn a_lost_connection_gives_its_work_to_another<F: Fixture>(fixture: F) -> Shown {
    let (dying, living) = (fixture.connect().await, fixture.connect().await.broker);
    let channel = queue("dying.v1");
    let prompt = living.capabilities().prompt_redelivery;
    let lease = if prompt { ConsumeOptions::default().lease } else { fixture.shortest_lease() };
    assert!(!prompt || lease > 2 * SOON, "a lease that ends is not taken for a worker that is gone");
    let mut first = consume(&dying.broker, &channel, ConsumeOptions { lease, ..ConsumeOptions::default() }).await;
    put(&living, &channel, [1]).await;
    let lost = next(&mut first).await;
    let mut second = consume(&living, &channel, ConsumeOptions::default()).await;
    dying.crash();
    if living.capabilities().redelivery {
        let again = next(&mut second).await;
        assert_eq!((number(again.envelope()), again.attempt()), (1, 2));
        accepted("settle", again.settle(Settlement::Done)).await;
    } else {
        nothing_comes(&mut second).await;
    }
    drop(lost);
    if prompt { Guarantee::AtOnce.kept() } else { Guarantee::AtOnce.refused() }
}

/// A message that was lost with its worker, and of which the next worker says that it has failed, is one that workers
/// survive. A broker that hands out by itself one at a time what they may die of says nothing of losses.
pub async fn a_failure_that_is_reported_ends_a_row_of_losses<F: Fixture>(fixture: F) {
    let (dying, living) = (fixture.connect().await, fixture.connect().await.broker);
    if !living.capabilities().redelivery {
        return;
    }
    let channel = queue("survived.v1");
    let lease = if living.capabilities().prompt_redelivery { SOON * 3 } else { fixture.shortest_lease() };
    let mut first = consume(&dying.broker, &channel, ConsumeOptions { lease, ..ConsumeOptions::default() }).await;
    put(&living, &channel, [1]).await;
    let lost = next(&mut first).await;
    let mut second = consume(&living, &channel, ConsumeOptions::default()).await;
    dying.crash();
    let again = next(&mut second).await;
    assert_eq!(again.attempt(), 2);
    assert!(again.losses() <= 1, "it was lost once, and not {} times", again.losses());
    let (delay, reason) = (Duration::ZERO, "the database is away".to_owned());
    accepted("retry", again.settle(Settlement::Retry { delay, reason })).await;
    let survived = next(&mut second).await;
    assert_eq!((survived.attempt(), survived.losses()), (3, 0));
    accepted("settle", survived.settle(Settlement::Done)).await;
    drop(lost);
}

/// Work that is given back untouched has not been attempted. A broker that counts it says so, and counts; one
/// that delivers once refuses.
pub async fn a_release_is_no_attempt<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("released.v1");
    if !broker.capabilities().uncounted_release {
        let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
        put(&broker, &channel, [1]).await;
        let released = soon("release", next(&mut consumer).await.settle(Settlement::Release)).await;
        if broker.capabilities().redelivery {
            assert_eq!(released, Ok(()));
            let again = next(&mut consumer).await;
            assert_eq!((number(again.envelope()), again.attempt()), (1, 2));
            accepted("settle", again.settle(Settlement::Done)).await;
        } else {
            assert_unsupported(released);
        }
        nothing_comes(&mut consumer).await;
        return Guarantee::FreeRelease.refused();
    }
    let options = ConsumeOptions { max_attempts: 2, ..ConsumeOptions::default() };
    let mut consumer = consume(&broker, &channel, options).await;
    put(&broker, &channel, [1]).await;
    for _ in 0..5 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.attempt(), 1);
        accepted("release", delivery.settle(Settlement::Release)).await;
    }
    assert_eq!(take(&mut consumer).await, 1);
    Guarantee::FreeRelease.kept()
}

/// Work that is to be tried again later is held back until then.
pub async fn a_retry_waits_for_its_delay<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !(broker.capabilities().delay && broker.capabilities().dead_letters) {
        return;
    }
    let channel = queue("retried.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    put(&broker, &channel, [1]).await;
    let delay = Duration::from_millis(300);
    let failed = Instant::now();
    let reason = "the database is away".to_owned();
    accepted("retry", next(&mut consumer).await.settle(Settlement::Retry { delay, reason })).await;
    let again = next(&mut consumer).await;
    assert_eq!(again.attempt(), 2);
    assert!(failed.elapsed() >= delay - Duration::from_millis(2), "it came after {:?}", failed.elapsed());
    accepted("settle", again.settle(Settlement::Done)).await;
}

/// A worker that extends its lease in time keeps it.
pub async fn an_extended_lease_does_not_end<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().redelivery {
        return;
    }
    let channel = queue("long.v1");
    let lease = fixture.shortest_lease() * 3;
    let mut consumer = consume(&broker, &channel, ConsumeOptions { lease, ..ConsumeOptions::default() }).await;
    put(&broker, &channel, [1]).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.lease_time(), lease);
    for _ in 0..6 {
        tokio::time::sleep(lease / 3).await;
        accepted("extend", delivery.extend()).await;
    }
    accepted("settle", delivery.settle(Settlement::Done)).await;
    nothing_comes(&mut consumer).await;
}

/// A message that is given back is delivered before those that were enqueued after it, or on a broker that
/// cannot do that, later; in either case once. On a broker that delivers once it does not come again.
pub async fn a_returned_message_regains_its_place<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("in-place.v1");
    if !broker.capabilities().redelivery {
        let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
        put(&broker, &channel, 0..2).await;
        drop(next(&mut consumer).await);
        assert_eq!(take(&mut consumer).await, 1);
        nothing_comes(&mut consumer).await;
        return Guarantee::InPlace.refused();
    }
    let in_place = broker.capabilities().regains_place;
    put(&broker, &channel, 0..4).await;
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    drop(next(&mut consumer).await);
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(take(&mut consumer).await);
    }
    if !in_place {
        taken.sort_unstable();
    }
    assert_eq!(taken, [0, 1, 2, 3]);
    nothing_comes(&mut consumer).await;
    if in_place { Guarantee::InPlace.kept() } else { Guarantee::InPlace.refused() }
}

/// Work that was claimed once is not delivered again, however its lease ends, and its caller hears
/// that the outcome is unknown. A lease that has ended cannot be claimed.
pub async fn once_means_at_most_once<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("once.v1");
    let options = ConsumeOptions { lease: fixture.shortest_lease(), ..ConsumeOptions::default() };
    let mut consumer = consume(&broker, &channel, options).await;
    let (probe, inbox) = inbox(&broker).await;
    let request = call(&inbox, 1);
    accepted("enqueue", broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    accepted("once", delivery.once()).await;
    drop(delivery);
    let error = refused(&probe, request.id).await;
    assert!(matches!(error, BrokerError::Lost { .. }), "{error:?}");
    nothing_comes(&mut consumer).await;

    let request = call(&inbox, 2);
    let ack = broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default());
    let delivery = next(&mut consumer).await;
    accepted("once", delivery.once()).await;
    let error = refusal(&probe, request.id, ack).await;
    assert!(matches!(error, BrokerError::Lost { .. }), "its lease ended: {error:?}");
    assert_eq!(soon("once", delivery.once()).await, Err(BrokerError::Stale));
    nothing_comes(&mut consumer).await;
}
