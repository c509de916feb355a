//! Quick calls share entries of the stream, and each of them is a lease of its own all the same.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use skyloom_core::{
    Channel, Envelope, Guid, Kind,
    broker::{Broker, BrokerError, ConsumeOptions, Consumer, Delivery, EnqueueOptions, Inbox, ReplySink, Settlement},
};
use skyloom_testing::servers::{Server, redis_command, redis_launch};
use tokio::time::{sleep, timeout};

use super::{
    load::{SOON, cast, number, queue},
    support::{Process, connect, run},
};

/// How many calls are made at once.
const CALLS: u32 = 64;

/// How each call of an inbox has ended, and how often.
#[derive(Default)]
struct Ends(Mutex<BTreeMap<Guid, Vec<Result<u32, BrokerError>>>>);

impl Ends {
    fn note(&self, call: Guid, end: Result<u32, BrokerError>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_default().push(end);
    }

    fn all(&self) -> BTreeMap<Guid, Vec<Result<u32, BrokerError>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many calls have ended.
    async fn count(&self, count: usize) {
        let ended = async {
            while self.all().len() < count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, ended).await.unwrap_or_else(|_| panic!("{} of {count} have ended", self.all().len()));
    }
}

impl ReplySink for Ends {
    fn reply(&self, reply: Arc<Envelope>) {
        self.note(reply.id, Ok(number(&reply)));
    }

    fn refused(&self, call: Guid, error: BrokerError) {
        self.note(call, Err(error));
    }

    fn lost(&self, error: BrokerError, _: &HashSet<Guid>) {
        panic!("nothing is lost here: {error}");
    }
}

/// A caller whose calls share entries, for it has seen that they are quick.
struct Caller {
    broker: Arc<dyn Broker>,
    ends: Arc<Ends>,
    inbox: Inbox,
}

impl Caller {
    async fn open(url: &str) -> Self {
        let broker = connect(url).await;
        let ends = Arc::<Ends>::default();
        let inbox = broker.open_inbox(Arc::clone(&ends) as Arc<dyn ReplySink>).await.expect("an inbox");
        Self { broker, ends, inbox }
    }

    /// Makes this many calls at once; returns their GUIDs in order.
    fn call(&self, channel: &Channel, count: u32) -> Vec<Guid> {
        let call = |number| {
            let mut call = Envelope::clone(&cast(number));
            (call.kind, call.reply_to, call.budget) = (Kind::Call, Some(self.inbox.id()), Some(SOON));
            let id = call.id;
            drop(self.broker.enqueue(channel, Arc::new(call), EnqueueOptions::default()));
            id
        };
        (0..count).map(call).collect()
    }

    /// Makes calls that wait in shared entries, once it has made enough quick ones to know that they are. Returns
    /// their GUIDs.
    async fn call_together(&self, server: &Server, channel: &Channel) -> Vec<Guid> {
        for _ in 0..50 {
            let worker = connect(&format!("redis://127.0.0.1:{}", server.port())).await;
            let mut consumer = consume(&worker, channel, ConsumeOptions::default()).await;
            let answering = tokio::spawn(async move {
                while let Some(delivery) = consumer.next().await {
                    drop(answer(delivery));
                }
            });
            for _ in 0..20 {
                let before = self.ends.all().len();
                self.call(channel, CALLS);
                self.ends.count(before + CALLS as usize).await;
            }
            let before = self.ends.all().len();
            answering.abort();
            drop(worker);
            while consumers(server, channel) != 0 {
                sleep(Duration::from_millis(5)).await;
            }
            let calls = self.call(channel, CALLS);
            while self.broker.depth(channel).await.expect("the depth is known").ready < u64::from(CALLS) {
                sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(self.ends.all().len(), before, "nobody has answered these");
            if entries(server, channel) < u64::from(CALLS) / 2 {
                return calls;
            }
            assert_eq!(redis_command(server, &format!("XTRIM {}:work MAXLEN 0", base(channel))).as_bytes()[0], b':');
        }
        panic!("calls never share entries");
    }
}

fn base(channel: &Channel) -> String {
    format!("skyloom:{{{channel}}}:queue")
}

fn figure(server: &Server, command: &str) -> u64 {
    let answer = redis_command(server, command);
    answer.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("{command} was answered {answer}"))
}

fn entries(server: &Server, channel: &Channel) -> u64 {
    figure(server, &format!("XLEN {}:work", base(channel)))
}

fn consumers(server: &Server, channel: &Channel) -> u64 {
    figure(server, &format!("HLEN {}:workers", base(channel)))
}

async fn consume(broker: &Arc<dyn Broker>, channel: &Channel, options: ConsumeOptions) -> Consumer {
    broker.consume(channel.clone(), options).await.expect("a consumer")
}

async fn next(consumer: &mut Consumer) -> Delivery {
    timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery")
}

/// Answers with the number of the attempt.
fn answer(delivery: Delivery) -> skyloom_core::broker::Ack {
    let mut reply = Envelope::new(Kind::Reply, delivery.envelope().id);
    reply.payload = delivery.attempt().to_le_bytes().to_vec().into();
    delivery.settle(Settlement::Reply(Arc::new(reply)))
}

/// Asserts that each of these calls was answered once, by an attempt that is expected of it.
fn assert_answered(ends: &Ends, calls: &[Guid], attempt: impl Fn(&Guid) -> u32) {
    let all = ends.all();
    for call in calls {
        assert_eq!(all.get(call), Some(&vec![Ok(attempt(call))]), "{call}");
    }
}

