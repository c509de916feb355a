//! Servers and workers that die, come back, or stop answering.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use skyloom_broker_adapters::nats::NatsBroker;
use skyloom_core::{
    Code, Outcome,
    broker::{Broker, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::{nats, nats_with};
use tokio::time::{Instant, sleep};

use crate::{
    kit::{SOON, cast, echo, number, patiently, queue, request, soon},
    load::{Load, Unsteady, one_way_says_that_it_was_not_sent},
    site::{Line, connect},
};

/// Whatever was accepted is delivered, however often the server is killed under load; and each call ends by its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_loses_nothing_and_hangs_nobody() {
    let mut server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let load = Load::start(Arc::new(sender), Arc::new(worker)).await;
    for _ in 0..2 {
        server.kill();
        server.restart();
        load.goes_on().await;
    }
    load.end().await;
}

/// Nobody who is dropped each time comes back in a hot loop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drops_each_connection_is_given_time() {
    let server = nats();
    let way = Unsteady::to(server.port()).await;
    let broker = connect(&format!("nats://127.0.0.1:{}", way.port())).await;
    way.is_borne_by(Arc::new(broker)).await;
}

/// A server that is killed may know of an acknowledgement and still have the message. It does not count for long.
#[tokio::test]
async fn what_is_done_with_does_not_fill_the_queue_of_a_server_that_was_killed() {
    const COUNT: u32 = 20;
    let mut server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let channel = queue("held.v1");
    let broker = connect(&url).await;
    let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    for n in 0..COUNT {
        let accepted = broker.enqueue(&channel, cast(n).into(), EnqueueOptions::default());
        soon("a cast", accepted).await.expect("it is accepted");
    }
    let messages = messages_of(server.directory());
    let kept: Vec<_> = messages.iter().map(|file| (file, fs::read(file).expect("it can be read"))).collect();
    for _ in 0..COUNT {
        let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
        soon("settle", delivery.settle(Settlement::Done)).await.expect("it is settled");
    }
    drop(consumer);
    // By then the server has written down what is acknowledged.
    sleep(Duration::from_secs(3)).await;
    server.kill();
    messages_of(server.directory()).iter().for_each(|file| fs::remove_file(file).expect("it can be removed"));
    kept.iter().for_each(|(file, bytes)| fs::write(file, bytes).expect("it can be written"));
    server.restart();
    let broker = connect(&url).await;
    let depth = async || broker.depth(&channel).await.expect("it is known");
    assert_eq!(depth().await.ready, u64::from(COUNT), "the server has them again");
    let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    let begun = Instant::now();
    while depth().await.ready > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the queue still holds {:?}", depth().await);
        let again = tokio::time::timeout(Duration::from_millis(250), consumer.next()).await;
        assert!(again.is_err(), "none is delivered again: {again:?}");
    }
}

/// An operator may let the stream of a queue keep something of his own, which no worker acknowledges.
#[tokio::test]
async fn what_an_operator_keeps_in_the_stream_of_a_queue_stays() {
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let channel = queue("shared.v1");
    let broker = connect(&url).await;
    let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    let operator = async_nats::connect(&url).await.expect("it is there");
    let ask = async |subject: &str, question: String| {
        let answer = operator.request(format!("$JS.API.{subject}"), question.into()).await.expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).expect("JSON");
        assert!(answer.get("error").is_none(), "{subject}: {answer}");
        answer
    };
    let mut config = ask("STREAM.INFO.skyloom=queue=shared=v1", String::new()).await["config"].take();
    config["subjects"].as_array_mut().expect("subjects").push("notes.>".into());
    ask("STREAM.UPDATE.skyloom=queue=shared=v1", config.to_string()).await;
    let kept = operator.request("notes.first", "mind the gap".into()).await.expect("it is kept");
    assert!(!String::from_utf8_lossy(&kept.payload).contains("error"), "{kept:?}");
    soon("a cast", broker.enqueue(&channel, cast(1).into(), EnqueueOptions::default())).await.expect("it is accepted");
    let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
    soon("settle", delivery.settle(Settlement::Done)).await.expect("it is settled");
    // A worker looks every 15 seconds for what is done with.
    sleep(Duration::from_secs(17)).await;
    let info = ask("STREAM.INFO.skyloom=queue=shared=v1", String::new()).await;
    assert_eq!(info["state"]["messages"], 1, "{info}");
}

