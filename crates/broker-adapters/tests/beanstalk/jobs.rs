//! What is in a job: one envelope or several, ours or somebody else's.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{ConsumeOptions, Consumer, Delivery, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::Server;

use super::{
    by_hand::ByHand,
    fixture::{connect, process, run, server, url},
    load::{call, cast, echo, number, queue as channel, soon, work},
};

async fn next(consumer: &mut Consumer) -> Delivery {
    soon("a delivery", consumer.next()).await.expect("it goes on")
}

/// Puts a job of numbered casts, written by hand.
async fn put_bundle(server: &Server, tube: &str, numbers: std::ops::Range<u32>) {
    let mut body = Vec::new();
    for number in numbers {
        let member = cast(number).encode();
        body.extend([0x82, 0x01, u8::try_from(member.len()).expect("a short one")]);
        body.extend(&member);
    }
    let mut hand = ByHand::connect(server).await;
    assert_eq!(hand.say(&format!("use {tube}")).await, format!("USING {tube}"));
    assert!(hand.put(&body).await.starts_with("INSERTED "));
}

async fn jobs_put(server: &Server, tube: &str) -> u64 {
    let mut hand = ByHand::connect(server).await;
    let line = hand.say(&format!("stats-tube {tube}")).await;
    let stats = String::from_utf8(hand.body(&line).await).expect("text");
    let total = stats.lines().find_map(|line| line.strip_prefix("total-jobs: ")).expect("it is counted");
    total.parse().expect("a number")
}

#[test]
fn many_calls_at_once_are_each_answered_and_share_no_job_if_they_may_not() {
    run(async {
        const CALLERS: u64 = 64;
        const CALLS: u64 = 1_920;
        let server = server();
        for prefix in ["shared", "alone&bundle=1"] {
            let broker = connect(&url(&server, &format!("prefix={prefix}"))).await;
            let queue = channel("echo.v1");
            work(broker.clone(), queue.clone(), Arc::default());
            let client = Client::new(broker.clone());
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..CALLERS {
                let (client, queue) = (client.clone(), queue.clone());
                callers.spawn(async move {
                    for _ in 0..CALLS / CALLERS {
                        call(&client, &queue, Duration::from_secs(20)).await.expect("each call is answered");
                    }
                });
            }
            callers.join_all().await;
            let tube = format!("{}.echo.v1", prefix.split('&').next().expect("a prefix"));
            let jobs = jobs_put(&server, &tube).await;
            assert!(if prefix == "shared" { jobs <= CALLS } else { jobs == CALLS }, "{CALLS} calls made {jobs} jobs");
        }
    });
}

#[test]
fn each_member_of_a_shared_job_is_settled_for_itself() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        let queue = channel("mixed.v1");
        put_bundle(&server, "skyloom.mixed.v1", 0..6).await;
        let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let mut first = BTreeMap::new();
        for _ in 0..6 {
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.attempt(), 1);
            first.insert(number(delivery.envelope()), delivery);
        }
        let reason = || "not now".to_owned();
        for (number, delivery) in first {
            let settlement = match number {
                0 | 1 => Settlement::Done,
                2 => Settlement::Retry { delay: Duration::ZERO, reason: reason() },
                3 => Settlement::Release,
                4 => Settlement::Bury { reason: reason() },
                _ => Settlement::Retry { delay: Duration::from_secs(1), reason: reason() },
            };
            soon("settle", delivery.settle(settlement)).await.expect("it is settled");
        }
        for expected in [(2, 2), (3, 1), (5, 2)] {
            let again = next(&mut consumer).await;
            assert_eq!((number(again.envelope()), again.attempt()), expected);
            soon("settle", again.settle(Settlement::Done)).await.expect("it is settled");
        }
        let depth = soon("depth", broker.depth(&queue)).await.expect("it is known");
        assert_eq!((depth.ready, depth.delayed, depth.leased, depth.dead), (0, 0, 0, 1));
    });
}