fn start() -> (Server, String) {
    let server = Server::start(redis_launch());
    let url = format!("redis://127.0.0.1:{}", server.port());
    (server, url)
}

#[test]
fn a_worker_has_never_more_of_an_entry_than_its_credit() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let worker = connect(&url).await;
        let options = ConsumeOptions { credit: 3, ..ConsumeOptions::default() };
        let mut consumer = consume(&worker, &channel, options).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(next(&mut consumer).await);
        }
        let more = timeout(Duration::from_millis(300), consumer.next()).await;
        assert!(more.is_err(), "there was credit for three: {more:?}");
        // What it has no credit for is given back, and another worker gets it, untouched.
        let other = connect(&url).await;
        let mut others = consume(&other, &channel, ConsumeOptions::default()).await;
        for _ in 3..CALLS {
            answer(next(&mut others).await).await.expect("it is settled");
        }
        for delivery in held {
            answer(delivery).await.expect("it is settled");
        }
        caller.ends.count(calls.len()).await;
        assert_answered(&caller.ends, &calls, |_| 1);
        assert_eq!((entries(&server, &channel), split(&server, &channel)), (0, 0));
    });
}

fn split(server: &Server, channel: &Channel) -> u64 {
    figure(server, &format!("HLEN {}:split", base(channel)))
}

#[test]
fn what_is_left_of_an_entry_whose_worker_dies_is_tried_again_and_the_rest_is_not() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let before = caller.ends.all().len();
        let doomed = Process::start(&url).await;
        let mut consumer = consume(&doomed.broker, &channel, ConsumeOptions::default()).await;
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
        caller.ends.count(before + calls.len() - left.len()).await;
        assert!(split(&server, &channel) > 0, "some of each entry is settled");
        let depth = caller.broker.depth(&channel).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased), (0, left.len() as u64));
        doomed.kill();
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        for _ in 0..left.len() {
            answer(next(&mut consumer).await).await.expect("it is settled");
        }
        caller.ends.count(before + calls.len()).await;
        assert_answered(&caller.ends, &calls, |call| if left.contains(call) { 2 } else { 1 });
        let depth = caller.broker.depth(&channel).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased, split(&server, &channel)), (0, 0, 0));
        drop(kept);
    });
}

#[test]
fn each_of_an_entry_is_settled_in_its_own_way() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let before = caller.ends.all().len();
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
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
        caller.ends.count(before + calls.len()).await;
        let ends = caller.ends.all();
        for call in &calls {
            let ends = ends.get(call).map(Vec::as_slice);
            match ends {
                Some([Err(BrokerError::Dead { attempts: 1, reason })]) if buried.contains(call) => {
                    assert_eq!(reason, "no");
                }
                Some([Ok(1 | 2)]) if !buried.contains(call) => {}
                other => panic!("{call} ended with {other:?}"),
            }
        }
        let depth = caller.broker.depth(&channel).await.expect("the depth is known");
        assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, buried.len() as u64));
        assert_eq!((entries(&server, &channel), split(&server, &channel)), (0, 0));
    });
}

#[test]
fn a_lease_of_an_entry_that_ends_ends_alone_and_what_was_claimed_is_not_repeated() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        let before = caller.ends.all().len();
        let doomed = Process::start(&url).await;
        let mut consumer = consume(&doomed.broker, &channel, ConsumeOptions::default()).await;
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
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let answering = async {
            for _ in 0..calls.len() - claimed.len() {
                let delivery = next(&mut consumer).await;
                assert!(!claimed.contains(&delivery.envelope().id), "it was claimed");
                answer(delivery).await.expect("it is settled");
            }
        };
        answering.await;
        caller.ends.count(before + calls.len()).await;
        let ends = caller.ends.all();
        for call in &calls {
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
        let (server, url) = start();
        let url = format!("{url}?queue_messages=64");
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls = caller.call_together(&server, &channel).await;
        assert_eq!(calls.len(), 64);
        let before = caller.ends.all().len();
        let refused = caller.call(&channel, 5);
        caller.ends.count(before + 5).await;
        let ends = caller.ends.all();
        for call in &refused {
            let end = ends.get(call).map(Vec::as_slice);
            assert!(matches!(end, Some([Err(BrokerError::Full { .. })])), "{end:?}");
        }
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        for _ in 0..7 {
            answer(next(&mut consumer).await).await.expect("it is settled");
        }
        let room = caller.call(&channel, 9);
        caller.ends.count(before + 5 + 7 + 2).await;
        let ends = caller.ends.all();
        let full = |call: &&Guid| matches!(ends.get(*call).map(Vec::as_slice), Some([Err(BrokerError::Full { .. })]));
        assert_eq!(room.iter().filter(full).count(), 2, "seven were settled, so that there is room for seven");
    });
}

#[test]
fn calls_that_may_not_share_do_not() {
    run(async {
        let (server, url) = start();
        let (caller, channel) = (Caller::open(&format!("{url}?bundle=1")).await, queue("alone.v1"));
        let worker = connect(&url).await;
        let mut consumer = consume(&worker, &channel, ConsumeOptions::default()).await;
        let answering = tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                drop(answer(delivery));
            }
        });
        for round in 1..=30 {
            caller.call(&channel, CALLS);
            caller.ends.count((round * CALLS) as usize).await;
        }
        answering.abort();
        drop(worker);
        while consumers(&server, &channel) != 0 {
            sleep(Duration::from_millis(5)).await;
        }
        caller.call(&channel, CALLS);
        while caller.broker.depth(&channel).await.expect("the depth is known").ready < u64::from(CALLS) {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(entries(&server, &channel), u64::from(CALLS));
    });
}
