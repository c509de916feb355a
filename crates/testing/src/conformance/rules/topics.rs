//! Topics and their groups.

use skyloom_core::{Channel, Envelope, GroupName, Kind, TopicName, broker::ConsumeOptions};
use std::sync::Arc;

use skyloom_core::broker::Broker;

use crate::conformance::{
    Fixture,
    kit::{accepted, consume, nothing_comes, soon, take, work},
};

fn topic() -> TopicName {
    TopicName::new("links.visited").expect("a valid topic")
}

fn group(name: &str) -> Channel {
    Channel::Group(topic(), GroupName::new(name).expect("a valid group"))
}

async fn publish(broker: &Arc<dyn Broker>, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        let event = Envelope { kind: Kind::Event, ..work(number) };
        accepted("publish", broker.publish(&topic(), event.into())).await;
    }
}

/// Every group gets each event, in order.
pub async fn every_group_gets_an_event_once<F: Fixture>(fixture: F) {
    let (sender, listener) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let mut audit = consume(&listener, &group("audit"), ConsumeOptions::default()).await;
    let mut search = consume(&listener, &group("search"), ConsumeOptions::default()).await;
    publish(&sender, 0..3).await;
    for expected in 0..3 {
        assert_eq!((take(&mut audit).await, take(&mut search).await), (expected, expected));
    }
    nothing_comes(&mut audit).await;
    nothing_comes(&mut search).await;
}

/// The consumers of one group compete.
pub async fn a_group_shares_its_events<F: Fixture>(fixture: F) {
    let (one, other) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let options = ConsumeOptions { credit: 1, ..ConsumeOptions::default() };
    let mut first = consume(&one, &group("audit"), options).await;
    let mut second = consume(&other, &group("audit"), options).await;
    publish(&one, 0..2).await;
    // With a credit of one, nobody gets both before one is settled.
    let (a, b) = (soon("an event", first.next()).await, soon("an event", second.next()).await);
    let mut numbers = [a, b].map(|delivery| crate::conformance::kit::number(delivery.expect("it goes on").envelope()));
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1]);
}

/// Nobody listens: the event is accepted, and nobody hears it later.
pub async fn an_event_without_a_group_is_accepted<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    publish(&broker, [1]).await;
    let mut late = consume(&broker, &group("late"), ConsumeOptions::default()).await;
    nothing_comes(&mut late).await;
    publish(&broker, [2]).await;
    assert_eq!(take(&mut late).await, 2);
}

/// A group outlives its consumers, and gets what was published while it had none.
pub async fn a_group_keeps_events_while_its_consumers_are_away<F: Fixture>(fixture: F) {
    let (sender, listener) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let consumer = consume(&listener, &group("audit"), ConsumeOptions::default()).await;
    accepted("stop", consumer.stop()).await;
    drop(consumer);
    publish(&sender, [1, 2]).await;
    let mut back = consume(&listener, &group("audit"), ConsumeOptions::default()).await;
    assert_eq!((take(&mut back).await, take(&mut back).await), (1, 2));
}

/// A group that is one process's own ends with it.
pub async fn an_ephemeral_group_ends_with_its_last_consumer<F: Fixture>(fixture: F) {
    let (sender, listener) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let own = ConsumeOptions { ephemeral: true, ..ConsumeOptions::default() };
    let mut consumer = consume(&listener, &group("each.1"), own).await;
    publish(&sender, [1]).await;
    assert_eq!(take(&mut consumer).await, 1);
    accepted("stop", consumer.stop()).await;
    drop(consumer);
    publish(&sender, [2]).await;
    let depth = soon("depth", sender.depth(&group("each.1"))).await.expect("the depth is known");
    assert_eq!(depth, skyloom_core::broker::Depth::default());
    let mut back = consume(&listener, &group("each.1"), own).await;
    nothing_comes(&mut back).await;
}
