//! What the rules for all brokers leave open and this one promises.

use std::time::Duration;

use skyloom_core::{
    Channel, Envelope, GroupName, Kind, TopicName,
    broker::{Broker, BrokerError, ConsumeOptions, Consumer, EnqueueOptions, Settlement},
};
use skyloom_testing::servers::nats;
use tokio::time::Instant;

use crate::{
    kit::{cast, number, queue, soon},
    site::{connect, corner, shared},
};

async fn next(consumer: &mut Consumer) -> skyloom_core::broker::Delivery {
    soon("a delivery", consumer.next()).await.expect("the stream goes on")
}

/// Messages cannot be delayed when they are sent, but a retry waits as long as it should.
#[tokio::test]
async fn a_retry_waits_for_its_delay() {
    let server = shared();
    let broker = connect(&format!("nats://127.0.0.1:{}?prefix={}", server.port(), corner())).await;
    let channel = queue("retried.v1");
    let mut consumer =
        soon("consume", broker.consume(channel.clone(), ConsumeOptions::default())).await.expect("it is");
    let sent = broker.enqueue(&channel, cast(1).into(), EnqueueOptions::default());
    assert_eq!(soon("a cast", sent).await, Ok(()));
    let (delay, failed) = (Duration::from_millis(300), Instant::now());
    let retry = Settlement::Retry { delay, reason: "the database is away".to_owned() };
    assert_eq!(soon("retry", next(&mut consumer).await.settle(retry)).await, Ok(()));
    let again = next(&mut consumer).await;
    assert_eq!(again.attempt(), 2);
    assert!(failed.elapsed() >= delay - Duration::from_millis(2), "it came after {:?}", failed.elapsed());
}

/// A dead letter of one group that is sent on again is not heard by another.
#[tokio::test]
async fn a_groups_letter_goes_back_to_that_group_only() {
    let server = shared();
    let broker = connect(&format!("nats://127.0.0.1:{}?prefix={}", server.port(), corner())).await;
    let topic = TopicName::new("links.visited").expect("a topic");
    let group = |name: &str| Channel::Group(topic.clone(), GroupName::new(name).expect("a group"));
    let options = ConsumeOptions::default();
    let mut audit = soon("consume", broker.consume(group("audit"), options)).await.expect("it is consumed");
    let mut search = soon("consume", broker.consume(group("search"), options)).await.expect("it is consumed");
    let event = |n| broker.publish(&topic, Envelope { kind: Kind::Event, ..cast(n) }.into());
    assert_eq!(soon("publish", event(1)).await, Ok(()));
    let bury = Settlement::Bury { reason: "it is not for us".to_owned() };
    assert_eq!(soon("bury", next(&mut audit).await.settle(bury)).await, Ok(()));
    assert_eq!(soon("settle", next(&mut search).await.settle(Settlement::Done)).await, Ok(()));
    let admin = broker.admin().expect("an operator's view");
    let rows = soon("channels", admin.channels()).await.expect("channels can be listed");
    let dead: Vec<_> = rows.iter().filter(|row| row.dead > 0).map(|row| row.channel.clone()).collect();
    assert_eq!(dead, [group("audit")]);
    assert_eq!(soon("kick", admin.kick(&group("audit"), None, 10)).await, Ok(1));
    assert_eq!(soon("publish", event(2)).await, Ok(()));
    for expected in [1, 2] {
        let delivery = next(&mut audit).await;
        assert_eq!((number(delivery.envelope()), delivery.attempt()), (expected, 1));
        assert_eq!(soon("settle", delivery.settle(Settlement::Done)).await, Ok(()));
    }
    assert_eq!(number(next(&mut search).await.envelope()), 2, "it did not hear the first again");
}

/// Who asks for other limits than those with which a stream was made uses it as it is.
#[tokio::test]
async fn a_stream_stays_as_it_was_made() {
    let server = shared();
    let url = format!("nats://127.0.0.1:{}?prefix={}", server.port(), corner());
    let (one, other) = (connect(&format!("{url}&queue_messages=1")).await, connect(&url).await);
    let channel = queue("small.v1");
    let put = |broker: &skyloom_broker_adapters::nats::NatsBroker, n| {
        broker.enqueue(&channel, cast(n).into(), EnqueueOptions::default())
    };
    assert_eq!(soon("the first", put(&one, 1)).await, Ok(()));
    let full = soon("the second", put(&other, 2)).await;
    assert!(matches!(full, Err(BrokerError::Full { .. })), "{full:?}");
}

/// What a server in memory has forgotten is made anew when it is needed.
#[tokio::test]
async fn streams_that_a_server_has_forgotten_are_made_anew() {
    let mut server = nats();
    let url = format!("nats://127.0.0.1:{}?storage=memory", server.port());
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let channel = queue("volatile.v1");
    let mut consumer =
        soon("consume", worker.consume(channel.clone(), ConsumeOptions::default())).await.expect("it is");
    let put = |n| sender.enqueue(&channel, cast(n).into(), EnqueueOptions::default());
    assert_eq!(soon("the first", put(1)).await, Ok(()));
    assert_eq!(number(next(&mut consumer).await.envelope()), 1);
    server.kill();
    server.restart();
    let again = async { while put(2).await.is_err() {} };
    soon("the second", again).await;
    loop {
        let delivery = next(&mut consumer).await;
        if number(delivery.envelope()) == 2 {
            return;
        }
    }
}

/// What is stopped just before the connection is closed is told the server all the same.
#[tokio::test]
async fn a_group_that_goes_with_its_connection_leaves_nothing_behind() {
    let server = shared();
    let url = format!("nats://127.0.0.1:{}?prefix={}", server.port(), corner());
    let (going, staying) = (connect(&url).await, connect(&url).await);
    let group = GroupName::new("brief").expect("a group");
    let channel = Channel::Group(TopicName::new("news.made").expect("a topic"), group);
    let options = ConsumeOptions { ephemeral: true, ..ConsumeOptions::default() };
    let consumer = soon("consume", going.consume(channel, options)).await.expect("it is consumed");
    drop(consumer);
    soon("close", going.close()).await;
    let admin = staying.admin().expect("an operator's view");
    let left = soon("channels", admin.channels()).await.expect("channels can be listed");
    assert!(left.is_empty(), "{left:?}");
}
