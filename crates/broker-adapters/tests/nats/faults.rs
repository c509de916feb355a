//! Servers and workers that die, come back, or stop answering.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom_broker_adapters::nats::NatsBroker;
use skyloom_core::{
    Outcome,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::nats;
use tokio::time::{Instant, sleep};

use crate::{
    kit::{SOON, cast, echo, eventually, number, queue, request, soon},
    site::{Line, connect},
};

/// Whatever was accepted is delivered, however often the server is killed; and each call ends by its deadline.
#[tokio::test]
async fn a_killed_server_loses_nothing_that_it_has_accepted() {
    let mut server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let channel = queue("kept.v1");
    let accepted: Arc<Mutex<BTreeSet<u32>>> = Arc::default();
    let sending = tokio::spawn({
        let (sender, accepted, channel) = (sender.clone(), Arc::clone(&accepted), channel.clone());
        async move {
            for n in 0.. {
                let ack = sender.enqueue(&channel, cast(n).into(), EnqueueOptions::default());
                match tokio::time::timeout(Duration::from_secs(2), ack).await {
                    Ok(Ok(())) => drop(accepted.lock().unwrap().insert(n)),
                    Ok(Err(BrokerError::Lost { .. } | BrokerError::Unavailable { .. })) | Err(_) => {}
                    Ok(Err(error)) => panic!("{error}"),
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let delivered: Arc<Mutex<BTreeSet<u32>>> = Arc::default();
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    let working = tokio::spawn({
        let delivered = Arc::clone(&delivered);
        async move {
            while let Some(delivery) = consumer.next().await {
                delivered.lock().unwrap().insert(number(delivery.envelope()));
                // What is not settled because the server is gone comes again.
                drop(delivery.settle(Settlement::Done).await);
            }
        }
    });
    for _ in 0..2 {
        let before = accepted.lock().unwrap().len();
        eventually("messages are accepted", || accepted.lock().unwrap().len() >= before + 200).await;
        server.kill();
        server.restart();
    }
    let before = accepted.lock().unwrap().len();
    eventually("everything reconnects", || accepted.lock().unwrap().len() > before + 50).await;
    sending.abort();
    drop(sending.await);
    eventually("what was accepted is delivered", || accepted.lock().unwrap().is_subset(&delivered.lock().unwrap()))
        .await;
    working.abort();
}

/// Calls go on after a restart, and none hangs past its deadline while the server is away.
#[tokio::test]
async fn calls_end_by_their_deadline_and_go_on_after_a_restart() {
    for mode in ["jetstream", "core"] {
        let mut server = nats();
        let url = format!("nats://127.0.0.1:{}?mode={mode}", server.port());
        let (caller, worker) = (connect(&url).await, connect(&url).await);
        let channel = queue("echo.v1");
        let _echo = echo(&worker, &channel).await;
        let client = Client::new(Arc::new(caller));
        let call = |timeout| request(&client, &channel, timeout);
        soon("a call", call(SOON)).await.expect("it is answered");
        server.kill();
        let began = Instant::now();
        let status = call(Duration::from_millis(300)).await.expect_err("nobody is there");
        assert!(began.elapsed() < SOON, "{mode}: it took {:?}", began.elapsed());
        assert!(matches!(status.outcome(), Outcome::NotStarted | Outcome::Unknown), "{mode}: {status}");
        server.restart();
        let again = async { while call(Duration::from_millis(500)).await.is_err() {} };
        soon("calls go on", again).await;
    }
}

/// A server that stops answering is noticed by its silence; what waits for it ends, and goes on when it is back.
#[tokio::test]
async fn a_frozen_server_is_noticed() {
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let (caller, worker) = (connect(&url).await, connect(&url).await);
    let channel = queue("echo.v1");
    let _echo = echo(&worker, &channel).await;
    let client = Client::new(Arc::new(caller.clone()));
    soon("a call", request(&client, &channel, SOON)).await.expect("it is answered");
    server.freeze();
    // Its deadline is a minute away; that the server is gone is known long before.
    let status = soon("the end of a call", request(&client, &channel, Duration::from_secs(60))).await;
    assert_eq!(status.expect_err("nobody answers").outcome(), Outcome::Unknown);
    server.thaw();
    let again = async { while request(&client, &channel, Duration::from_millis(500)).await.is_err() {} };
    soon("calls go on", again).await;
}

/// Work that a dead worker held is delivered again, as the second attempt, long before its lease would have ended.
#[tokio::test]
async fn the_work_of_a_dead_worker_goes_to_another() {
    let server = nats();
    let line = Line::to(server.port()).await;
    let doomed = connect(&format!("nats://127.0.0.1:{}?ack_wait=1s", line.port)).await;
    let other = connect(&format!("nats://127.0.0.1:{}?ack_wait=1s", server.port())).await;
    let channel = queue("held.v1");
    let mut first = doomed.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    soon("a cast", other.enqueue(&channel, cast(7).into(), EnqueueOptions::default())).await.expect("it is accepted");
    let held = soon("a delivery", first.next()).await.expect("there is one");
    let mut second = other.consume(channel, ConsumeOptions::default()).await.expect("it is consumed");
    line.cut();
    let again = soon("the delivery", second.next()).await.expect("there is one");
    assert_eq!((number(again.envelope()), again.attempt()), (7, 2));
    assert_eq!(held.attempt(), 1);
}

/// A worker that has its work for longer than the server's patience keeps it, because the adapter says so.
#[tokio::test]
async fn a_long_lease_is_kept_although_the_servers_patience_is_short() {
    let server = nats();
    let url = format!("nats://127.0.0.1:{}?ack_wait=300ms", server.port());
    let (one, other): (NatsBroker, NatsBroker) = (connect(&url).await, connect(&url).await);
    let channel = queue("slow.v1");
    let mut first = one.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    soon("a cast", other.enqueue(&channel, cast(1).into(), EnqueueOptions::default())).await.expect("it is accepted");
    let held = soon("a delivery", first.next()).await.expect("there is one");
    let mut second = other.consume(channel, ConsumeOptions::default()).await.expect("it is consumed");
    let early = tokio::time::timeout(Duration::from_millis(1_500), second.next()).await;
    assert!(early.is_err(), "nobody else gets it: {early:?}");
    assert_eq!(soon("settle", held.settle(Settlement::Done)).await, Ok(()));
    sleep(Duration::from_millis(400)).await;
    assert!(tokio::time::timeout(Duration::from_millis(100), second.next()).await.is_err(), "it is done");
}