/// The files in which a server keeps the messages of the queue.
fn messages_of(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let files = paths.flat_map(|path| if path.is_dir() { messages_of(&path) } else { vec![path] });
    files.filter(|file| file.to_string_lossy().contains("held=v1/msgs/")).collect()
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
        // Whether it was sent depends on when the connection is known to be gone.
        let told = (status.code(), status.outcome());
        let lost = matches!(told, (Code::Aborted | Code::DeadlineExceeded, Outcome::Unknown));
        assert!(lost || told == (Code::Unavailable, Outcome::NotStarted), "{mode}: {status}");
        server.restart();
        let again = async { while call(Duration::from_millis(500)).await.is_err() {} };
        soon("calls go on", again).await;
    }
}

#[tokio::test]
async fn what_is_sent_one_way_while_the_server_is_away_says_that_it_was_not_sent() {
    for mode in ["jetstream", "core"] {
        let mut server = nats();
        let broker = connect(&format!("nats://127.0.0.1:{}?mode={mode}", server.port())).await;
        server.kill();
        one_way_says_that_it_was_not_sent(Arc::new(broker), &format!("127.0.0.1:{}", server.port())).await;
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
    let status = status.expect_err("nobody answers");
    assert_eq!((status.code(), status.outcome()), (Code::Aborted, Outcome::Unknown), "{status}");
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

/// A worker that hangs, with its connection open, is sent nothing more after a moment; and so nobody waits for what it would
/// have been sent.
#[tokio::test]
async fn a_worker_that_hangs_is_soon_sent_nothing_more() {
    // The server does not notice it.
    let server = nats_with("ping_interval: \"60s\"");
    let line = Line::to(server.port()).await;
    let hanging = connect(&format!("nats://127.0.0.1:{}", line.port)).await;
    let other = connect(&format!("nats://127.0.0.1:{}", server.port())).await;
    let channel = queue("shared.v1");
    let _hangs = hanging.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    let mut lives = other.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    line.hang();
    sleep(Duration::from_secs(4)).await;
    let began = Instant::now();
    for n in 0..16 {
        soon("a cast", other.enqueue(&channel, cast(n).into(), EnqueueOptions::default()))
            .await
            .expect("it is accepted");
        let delivery = soon("a delivery", lives.next()).await.expect("there is one");
        assert_eq!((number(delivery.envelope()), delivery.attempt()), (n, 1), "after {:?}", began.elapsed());
        soon("settle", delivery.settle(Settlement::Done)).await.expect("it is settled");
    }
}

/// A dead letter of which nobody heard that it is kept is written again, and is one letter all the same.
#[tokio::test]
async fn a_dead_letter_that_is_written_twice_is_one() {
    let server = nats();
    let line = Line::to(server.port()).await;
    let worker = connect(&format!("nats://127.0.0.1:{}", line.port)).await;
    let other = connect(&format!("nats://127.0.0.1:{}", server.port())).await;
    let channel = queue("failing.v1");
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    let bury = || Settlement::Bury { reason: "it fails".to_owned() };
    for n in [1, 2] {
        soon("a cast", other.enqueue(&channel, cast(n).into(), EnqueueOptions::default()))
            .await
            .expect("it is accepted");
        let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
        if n == 2 {
            line.muffle();
        }
        patiently("bury", delivery.settle(bury())).await.expect("it is buried");
    }
    let letters = other.admin().expect("an operator's view").dead(&channel, 10).await.expect("they are listed");
    let numbers: Vec<_> = letters.iter().map(|letter| number(&letter.envelope)).collect();
    assert_eq!(numbers, [1, 2]);
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
