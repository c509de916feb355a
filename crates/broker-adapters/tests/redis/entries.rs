//! Entries of several messages when something goes wrong: with a worker, the connection, the stream, or the entry.

use std::{collections::BTreeSet, time::Duration};

use skyloom_core::{
    Channel,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};
use skyloom_testing::servers::{Server, redis_command};
use tokio::time::{Instant, sleep, timeout};

use super::{
    caller::{CALLS, Caller, answer, assert_answered, base, consume, entries, figure, next, split, start},
    load::{SOON, cast, number, queue},
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
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let worker = connect(&url).await;
        let options = ConsumeOptions { lease: SHORT, credit: CALLS, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, options).await;
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
        caller.ends.count(calls.len()).await;
        assert_answered(&caller.ends, &calls, |call| if overdue.contains(call) { 2 } else { 1 });
        assert_eq!((entries(&server, &channel), split(&server, &channel)), (0, 0));
    });
}

#[test]
fn what_waited_for_credit_for_too_long_is_not_delivered_any_more() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let before = caller.ends.all().len();
        let worker = connect(&url).await;
        let options = ConsumeOptions { lease: SHORT, credit: 3, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, options).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(next(&mut consumer).await);
        }
        server.freeze();
        // This process is held up, so that the first thing that its reader does then is to look after the channel.
        std::thread::sleep(Duration::from_millis(300));
        sleep(Duration::from_millis(100)).await;
        held.into_iter().for_each(|delivery| drop(answer(delivery)));
        sleep(SHORT).await;
        server.thaw();
        let done = async {
            while caller.ends.all().len() < before + calls.len() {
                let Ok(delivery) = timeout(SHORT / 4, consumer.next()).await else { continue };
                answer(delivery.expect("a delivery")).await.expect("it was delivered under a lease");
            }
        };
        timeout(SOON, done).await.expect("all are answered");
        let all = caller.ends.all();
        assert!(calls.iter().all(|call| matches!(all.get(call).map(Vec::as_slice), Some([Ok(_)]))), "each once");
    });
}

#[test]
fn a_connection_that_breaks_in_the_middle_of_an_entry_costs_no_attempt() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let before = caller.ends.all().len();
        let worker = connect(&url).await;
        let options = ConsumeOptions { credit: 3, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, options).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(next(&mut consumer).await);
        }
        // One is settled, one is under way, and the others wait for credit or with the worker.
        answer(held.remove(0)).await.expect("it is settled");
        let under_way = answer(held.remove(0));
        assert!(redis_command(&server, "CLIENT KILL TYPE normal SKIPME yes").starts_with(':'));
        drop(under_way);
        held.into_iter().for_each(|delivery| drop(answer(delivery)));
        let done = async {
            while caller.ends.all().len() < before + calls.len() {
                let Ok(delivery) = timeout(SHORT / 4, consumer.next()).await else { continue };
                drop(answer(delivery.expect("a delivery")));
            }
        };
        timeout(SOON, done).await.expect("all are answered");
        assert_answered(&caller.ends, &calls, |_| 1);
        let empty = async {
            while entries(&server, &channel) > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, empty).await.expect("all are settled");
        let counts = ["bytes", "more"].map(|field| count(&server, &channel, field));
        assert!(counts.iter().all(|count| count.ends_with("\n0")), "what is settled is counted once: {counts:?}");
    });
}

#[test]
fn a_new_worker_leaves_most_of_a_backlog_to_others() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let worker = connect(&url).await;
        let options = ConsumeOptions { credit: 16, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, options).await;
        let mut held = Vec::new();
        for _ in 0..16 {
            held.push(next(&mut consumer).await);
            let depth = caller.broker.depth(&channel).await.expect("the depth is known");
            assert!(depth.leased < 32, "{depth:?}: no more than its credit and a part of an entry");
        }
        held.into_iter().for_each(|delivery| drop(delivery.settle(Settlement::Release)));
        drop(consumer);
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        for _ in 0..CALLS {
            answer(next(&mut consumer).await).await.expect("it is settled");
        }
        caller.ends.count(calls.len()).await;
        assert_answered(&caller.ends, &calls, |_| 1);
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
        let letter = count(&server, &channel, "bytes");
        caller.call_together(&server, &channel).await;
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
        for _ in 0..CALLS {
            answer(next(&mut consumer).await).await.expect("it is settled");
        }
        assert_eq!(count(&server, &channel, "bytes"), letter, "the dead letter is what is left");
    });
}

#[test]
fn leases_of_a_stream_that_is_gone_are_stale_each_for_itself() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        caller.call_together(&server, &channel).await;
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let mut held = Vec::new();
        for _ in 0..CALLS {
            held.push(next(&mut consumer).await);
        }
        assert_eq!(figure(&server, &format!("DEL {}:work", base(&channel))), 1);
        let extended = held[0].extend();
        assert_eq!(extended.await, Err(BrokerError::Stale));
        let acks: Vec<_> = held.into_iter().map(answer).collect();
        for ack in acks {
            assert_eq!(ack.await, Err(BrokerError::Stale));
        }
    });
}

