//! What is left when a process dies without a word: a sender, or the broker.

use skyloom_core::broker::{BrokerError, ConsumeOptions, EnqueueOptions, Persistence};

use crate::conformance::{
    BrokerFixture, Fixture, Guarantee, Shown,
    kit::{consume, nothing_comes, put, queue, soon, take, work},
};

/// Whoever has heard that his message was accepted may die: it arrives. Where the sender does not learn that, it
/// arrives as long as he lives.
pub async fn what_was_accepted_outlives_its_sender<F: Fixture>(fixture: F) -> Shown {
    let (mut sender, worker) = (fixture.connect().await, fixture.connect().await.broker);
    let channel = queue("posted.v1");
    let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    put(&sender.broker, &channel, [1]).await;
    let confirms = sender.broker.capabilities().confirms;
    if confirms {
        assert!(sender.crash(), "the fixture of a broker says how its connections die");
    }
    assert_eq!(take(&mut consumer).await, 1);
    if confirms { Guarantee::Confirms.kept() } else { Guarantee::Confirms.refused() }
}

/// The broker dies as in a power failure and starts anew. What it had accepted is there if it was set up to store it,
/// and otherwise none of it is.
pub async fn what_was_accepted_outlives_the_broker_or_does_not<F: BrokerFixture>(_: F) -> Shown {
    let mut fixture = F::durable().await;
    let channel = queue("stored.v1");
    let before = fixture.connect().await.broker;
    let persistence = before.capabilities().persistence;
    let mut accepted = 0;
    for number in 0..3 {
        match soon("enqueue", before.enqueue(&channel, work(number).into(), EnqueueOptions::default())).await {
            Ok(()) => accepted += 1,
            // Where nothing is stored, there may be nobody who takes it.
            Err(BrokerError::Unavailable { .. }) if persistence == Persistence::Memory => {}
            Err(error) => panic!("enqueue: {error}"),
        }
    }
    fixture.crash().await;
    drop(before);
    let after = fixture.connect().await.broker;
    let mut consumer = consume(&after, &channel, ConsumeOptions::default()).await;
    if persistence == Persistence::Disk {
        for expected in 0..accepted {
            assert_eq!(take(&mut consumer).await, expected);
        }
    }
    nothing_comes(&mut consumer).await;
    match persistence {
        Persistence::Memory => Guarantee::Keeps.is("nothing"),
        Persistence::Disk => Guarantee::Keeps.is("what is on disk"),
    }
}