#[test]
fn a_claimed_member_is_never_delivered_again_and_the_others_are() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "ttr=3s")).await;
        let (dying, killer) = process(&url(&server, "ttr=3s")).await;
        let queue = channel("claimed.v1");
        put_bundle(&server, "skyloom.claimed.v1", 0..4).await;
        let mut consumer = dying.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(next(&mut consumer).await);
        }
        for claimed in [1, 2] {
            soon("once", held[claimed].once()).await.expect("it is claimed");
        }
        killer.kill();
        let mut other = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        for expected in [0, 3] {
            let again = next(&mut other).await;
            assert_eq!((number(again.envelope()), again.attempt()), (expected, 2));
            soon("settle", again.settle(Settlement::Done)).await.expect("it is settled");
        }
        let depth = soon("depth", broker.depth(&queue)).await.expect("it is known");
        assert_eq!((depth.ready, depth.delayed, depth.leased), (0, 0, 0));
        drop(held);
    });
}

#[test]
fn more_than_the_credit_waits_its_turn() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        put_bundle(&server, "skyloom.many.v1", 0..5).await;
        let options = ConsumeOptions { credit: 2, ..ConsumeOptions::default() };
        let mut consumer = broker.consume(channel("many.v1"), options).await.expect("consumed");
        let (first, second) = (next(&mut consumer).await, next(&mut consumer).await);
        let third = tokio::time::timeout(Duration::from_millis(150), consumer.next()).await;
        assert!(third.is_err(), "there is no credit for it");
        for (n, delivery) in (0..).zip([first, second]) {
            assert_eq!(number(delivery.envelope()), n);
            soon("settle", delivery.settle(Settlement::Done)).await.expect("it is settled");
        }
        for expected in 2..5 {
            let delivery = next(&mut consumer).await;
            assert_eq!(number(delivery.envelope()), expected);
            soon("settle", delivery.settle(Settlement::Done)).await.expect("it is settled");
        }
    });
}

#[test]
fn a_client_in_another_language_is_served() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        let queue = channel("greeter.v1");
        let mut consumer = broker.consume(queue, ConsumeOptions::default()).await.expect("consumed");
        let mut hand = ByHand::connect(&server).await;
        let inbox = Guid::private();
        hand.say(&format!("watch skyloom._inbox.{inbox}")).await;
        hand.say("use skyloom.greeter.v1").await;
        let mut request = Envelope::new(Kind::Call, Guid::call());
        request.reply_to = Some(inbox);
        request.payload = "hello".into();
        assert!(hand.put(&request.encode()).await.starts_with("INSERTED "));
        let delivery = next(&mut consumer).await;
        assert_eq!((delivery.envelope().as_ref(), delivery.attempt()), (&request, 1));
        let reply = echo(delivery.envelope());
        soon("reply", delivery.settle(Settlement::Reply(reply.clone()))).await.expect("it is settled");
        let line = soon("the reply", hand.say("reserve-with-timeout 10")).await;
        assert_eq!(Envelope::decode(hand.body(&line).await.into()).expect("an envelope"), *reply);
    });
}

#[test]
fn a_worker_in_another_language_serves() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        let client = Client::new(broker.clone());
        let mut hand = ByHand::connect(&server).await;
        hand.say("watch skyloom.greeter.v1").await;
        let serve = async {
            let line = hand.say("reserve-with-timeout 10").await;
            let id = line.split(' ').nth(1).expect("an id").to_owned();
            let request = Envelope::decode(hand.body(&line).await.into()).expect("an envelope");
            hand.say(&format!("use skyloom._inbox.{}", request.reply_to.expect("a call"))).await;
            assert!(hand.put(&echo(&request).encode()).await.starts_with("INSERTED "));
            assert_eq!(hand.say(&format!("delete {id}")).await, "DELETED");
        };
        let queue = channel("greeter.v1");
        let (called, ()) = tokio::join!(call(&client, &queue, Duration::from_secs(10)), serve);
        called.expect("it is answered");
    });
}

#[test]
fn what_is_no_envelope_is_put_aside() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        let queue = channel("strange.v1");
        let mut hand = ByHand::connect(&server).await;
        hand.say("use skyloom.strange.v1").await;
        assert!(hand.put(b"\xff no envelope").await.starts_with("INSERTED "));
        soon("enqueue", broker.enqueue(&queue, cast(1), EnqueueOptions::default())).await.expect("accepted");
        let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let delivery = next(&mut consumer).await;
        assert_eq!(number(delivery.envelope()), 1);
        soon("settle", delivery.settle(Settlement::Done)).await.expect("it is settled");
        assert_eq!(soon("depth", broker.depth(&queue)).await.expect("it is known").dead, 1);
    });
}
