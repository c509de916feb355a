//! Quick calls share entries of the stream, and each of them is a lease of its own all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use skyloom_core::{
    Guid,
    broker::{BrokerError, ConsumeOptions, Settlement},
};
use tokio::time::{sleep, timeout};

use super::{
    bundled::{Bundled, answer_all, answer_next, take},
    caller::{
        CALLS, Caller, answer, assert_answered, consume, entries, entries_so_far, next, nobody_consumes, split, start,
    },
    load::{number, queue},
    support::{Process, connect, run},
};

#[test]
fn a_worker_has_never_more_of_an_entry_than_its_credit() {
    run(async {
        let bundled = Bundled::start().await;
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions { credit: 3, ..ConsumeOptions::default() }).await;
        let held = take(&mut consumer, 3).await;
        let more = timeout(Duration::from_millis(300), consumer.next()).await;
        assert!(more.is_err(), "there was credit for three: {more:?}");
        // What it has no credit for is given back, and another worker gets it, untouched.
        let (_other, mut others) = bundled.worker(ConsumeOptions::default()).await;
        answer_next(&mut others, CALLS - 3).await;
        for delivery in held {
            answer(delivery).await.expect("it is settled");
        }
        bundled.assert_answered(|_| 1).await;
        bundled.assert_empty();
    });
}

#[test]
fn what_is_left_of_an_entry_whose_worker_dies_is_tried_again_and_the_rest_is_not() {
    run(async {
        let bundled = Bundled::start().await;
        let doomed = Process::start(&bundled.url).await;
        let mut consumer = consume(&doomed.broker, &bundled.channel, ConsumeOptions::default()).await;
        let mut left = BTreeSet::new();
        let mut kept = Vec::new();
        for at in 0..CALLS {
            let delivery = next(&mut consumer).await;
            if at % 3 == 0 {
                left.insert(delivery.envelope().id);
                kept.push(delivery);
            } else {
                answer(delivery).await.expect("it is settled");
            }
        }
        bundled.until_ended(bundled.calls.len() - left.len()).await;
        assert!(split(&bundled.server, &bundled.channel) > 0, "some of each entry is settled");
        let depth = bundled.depth().await;
        assert_eq!((depth.ready, depth.leased), (0, left.len() as u64));
        doomed.kill();
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions::default()).await;
        answer_next(&mut consumer, u32::try_from(left.len()).expect("few")).await;
        bundled.assert_answered(|call| if left.contains(call) { 2 } else { 1 }).await;
        let depth = bundled.depth().await;
        assert_eq!((depth.ready, depth.leased, split(&bundled.server, &bundled.channel)), (0, 0, 0));
        drop(kept);
    });
}

#[test]
fn each_of_an_entry_is_settled_in_its_own_way() {
    run(async {
        let bundled = Bundled::start().await;
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions::default()).await;
        let mut attempts = BTreeMap::new();
        let mut buried = BTreeSet::new();
        let mut settled = 0;
        while settled < CALLS {
            let delivery = next(&mut consumer).await;
            let (id, number, attempt) = (delivery.envelope().id, number(delivery.envelope()), delivery.attempt());
            let seen = attempts.entry(id).or_insert((0, 0));
            let expected = match number % 4 {
                1 => seen.0 + 1,
                _ => 1,
            };
            assert_eq!(attempt, expected, "call {number}, seen {} times before", seen.1);
            *seen = (attempt, seen.1 + 1);
            let (attempt, times) = *seen;
            let ack = match number % 4 {
                1 if attempt == 1 => {
                    delivery.settle(Settlement::Retry { delay: Duration::ZERO, reason: "not yet".to_owned() })
                }
                2 if times == 1 => delivery.settle(Settlement::Release),
                3 => {
                    buried.insert(id);
                    settled += 1;
                    delivery.settle(Settlement::Bury { reason: "no".to_owned() })
                }
                _ => {
                    settled += 1;
                    delivery.extend().await.expect("the lease goes on");
                    answer(delivery)
                }
            };
            ack.await.expect("it is settled");
        }
        bundled.until_ended(bundled.calls.len()).await;
        let ends = bundled.caller.ends.all();
        for call in &bundled.calls {
            let ends = ends.get(call).map(Vec::as_slice);
            match ends {
                Some([Err(BrokerError::Dead { attempts: 1, reason })]) if buried.contains(call) => {
                    assert_eq!(reason, "no");
                }
                Some([Ok(1 | 2)]) if !buried.contains(call) => {}
                other => panic!("{call} ended with {other:?}"),
            }
        }
        let depth = bundled.depth().await;
        assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, buried.len() as u64));
        bundled.assert_empty();
    });
}