/// Puts an entry whose body is this, so many times, and perhaps more fields.
fn put(server: &Server, channel: &Channel, body: &[u8], times: u32, fields: &str) {
    let body: String = body.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let put = "return redis.call('XADD', KEYS[1], '*', 'e', string.rep(ARGV[1], ARGV[2]), unpack(ARGV, 3))";
    let command = format!("EVAL \"{put}\" 1 {}:work \"{body}\" {times} {fields}", base(channel));
    let answer = redis_command(server, &command);
    assert!(answer.starts_with('$'), "{answer}");
}

/// A member of a bundle, as any program may write it: field 16 of a Bundle is an envelope.
fn member(number: u32) -> Vec<u8> {
    let envelope = cast(number).encode();
    let mut member = vec![0x82, 0x01, u8::try_from(envelope.len()).expect("it is short")];
    member.extend_from_slice(&envelope);
    member
}

#[test]
fn a_bundle_that_is_not_counted_is_a_bundle_all_the_same() {
    run(async {
        let (server, url) = start();
        let (worker, channel) = (connect(&url).await, queue("foreign.v1"));
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let bundle = [member(1), member(2), member(3)].concat();
        for fields in ["", "n 2", "n 3 l \"0 0 0\"", "n x"] {
            put(&server, &channel, &bundle, 1, fields);
            for expected in 1..=3 {
                let delivery = next(&mut consumer).await;
                assert_eq!((number(delivery.envelope()), delivery.attempt()), (expected, 1), "{fields:?}");
                let settlement = match expected {
                    2 => Settlement::Retry { delay: Duration::ZERO, reason: "not yet".to_owned() },
                    _ => Settlement::Done,
                };
                delivery.settle(settlement).await.expect("it is settled");
            }
            let again = next(&mut consumer).await;
            assert_eq!((number(again.envelope()), again.attempt()), (2, 2), "{fields:?}");
            again.settle(Settlement::Done).await.expect("it is settled");
            assert_eq!((entries(&server, &channel), split(&server, &channel)), (0, 0), "{fields:?}");
        }
    });
}

#[test]
fn a_bundle_that_is_cut_off_is_kept_as_it_is() {
    run(async {
        let (server, url) = start();
        let (worker, channel) = (connect(&url).await, queue("foreign.v1"));
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let mut bundle = [member(1), member(2)].concat();
        bundle.pop();
        put(&server, &channel, &bundle, 1, "n 2");
        put(&server, &channel, &member(3), 1, "");
        let delivery = next(&mut consumer).await;
        assert_eq!(number(delivery.envelope()), 3);
        let buried = async {
            while worker.depth(&channel).await.expect("the depth is known").dead == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, buried).await.expect("it is buried");
        let length = "return #redis.call('XRANGE', KEYS[1], '-', '+')[1][2][2]";
        let length = figure(&server, &format!("EVAL \"{length}\" 1 {}:dead", base(&channel)));
        assert_eq!(length, bundle.len() as u64);
    });
}

/// So many messages in one entry that a script which reads the entry anew for each of them takes minutes.
const VERY_MANY: u32 = 20_000;

#[test]
fn a_very_large_entry_is_taken_apart_in_time() {
    run(async {
        let (server, url) = start();
        let (worker, channel) = (connect(&url).await, queue("foreign.v1"));
        let lost = "XREADGROUP GROUP workers 00000000000000000000000000000000:1:100 STREAMS";
        put(&server, &channel, &member(5), VERY_MANY, &format!("n {VERY_MANY}"));
        assert_eq!(redis_command(&server, &format!("XGROUP CREATE {}:work workers 0", base(&channel))), "+OK");
        assert!(redis_command(&server, &format!("{lost} {}:work >", base(&channel))).contains("foreign"));
        // Its worker is taken to be lost, and each message becomes an entry of its own.
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let delivery = next(&mut consumer).await;
        assert_eq!((number(delivery.envelope()), delivery.attempt()), (5, 2));
        assert_eq!(entries(&server, &channel), u64::from(VERY_MANY));
        assert!(redis_command(&server, &format!("DEL {}:work", base(&channel))).starts_with(':'));
        drop((delivery, consumer));
        // Its worker has credit for one, and gives the others back.
        put(&server, &channel, &member(6), VERY_MANY, &format!("n {VERY_MANY}"));
        let narrow = ConsumeOptions { credit: 1, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, narrow).await;
        let first = next(&mut consumer).await;
        let mut others = consume(&worker, &channel, narrow).await;
        let second = next(&mut others).await;
        assert_eq!((number(first.envelope()), number(second.envelope()), second.attempt()), (6, 6, 1));
    });
}
