//! What comes again says what became of it before.

use std::time::Duration;

use skyloom_broker_adapters::nats::NatsBroker;
use skyloom_core::{
    Channel, Envelope, GroupName, Kind, TopicName,
    broker::{Broker, ConsumeOptions, Consumer, Delivery, EnqueueOptions, Settlement},
};
use tokio::time::Instant;

use crate::{
    kit::{cast, number, patiently, queue, soon},
    site::{Line, connect, corner, shared},
};

async fn consume(broker: &NatsBroker, channel: &Channel, options: ConsumeOptions) -> Consumer {
    soon("consume", broker.consume(channel.clone(), options)).await.expect("it is consumed")
}

async fn next(consumer: &mut Consumer) -> Delivery {
    patiently("a delivery", consumer.next()).await.expect("the stream goes on")
}

fn past(delivery: &Delivery) -> (u32, u32) {
    (delivery.attempt(), delivery.losses())
}

/// Who is given what was lost with its workers is told so, however often it was given back meanwhile; and a failure that is
/// reported waits as long as it should, and is the end of the row.
#[tokio::test]
async fn what_was_lost_with_its_workers_is_told_from_what_failed() {
    let (server, corner) = (shared(), corner());
    let url = |port| format!("nats://127.0.0.1:{port}?prefix={corner}&ack_wait=300ms");
    let (channel, options) = (queue("deadly.v1"), ConsumeOptions::default());
    let living = connect(&url(server.port())).await;
    soon("a cast", living.enqueue(&channel, cast(1).into(), EnqueueOptions::default())).await.expect("it is accepted");
    for lost in 0..2 {
        let line = Line::to(server.port()).await;
        let doomed = connect(&url(line.port)).await;
        let mut consumer = consume(&doomed, &channel, options).await;
        assert_eq!(past(&next(&mut consumer).await), (lost + 1, lost));
        line.cut();
        std::mem::forget(consumer);
    }
    let mut consumer = consume(&living, &channel, options).await;
    for _ in 0..5 {
        let delivery = next(&mut consumer).await;
        assert_eq!(past(&delivery), (3, 2));
        assert_eq!(soon("release", delivery.settle(Settlement::Release)).await, Ok(()));
    }
    let delivery = next(&mut consumer).await;
    let (delay, failed) = (Duration::from_millis(300), Instant::now());
    let retry = Settlement::Retry { delay, reason: "the database is away".to_owned() };
    assert_eq!(soon("retry", delivery.settle(retry)).await, Ok(()));
    let again = next(&mut consumer).await;
    assert_eq!((number(again.envelope()), past(&again)), (1, (4, 0)));
    assert!(failed.elapsed() >= delay - Duration::from_millis(2), "it came after {:?}", failed.elapsed());
    assert_eq!(soon("settle", again.settle(Settlement::Done)).await, Ok(()));
    let empty = async {
        let mut holds = true;
        while holds {
            let depth = living.depth(&channel).await.expect("it is known");
            assert_eq!(depth.dead, 0, "it has not died");
            holds = depth.ready + depth.leased > 0;
        }
    };
    patiently("neither the message nor a copy of it is left", empty).await;
}

/// What one group gives back does not come to another.
#[tokio::test]
async fn what_a_group_gives_back_comes_to_that_group_only() {
    let server = shared();
    let broker = connect(&format!("nats://127.0.0.1:{}?prefix={}", server.port(), corner())).await;
    let topic = TopicName::new("links.visited").expect("a topic");
    let group = |name: &str| Channel::Group(topic.clone(), GroupName::new(name).expect("a group"));
    let options = ConsumeOptions::default();
    let (mut audit, mut search) =
        (consume(&broker, &group("audit"), options).await, consume(&broker, &group("search"), options).await);
    let event = |n| broker.publish(&topic, Envelope { kind: Kind::Event, ..cast(n) }.into());
    assert_eq!(soon("publish", event(1)).await, Ok(()));
    assert_eq!(soon("settle", next(&mut search).await.settle(Settlement::Done)).await, Ok(()));
    assert_eq!(soon("release", next(&mut audit).await.settle(Settlement::Release)).await, Ok(()));
    let again = next(&mut audit).await;
    assert_eq!((number(again.envelope()), past(&again)), (1, (1, 0)));
    assert_eq!(soon("settle", again.settle(Settlement::Done)).await, Ok(()));
    assert_eq!(soon("publish", event(2)).await, Ok(()));
    assert_eq!(number(next(&mut search).await.envelope()), 2, "it did not hear the first again");
}

/// Where there is no room for a copy, the message itself comes again.
#[tokio::test]
async fn what_is_given_back_to_a_full_queue_is_not_lost() {
    let server = shared();
    let url = format!("nats://127.0.0.1:{}?prefix={}&queue_messages=1", server.port(), corner());
    let (broker, channel) = (connect(&url).await, queue("full.v1"));
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    soon("a cast", broker.enqueue(&channel, cast(1).into(), EnqueueOptions::default())).await.expect("it is accepted");
    assert_eq!(soon("release", next(&mut consumer).await.settle(Settlement::Release)).await, Ok(()));
    let again = next(&mut consumer).await;
    assert_eq!((number(again.envelope()), again.attempt()), (1, 2), "it counts");
}
