//! Entries of several messages when something goes wrong: with a worker, the connection, or the stream.

use std::{collections::BTreeSet, time::Duration};

use skyloom_core::{
    Channel,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};
use skyloom_testing::servers::{Server, redis_command};
use tokio::time::{Instant, sleep, timeout};

use super::{
    bundled::{Bundled, answer_next, take},
    caller::{CALLS, Caller, answer, base, consume, entries, figure, next, nobody_consumes, start},
    entry::put_together,
    load::{SOON, cast, queue},
    support::{connect, run},
};

/// A lease that is waited for.
const SHORT: Duration = Duration::from_millis(800);

fn count(server: &Server, channel: &Channel, field: &str) -> String {
    redis_command(server, &format!("HGET {}:count {field}", base(channel)))
}

#[test]
fn a_lease_of_an_entry_that_runs_out_comes_back_while_the_others_go_on() {
    run(async {
        let bundled = Bundled::start().await;
        let options = ConsumeOptions { lease: SHORT, credit: CALLS, ..ConsumeOptions::default() };
        let (_worker, mut consumer) = bundled.worker(options).await;
        let (mut extended, mut left) = (Vec::new(), Vec::new());
        for at in 0..CALLS {
            let delivery = next(&mut consumer).await;
            if at % 8 == 3 { left.push(delivery) } else { extended.push(delivery) }
        }
        let overdue: BTreeSet<_> = left.iter().map(|delivery| delivery.envelope().id).collect();
        let began = Instant::now();
        let mut back = BTreeSet::new();
        while back.len() < left.len() && began.elapsed() < SOON {
            extended.iter().for_each(|delivery| drop(delivery.extend()));
            let again = timeout(SHORT / 4, consumer.next()).await;
            let Ok(delivery) = again else { continue };
            let delivery = delivery.expect("a delivery");
            assert_eq!(delivery.attempt(), 2);
            back.insert(delivery.envelope().id);
            answer(delivery).await.expect("it is settled");
        }
        assert_eq!(back, overdue, "those whose leases have run out, and no others");
        for delivery in left {
            assert_eq!(answer(delivery).await, Err(BrokerError::Stale));
        }
        for delivery in extended {
            answer(delivery).await.expect("its lease went on");
        }
        bundled.assert_answered(|call| if overdue.contains(call) { 2 } else { 1 }).await;
        bundled.assert_empty();
    });
}

#[test]
fn what_waited_for_credit_for_too_long_is_not_delivered_any_more() {
    run(async {
        let bundled = Bundled::start().await;
        let options = ConsumeOptions { lease: SHORT, credit: 3, ..ConsumeOptions::default() };
        let (_worker, mut consumer) = bundled.worker(options).await;
        let held = take(&mut consumer, 3).await;
        bundled.server.freeze();
        // This process is held up, so that the first thing that its reader does then is to look after the channel.
        std::thread::sleep(Duration::from_millis(300));
        sleep(Duration::from_millis(100)).await;
        held.into_iter().for_each(|delivery| drop(answer(delivery)));
        sleep(SHORT).await;
        bundled.server.thaw();
        let done = async {
            while bundled.ended() < bundled.calls.len() {
                let Ok(delivery) = timeout(SHORT / 4, consumer.next()).await else { continue };
                answer(delivery.expect("a delivery")).await.expect("it was delivered under a lease");
            }
        };
        timeout(SOON, done).await.expect("all are answered");
        let all = bundled.caller.ends.all();
        assert!(
            bundled.calls.iter().all(|call| matches!(all.get(call).map(Vec::as_slice), Some([Ok(_)]))),
            "each once"
        );
    });
}

