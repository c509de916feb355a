//! Requests and their replies.

use std::collections::{BTreeMap, BTreeSet};

use skyloom_core::{
    Envelope, Kind,
    broker::{ConsumeOptions, EnqueueOptions, Settlement},
};

use crate::conformance::{
    Fixture, Guarantee, Shown,
    kit::{accepted, answer, call, consume, inbox, next, nothing_comes, number, queue, reply, silent, soon},
};

/// The caller gets the reply of the worker that took its request.
pub async fn a_call_is_answered_on_its_inbox<F: Fixture>(fixture: F) {
    let (client, worker) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("echo.v1");
    let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&client).await;
    let request = call(&inbox, 7);
    accepted("enqueue", client.enqueue(&channel, request.clone().into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    assert_eq!((delivery.envelope().id, delivery.attempt()), (request.id, 1));
    let left = delivery.deadline().expect("a call's budget reaches the worker");
    assert!(left > tokio::time::Instant::now(), "the budget is not used up");
    let answered = reply(delivery.envelope(), Kind::Reply, number(delivery.envelope()) * 2);
    accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
    let answered = answer(&probe).await;
    assert_eq!((answered.id, answered.kind, number(&answered)), (request.id, Kind::Reply, 14));
    silent(&probe).await;
}

/// Partial replies arrive in the order in which they were sent, and before the final one.
pub async fn partial_replies_come_in_order_before_the_final_one<F: Fixture>(fixture: F) {
    const PARTIALS: u32 = 100;
    let (client, worker) = (fixture.connect().await.broker, fixture.connect().await.broker);
    let channel = queue("tail.v1");
    let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&client).await;
    accepted("enqueue", client.enqueue(&channel, call(&inbox, 0).into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    for part in 0..PARTIALS {
        accepted("partial", delivery.partial(reply(delivery.envelope(), Kind::Partial, part).into())).await;
    }
    let last = reply(delivery.envelope(), Kind::Reply, PARTIALS);
    accepted("reply", delivery.settle(Settlement::Reply(last.into()))).await;
    for part in 0..PARTIALS {
        let heard = answer(&probe).await;
        assert_eq!((heard.kind, number(&heard)), (Kind::Partial, part));
    }
    let heard = answer(&probe).await;
    assert_eq!((heard.kind, number(&heard)), (Kind::Reply, PARTIALS));
}

/// Many calls under way at once, answered by two workers: each gets its own answer, once.
pub async fn many_calls_are_each_answered_once<F: Fixture>(fixture: F) {
    const CALLS: u32 = 90;
    let client = fixture.connect().await.broker;
    let channel = queue("double.v1");
    let mut workers = Vec::new();
    for _ in 0..2 {
        let worker = fixture.connect().await.broker;
        let mut consumer = consume(&worker, &channel, ConsumeOptions { credit: 4, ..ConsumeOptions::default() }).await;
        workers.push(tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                let answered = reply(delivery.envelope(), Kind::Reply, number(delivery.envelope()) * 2);
                accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
            }
            drop(worker);
        }));
    }
    let (probe, inbox) = inbox(&client).await;
    let mut expected = BTreeMap::new();
    for n in 0..CALLS {
        let request = call(&inbox, n);
        expected.insert(request.id, n * 2);
        accepted("enqueue", client.enqueue(&channel, request.into(), EnqueueOptions::default())).await;
    }
    while !expected.is_empty() {
        let heard = answer(&probe).await;
        assert_eq!(expected.remove(&heard.id), Some(number(&heard)), "each call is answered once, with its own reply");
    }
    silent(&probe).await;
    workers.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Replies to two callers, sent at once and of all sizes, reach each caller's inbox whole and in order.
pub async fn replies_that_are_sent_at_once_each_reach_their_caller<F: Fixture>(fixture: F) {
    const CALLS: u32 = 40;
    let worker = fixture.connect().await.broker;
    let channel = queue("together.v1");
    let mut consumer = consume(&worker, &channel, ConsumeOptions { credit: CALLS, ..ConsumeOptions::default() }).await;
    let client = fixture.connect().await.broker;
    let inboxes = [inbox(&client).await, inbox(&client).await];
    let mut expected = [Vec::new(), Vec::new()];
    for n in 0..CALLS {
        let place = n as usize % 2;
        let request = call(&inboxes[place].1, n);
        expected[place].push((request.id, n));
        accepted("enqueue", client.enqueue(&channel, request.into(), EnqueueOptions::default())).await;
    }
    let mut held = Vec::new();
    for _ in 0..CALLS {
        held.push(next(&mut consumer).await);
    }
    let has_part = |n: u32| n.is_multiple_of(5);
    let payload = |n: u32| vec![n as u8; n as usize * 1_000];
    let mut acks = Vec::new();
    for delivery in held {
        let n = number(delivery.envelope());
        let answered = |kind| Envelope { payload: payload(n).into(), ..reply(delivery.envelope(), kind, n) };
        if has_part(n) {
            acks.push(delivery.partial(answered(Kind::Partial).into()));
        }
        let answered = answered(Kind::Reply);
        acks.push(delivery.settle(Settlement::Reply(answered.into())));
    }
    for ack in acks {
        accepted("reply", ack).await;
    }
    for ((probe, _), mut expected) in inboxes.iter().zip(expected) {
        let mut begun = BTreeSet::new();
        while !expected.is_empty() {
            let heard = answer(probe).await;
            let at = expected.iter().position(|(id, _)| *id == heard.id).expect("it is a reply to this caller");
            let (id, n) = expected[at];
            assert!(heard.payload[..] == payload(n), "reply {n} came with {} bytes", heard.payload.len());
            match heard.kind {
                Kind::Partial => assert!(has_part(n) && begun.insert(id), "one part was sent of some"),
                kind => {
                    assert_eq!((kind, begun.contains(&id)), (Kind::Reply, has_part(n)), "the part comes first");
                    expected.remove(at);
                }
            }
        }
        silent(probe).await;
    }
}

/// The answered request is not delivered again. Where the reply and the end of its lease are one operation, it is
/// gone by the time that its caller has the reply.
pub async fn replying_settles_the_request<F: Fixture>(fixture: F) -> Shown {
    let peer = fixture.connect().await;
    let broker = &peer.broker;
    let channel = queue("once-answered.v1");
    let lease = fixture.shortest_lease();
    let options = ConsumeOptions { lease, ..ConsumeOptions::default() };
    let mut consumer = consume(broker, &channel, options).await;
    let (probe, inbox) = inbox(broker).await;
    accepted("enqueue", broker.enqueue(&channel, call(&inbox, 1).into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    let answered = reply(delivery.envelope(), Kind::Reply, 2);
    accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
    assert_eq!(number(&answer(&probe).await), 2);
    let atomic = broker.capabilities().atomic_reply;
    if atomic {
        let depth = soon("depth", broker.depth(&channel)).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased), (0, 0));
    }
    tokio::time::sleep(lease).await;
    nothing_comes(&mut consumer).await;
    silent(&probe).await;
    if atomic { Guarantee::AtomicReply.kept() } else { Guarantee::AtomicReply.refused() }
}