#[test]
fn a_lease_of_an_entry_that_ends_ends_alone_and_what_was_claimed_is_not_repeated() {
    run(async {
        let bundled = Bundled::start().await;
        let doomed = Process::start(&bundled.url).await;
        let mut consumer = consume(&doomed.broker, &bundled.channel, ConsumeOptions::default()).await;
        let mut claimed = BTreeSet::new();
        let mut kept = Vec::new();
        for at in 0..CALLS {
            let delivery = next(&mut consumer).await;
            if at % 2 == 0 {
                delivery.once().await.expect("it is claimed");
                claimed.insert(delivery.envelope().id);
            }
            kept.push(delivery);
        }
        doomed.kill();
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions::default()).await;
        for _ in 0..bundled.calls.len() - claimed.len() {
            let delivery = next(&mut consumer).await;
            assert!(!claimed.contains(&delivery.envelope().id), "it was claimed");
            answer(delivery).await.expect("it is settled");
        }
        bundled.until_ended(bundled.calls.len()).await;
        let ends = bundled.caller.ends.all();
        for call in &bundled.calls {
            match ends.get(call).map(Vec::as_slice) {
                Some([Err(BrokerError::Lost { .. })]) => assert!(claimed.contains(call), "{call} was not claimed"),
                Some([Ok(2)]) => assert!(!claimed.contains(call), "{call} was claimed"),
                other => panic!("{call} ended with {other:?}"),
            }
        }
        drop(kept);
    });
}

#[test]
fn a_bound_counts_messages_and_not_entries() {
    run(async {
        let bundled = Bundled::start_with("?queue_messages=64").await;
        assert_eq!(bundled.calls.len(), 64);
        let refused = bundled.caller.call(&bundled.channel, 5);
        bundled.until_ended(5).await;
        let ends = bundled.caller.ends.all();
        for call in &refused {
            let end = ends.get(call).map(Vec::as_slice);
            assert!(matches!(end, Some([Err(BrokerError::Full { .. })])), "{end:?}");
        }
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions::default()).await;
        answer_next(&mut consumer, 7).await;
        let room = bundled.caller.call(&bundled.channel, 9);
        bundled.until_ended(5 + 7 + 2).await;
        let ends = bundled.caller.ends.all();
        let full = |call: &&Guid| matches!(ends.get(*call).map(Vec::as_slice), Some([Err(BrokerError::Full { .. })]));
        assert_eq!(room.iter().filter(full).count(), 2, "seven were settled, so that there is room for seven");
    });
}

#[test]
fn quick_calls_share_entries() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("quick.v1"));
        let worker = connect(&url).await;
        let consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let answering = tokio::spawn(answer_all(consumer));
        let mut calls = Vec::new();
        while calls.len() as u64 <= entries_so_far(&server, &channel) {
            calls.extend(caller.call(&channel, CALLS));
            caller.ends.count(calls.len()).await;
        }
        assert_answered(&caller.ends, &calls, |_| 1);
        answering.abort();
    });
}

#[test]
fn calls_that_may_not_share_do_not() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&format!("{url}?bundle=1")).await, queue("alone.v1"));
        let worker = connect(&url).await;
        let consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let answering = tokio::spawn(answer_all(consumer));
        for round in 1..=30 {
            caller.call(&channel, CALLS);
            caller.ends.count((round * CALLS) as usize).await;
        }
        answering.abort();
        drop(worker);
        nobody_consumes(&server, &channel).await;
        caller.call(&channel, CALLS);
        while caller.broker.depth(&channel).await.expect("the depth is known").ready < u64::from(CALLS) {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(entries(&server, &channel), u64::from(CALLS));
    });
}
