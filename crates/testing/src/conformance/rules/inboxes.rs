//! Inboxes, instance channels, and the end of a connection.

use skyloom_core::{
    Channel, Guid, Kind,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};

use crate::conformance::{
    Fixture,
    kit::{
        QUIET, SOON, accepted, answer, call, consume, inbox, lost, next, nothing_comes, number, queue, refusal, reply,
        silent, soon, take, told_at_once, work,
    },
};

/// Of three inboxes, two of them on one connection, only the one that the request names hears.
pub async fn a_reply_reaches_only_the_inbox_that_is_named<F: Fixture>(fixture: F) {
    let (client, other) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("private.v1");
    let mut consumer = consume(&other, &channel, ConsumeOptions::default()).await;
    let (named, own) = inbox(&client).await;
    let (beside, second) = inbox(&client).await;
    let (elsewhere, third) = inbox(&other).await;
    assert!(own.id() != second.id() && own.id() != third.id(), "an inbox cannot be guessed from another");
    accepted("enqueue", client.enqueue(&channel, call(&own, 1).into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    let answered = reply(delivery.envelope(), Kind::Reply, 2);
    accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
    assert_eq!(number(&answer(&named).await), 2);
    silent(&beside).await;
    silent(&elsewhere).await;
}

/// A reply to an inbox that was closed is nobody's fault: the worker's settle is accepted, and the
/// request is not delivered again.
pub async fn a_closed_inbox_hears_nothing_and_hinders_nobody<F: Fixture>(fixture: F) {
    let (client, worker) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("hung-up.v1");
    let options = ConsumeOptions { lease: fixture.shortest_lease(), ..ConsumeOptions::default() };
    let mut consumer = consume(&worker, &channel, options).await;
    let (probe, inbox) = inbox(&client).await;
    accepted("enqueue", client.enqueue(&channel, call(&inbox, 1).into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    drop(inbox);
    // What the client sends next comes after the closing of its inbox.
    accepted("enqueue", client.enqueue(&channel, work(2).into(), EnqueueOptions::default())).await;
    assert_eq!(take(&mut consumer).await, 2);
    let answered = reply(delivery.envelope(), Kind::Reply, 3);
    accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
    tokio::time::sleep(fixture.shortest_lease()).await;
    nothing_comes(&mut consumer).await;
    silent(&probe).await;
}

/// Whoever sends a stream whose inbox is gone hears that nobody reads it, be it silent or not, by an extension of its
/// lease. Of what is no stream the lease is extended to its end.
pub async fn who_sends_a_stream_hears_that_nobody_reads_it<F: Fixture>(fixture: F) {
    let (client, worker) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("unread.v1");
    let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&client).await;
    let mut held = Vec::new();
    for n in 0..3 {
        accepted("enqueue", client.enqueue(&channel, call(&inbox, n).into(), EnqueueOptions::default())).await;
        held.push(next(&mut consumer).await);
    }
    let [silent, chatty, work] = held.try_into().expect("three deliveries");
    for stream in [&silent, &chatty] {
        accepted("partial", stream.partial(reply(stream.envelope(), Kind::Partial, 0).into())).await;
        answer(&probe).await;
        accepted("extend", stream.extend()).await;
    }
    drop(inbox);
    for stream in [&silent, &chatty] {
        let told = async {
            while let Ok(()) = stream.extend().await {
                if number(stream.envelope()) == number(chatty.envelope()) {
                    accepted("partial", stream.partial(reply(stream.envelope(), Kind::Partial, 1).into())).await;
                }
                tokio::time::sleep(QUIET).await;
            }
            stream.extend().await
        };
        // Some brokers wait whether the reader comes back.
        let told = tokio::time::timeout(3 * SOON, told).await.expect("whoever sends it hears that");
        assert_eq!(told, Err(BrokerError::unread()));
    }
    accepted("extend", work.extend()).await;
    for delivery in [silent, chatty, work] {
        accepted("settle", delivery.settle(Settlement::Done)).await;
    }
}

/// A message for an instance that does not run is refused, not kept.
pub async fn an_unknown_instance_is_refused<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let (probe, inbox) = inbox(&broker).await;
    let guid = Guid::private();
    let instance = Channel::Instance(guid);
    let request = call(&inbox, 1);
    let ack = broker.enqueue(&instance, request.clone().into(), EnqueueOptions::default());
    let error = refusal(&probe, request.id, ack).await;
    assert_eq!(error, BrokerError::Gone { instance: guid });
    let mut consumer = consume(&broker, &instance, ConsumeOptions::default()).await;
    nothing_comes(&mut consumer).await;
    accepted("enqueue", broker.enqueue(&instance, work(2).into(), EnqueueOptions::default())).await;
    assert_eq!(take(&mut consumer).await, 2);
}

/// What is for an instance reaches it and no other, is answered like any call, and once the instance takes no more
/// its callers hear that.
pub async fn an_instance_is_reached_until_it_takes_no_more<F: Fixture>(fixture: F) {
    let client = fixture.connect().await.broker;
    let (worker, other) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let guid = Guid::private();
    let instance = Channel::Instance(guid);
    let mut consumer = consume(&worker, &instance, ConsumeOptions::default()).await;
    let mut beside = consume(&other, &Channel::Instance(Guid::private()), ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&client).await;
    for n in 0..10 {
        accepted("enqueue", client.enqueue(&instance, call(&inbox, n).into(), EnqueueOptions::default())).await;
        let delivery = next(&mut consumer).await;
        assert_eq!((number(delivery.envelope()), delivery.attempt()), (n, 1));
        accepted("partial", delivery.partial(reply(delivery.envelope(), Kind::Partial, n).into())).await;
        let answered = reply(delivery.envelope(), Kind::Reply, n * 2);
        accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
        for (kind, expected) in [(Kind::Partial, n), (Kind::Reply, n * 2)] {
            let heard = answer(&probe).await;
            assert_eq!((heard.kind, number(&heard)), (kind, expected));
        }
    }
    nothing_comes(&mut beside).await;
    accepted("stop", consumer.stop()).await;
    drop(consumer);
    let request = call(&inbox, 11);
    let ack = client.enqueue(&instance, request.clone().into(), EnqueueOptions::default());
    assert_eq!(refusal(&probe, request.id, ack).await, BrokerError::Gone { instance: guid });
}

/// Callers of an instance whose process has just died hear that it is gone, as soon as the broker knows; until then they
/// hear nothing, or that the outcome is unknown.
pub async fn an_instance_that_has_died_is_gone<F: Fixture>(fixture: F) {
    let (client, dying) = (fixture.connect().await.broker, fixture.connect().await);
    let guid = Guid::private();
    let instance = Channel::Instance(guid);
    let consumer = consume(&dying.broker, &instance, ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&client).await;
    dying.crash();
    let told = async {
        loop {
            let request = call(&inbox, 1);
            match told_at_once(&probe, client.enqueue(&instance, request.into(), EnqueueOptions::default())).await {
                None | Some(BrokerError::Lost { .. }) => {}
                Some(error) => return error,
            }
        }
    };
    // Some brokers keep a channel without a consumer for a while.
    let told = tokio::time::timeout(3 * SOON, told).await.expect("callers hear that the instance is gone");
    assert_eq!(told, BrokerError::Gone { instance: guid });
    drop(consumer);
}

/// Closing a connection ends its streams, its callers hear that the outcome of what they have sent
/// is unknown, and what it is asked to do afterwards is refused.
pub async fn closing_ends_consumers<F: Fixture>(fixture: F) {
    let (broker, other) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("closing.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    // What was accepted before is not lost by closing.
    accepted("enqueue", broker.enqueue(&queue("kept.v1"), work(1).into(), EnqueueOptions::default())).await;
    let (probe, inbox) = inbox(&broker).await;
    accepted("enqueue", broker.enqueue(&queue("unanswered.v1"), call(&inbox, 2).into(), EnqueueOptions::default()))
        .await;
    soon("close", broker.close()).await;
    assert!(matches!(lost(&probe).await, BrokerError::Lost { .. }), "the call may have been accepted");
    assert!(soon("the end of the stream", consumer.next()).await.is_none());
    let refused = soon("enqueue", broker.enqueue(&channel, work(2).into(), EnqueueOptions::default())).await;
    assert!(matches!(refused, Err(BrokerError::Unavailable { .. })), "{refused:?}");
    let mut kept = consume(&other, &queue("kept.v1"), ConsumeOptions::default()).await;
    assert_eq!(take(&mut kept).await, 1);
}
