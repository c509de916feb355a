//! What is left when a process dies without a word: a sender, or the broker.

use std::collections::BTreeSet;

use skyloom_core::broker::{BrokerError, ConsumeOptions, EnqueueOptions, Persistence};

use crate::{
    conformance::{
        BrokerFixture, Fixture, Guarantee, Shown,
        kit::{consume, nothing_comes, put, queue, soon, take, work},
    },
    load::Load,
};

/// Whoever has heard that his message was accepted may die: it arrives. Where the sender does not learn that, it
/// arrives as long as he lives.
pub async fn what_was_accepted_outlives_its_sender<F: Fixture>(fixture: F) -> Shown {
    let (sender, worker) = (fixture.connect().await, fixture.connect().await.broker);
    let channel = queue("posted.v1");
    let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    put(&sender.broker, &channel, [1]).await;
    let confirms = sender.broker.capabilities().confirms;
    if confirms {
        sender.crash();
    }
    assert_eq!(take(&mut consumer).await, 1);
    if confirms { Guarantee::Confirms.kept() } else { Guarantee::Confirms.refused() }
}

/// The broker dies in the middle of casts, calls and their execution, and starts anew. Every connection finds it again by
/// itself and everything goes on; each call ends by its deadline; what had been accepted is executed if it was stored;
/// and nobody is told what is not true. A broker in the process of its users dies with them.
pub async fn connections_outlive_the_broker<F: BrokerFixture>(_: F) -> Shown {
    let mut fixture = F::durable().await;
    if fixture.server().await.is_none() {
        return Guarantee::Reconnects.is("in process");
    }
    let (sender, worker) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let persistence = sender.capabilities().persistence;
    let load = Load::start(sender, worker).await;
    fixture.crash().await;
    load.goes_on().await;
    let forgotten = match persistence {
        Persistence::Memory => load.accounts(0).latest(usize::MAX),
        Persistence::Disk => BTreeSet::new(),
    };
    load.goes_on().await;
    load.end_without(&forgotten).await;
    Guarantee::Reconnects.kept()
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