#[test]
fn a_connection_that_breaks_in_the_middle_of_an_entry_costs_no_attempt() {
    run(async {
        let bundled = Bundled::start().await;
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions { credit: 3, ..ConsumeOptions::default() }).await;
        let mut held = take(&mut consumer, 3).await;
        // One is settled, one is under way, and the others wait for credit or with the worker.
        answer(held.remove(0)).await.expect("it is settled");
        let under_way = answer(held.remove(0));
        assert!(redis_command(&bundled.server, "CLIENT KILL TYPE normal SKIPME yes").starts_with(':'));
        drop(under_way);
        held.into_iter().for_each(|delivery| drop(answer(delivery)));
        let done = async {
            while bundled.ended() < bundled.calls.len() {
                let Ok(delivery) = timeout(SHORT / 4, consumer.next()).await else { continue };
                drop(answer(delivery.expect("a delivery")));
            }
        };
        timeout(SOON, done).await.expect("all are answered");
        bundled.assert_answered(|_| 1).await;
        let empty = async {
            while entries(&bundled.server, &bundled.channel) > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, empty).await.expect("all are settled");
        let counts = ["bytes", "more"].map(|field| count(&bundled.server, &bundled.channel, field));
        assert!(counts.iter().all(|count| count.ends_with("\n0")), "what is settled is counted once: {counts:?}");
    });
}

#[test]
fn a_new_worker_leaves_most_of_a_backlog_to_others() {
    run(async {
        let bundled = Bundled::start().await;
        let (worker, mut consumer) = bundled.worker(ConsumeOptions { credit: 16, ..ConsumeOptions::default() }).await;
        let mut held = Vec::new();
        for _ in 0..16 {
            held.push(next(&mut consumer).await);
            let depth = bundled.depth().await;
            assert!(depth.leased < 32, "{depth:?}: no more than its credit and a part of an entry");
        }
        held.into_iter().for_each(|delivery| drop(delivery.settle(Settlement::Release)));
        drop(consumer);
        let mut consumer = consume(&worker, &bundled.channel, ConsumeOptions::default()).await;
        answer_next(&mut consumer, CALLS).await;
        bundled.assert_answered(|_| 1).await;
    });
}

#[test]
fn workers_that_do_not_count_what_they_settle_do_not_fill_a_queue() {
    run(async {
        let (server, url) = start();
        let url = format!("{url}?queue_messages=80");
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        caller.broker.enqueue(&channel, cast(7), EnqueueOptions::default()).await.expect("it is accepted");
        let buried = next(&mut consumer).await.settle(Settlement::Bury { reason: "no".to_owned() });
        buried.await.expect("it is buried");
        drop((consumer, worker));
        nobody_consumes(&server, &channel).await;
        let letter = count(&server, &channel, "bytes");
        let calls: Vec<_> = (0..CALLS).map(|number| caller.envelope(number)).collect();
        put_together(&server, &channel, &calls, 8);
        // As the worker of another language does.
        let settle = "for _, e in ipairs(redis.call('XREADGROUP', 'GROUP', 'workers', 'other', 'COUNT', 100, \
                      'STREAMS', KEYS[1], '>')[1][2]) do redis.call('XACK', KEYS[1], 'workers', e[1]) \
                      redis.call('XDEL', KEYS[1], e[1]) end return 1";
        assert_eq!(redis_command(&server, &format!("EVAL \"{settle}\" 1 {}:work", base(&channel))), ":1");
        let depth = caller.broker.depth(&channel).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 1));
        caller.call(&channel, CALLS);
        let accepted = async {
            while caller.broker.depth(&channel).await.expect("the depth is known").ready < u64::from(CALLS) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, accepted).await.expect("there is room for all of them");
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        answer_next(&mut consumer, CALLS).await;
        assert_eq!(count(&server, &channel, "bytes"), letter, "the dead letter is what is left");
    });
}

#[test]
fn leases_of_a_stream_that_is_gone_are_stale_each_for_itself() {
    run(async {
        let bundled = Bundled::start().await;
        let (_worker, mut consumer) = bundled.worker(ConsumeOptions::default()).await;
        let held = take(&mut consumer, CALLS).await;
        assert_eq!(figure(&bundled.server, &format!("DEL {}:work", base(&bundled.channel))), 1);
        let extended = held[0].extend();
        assert_eq!(extended.await, Err(BrokerError::Stale));
        let acks: Vec<_> = held.into_iter().map(answer).collect();
        for ack in acks {
            assert_eq!(ack.await, Err(BrokerError::Stale));
        }
    });
}
