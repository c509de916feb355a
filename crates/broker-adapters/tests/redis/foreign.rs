//! Entries that another program has written: in another way than this adapter, or wrongly.

use std::time::Duration;

use skyloom_core::{
    Channel, Envelope,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};
use skyloom_testing::servers::{Server, redis_cluster, redis_command};
use tokio::time::{sleep, timeout};

use super::{
    caller::{Caller, base, consume, entries, figure, next, split, start},
    entry::{member, member_of, put},
    load::{SOON, cast, number, queue},
    support::{connect, run},
};

#[test]
fn a_bundle_that_is_not_counted_is_a_bundle_all_the_same() {
    run(async {
        let (server, url) = start();
        let (worker, channel) = (connect(&url).await, queue("foreign.v1"));
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let bundle = [member(1), member(2), member(3)].concat();
        for fields in ["", "n 2", "n 3 l \"0 0 0\"", "n x"] {
            put([&server], &channel, &bundle, 1, fields);
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
        put([&server], &channel, &bundle, 1, "n 2");
        put([&server], &channel, &member(3), 1, "");
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

/// Four calls in an entry whose third has a length that is not its own; and one that is alone and cut off.
async fn callers_of_what_is_garbled_hear_at_once(servers: &[Server], url: &str) {
    let (caller, channel) = (Caller::open(url).await, queue("foreign.v1"));
    let calls: Vec<Envelope> = (1..=5).map(|number| caller.envelope(number)).collect();
    let mut bundle = calls[..4].iter().map(member_of).collect::<Vec<_>>().concat();
    let third = bundle.len() / 2;
    bundle[third + 2] -= 1;
    let alone = calls[4].encode();
    let server = put(servers, &channel, &bundle, 1, "n 4");
    put([server], &channel, &alone[..alone.len() - 1], 1, "");
    let worker = connect(url).await;
    let _consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
    caller.ends.count(calls.len()).await;
    let ends = caller.ends.all();
    for call in &calls {
        match ends.get(&call.id).map(Vec::as_slice) {
            Some([Err(BrokerError::Dead { attempts: 0, reason })]) => {
                assert!(reason.contains("no message of Skyloom"), "{reason}");
            }
            other => panic!("call {} ended with {other:?}", number(call)),
        }
    }
    // On a cluster the callers are told first.
    let kept = async {
        while figure(server, &format!("XLEN {}:dead", base(&channel))) < 2 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, kept).await.expect("each entry is kept as it is");
    let depth = caller.broker.depth(&channel).await.expect("the depth is known");
    assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 2));
}

#[test]
fn callers_of_a_garbled_entry_hear_at_once() {
    run(async {
        let (server, url) = start();
        callers_of_what_is_garbled_hear_at_once(&[server], &url).await;
    });
}

#[test]
fn callers_of_a_garbled_entry_hear_at_once_on_a_cluster() {
    run(async {
        let servers = redis_cluster();
        let url = format!("redis+cluster://127.0.0.1:{}", servers[0].port());
        callers_of_what_is_garbled_hear_at_once(&servers, &url).await;
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
        put([&server], &channel, &member(5), VERY_MANY, &format!("n {VERY_MANY}"));
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
        put([&server], &channel, &member(6), VERY_MANY, &format!("n {VERY_MANY}"));
        let narrow = ConsumeOptions { credit: 1, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, narrow).await;
        let first = next(&mut consumer).await;
        let mut others = consume(&worker, &channel, narrow).await;
        let second = next(&mut others).await;
        assert_eq!((number(first.envelope()), number(second.envelope()), second.attempt()), (6, 6, 1));
    });
}

/// Puts an entry without a body.
fn put_nothing(server: &Server, channel: &Channel) -> String {
    redis_command(server, &format!("XADD {}:work * foreign 0", base(channel)))
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn an_entry_without_a_body_becomes_a_dead_letter() {
    run(async {
        let (server, url) = start();
        let (worker, channel) = (connect(&url).await, queue("foreign.v1"));
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        put_nothing(&server, &channel);
        let delivery = next(&mut consumer).await;
        delivery.settle(Settlement::Bury { reason: "it has no method".to_owned() }).await.expect("it is buried");
        let depth = worker.depth(&channel).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 1));
    });
}

/// What is settled in one call of the script is settled whatever else is in it.
#[test]
fn an_entry_without_a_body_does_not_undo_what_is_settled_with_it() {
    run(async {
        let ((server, _), channel) = (start(), queue("foreign.v1"));
        let inbox = format!("{}:answers", base(&channel));
        let _ = redis_command(&server, &format!("XADD {inbox} * m first"));
        let _ = redis_command(&server, &format!("XGROUP CREATE {}:work workers 0 MKSTREAM", base(&channel)));
        let ids: Vec<String> = (0..3).map(|_| put_nothing(&server, &channel)).collect();
        let _ = redis_command(&server, &format!("XREADGROUP GROUP workers me STREAMS {}:work >", base(&channel)));
        let [good, bad, other] = &ids[..] else { panic!("{ids:?}") };
        let settled =
            format!("reply {good} 1 1 0 {inbox} one bury {bad} 1 1 1 garbage 0 reply {other} 1 1 0 {inbox} two");
        let script = [include_str!("../../src/redis/lua/common.lua"), include_str!("../../src/redis/lua/settle.lua")];
        let script = script.concat().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let stale = redis_command(&server, &format!("EVAL \"{script}\" 1 {} {settled}", base(&channel)));
        assert_eq!(stale, "*0");
        let answers = redis_command(&server, &format!("XRANGE {inbox} - +"));
        assert!(answers.contains("one") && answers.contains("two"), "both are answered: {answers}");
        assert_eq!((entries(&server, &channel), figure(&server, &format!("XLEN {}:dead", base(&channel)))), (0, 1));
    });
}

/// What workers of other versions count may be wrong; a figure is never less than nothing.
#[test]
fn a_channel_whose_count_is_below_zero_has_a_depth() {
    run(async {
        let (server, url) = start();
        let (broker, channel) = (connect(&url).await, queue("foreign.v1"));
        broker.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
        let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
        next(&mut consumer).await.settle(Settlement::Done).await.expect("it is settled");
        let _ = redis_command(&server, &format!("HSET {}:count kept -5", base(&channel)));
        let depth = broker.depth(&channel).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 0));
        let listed = broker.admin().expect("a view").channels().await.expect("they are listed");
        assert_eq!(listed.first().map(|stats| stats.bytes), Some(Some(0)));
    });
}
