//! `mode=core`: what it keeps of the rules, and what it refuses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use skyloom_core::{
    Channel, Envelope, GroupName, Kind, Status, TopicName,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::{
    conformance::{BrokerFixture, Fixture, Peer},
    servers::{Server, free_port, nats, nats_plain},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    kit::{SOON, cast, echo, eventually, number, queue, request, soon},
    site::{Line, connect, corner, crash, shared},
};

/// A corner of the shared server, through queue groups.
struct Core {
    server: Arc<Server>,
    prefix: String,
}

impl Core {
    fn url(&self, port: u16) -> String {
        format!("nats://127.0.0.1:{port}?mode=core&prefix={}", self.prefix)
    }
}

impl Fixture for Core {
    async fn start() -> Self {
        Self { server: shared(), prefix: corner() }
    }

    async fn connect(&self) -> Peer {
        let line = Line::to(self.server.port()).await;
        let broker = connect(&self.url(line.port)).await;
        Peer::new(Arc::new(broker), move || line.cut())
    }

    fn queue_limit(&self) -> usize {
        usize::MAX
    }
}

impl BrokerFixture for Core {
    async fn bounded_in_bytes(_: usize) -> Result<Self, String> {
        // There is nothing to fill.
        Ok(Self::start().await)
    }

    async fn durable() -> Self {
        Self { server: Arc::new(nats()), prefix: corner() }
    }

    async fn crash(&mut self) {
        crash(&mut self.server);
    }

    async fn server(&self) -> Option<String> {
        // With queue groups alone there is no operator's view.
        let whole = connect(&format!("nats://127.0.0.1:{}?prefix={}", self.server.port(), self.prefix)).await;
        whole.admin()?.server().await.expect("an operator is told the server")
    }
}

// What it cannot keep is work that waits for a worker, and with it everything that follows from that.
skyloom_testing::broker_rules! { Core;
    calls: a_call_is_answered_on_its_inbox,
        partial_replies_come_in_order_before_the_final_one,
        many_calls_are_each_answered_once,
        replies_that_are_sent_at_once_each_reach_their_caller,
        replying_settles_the_request;
    queues: priorities,
        delays;
    leases: a_dropped_delivery_comes_back_as_the_next_attempt,
        a_lost_connection_gives_its_work_to_another,
        a_release_is_no_attempt,
        a_returned_message_regains_its_place,
        once_means_at_most_once;
    dead_letters: used_up_attempts_make_a_dead_letter_and_the_caller_is_told,
        a_paused_channel_delivers_nothing;
    bounds: a_full_queue_refuses_and_keeps_what_it_has,
        a_queue_is_bounded_in_bytes,
        a_message_that_is_too_large_is_refused;
    topics: every_group_gets_an_event_once,
        an_event_without_a_group_is_accepted;
    inboxes: a_reply_reaches_only_the_inbox_that_is_named,
        a_closed_inbox_hears_nothing_and_hinders_nobody,
        who_sends_a_stream_hears_that_nobody_reads_it,
        an_unknown_instance_is_refused,
        an_instance_is_reached_until_it_takes_no_more,
        an_instance_that_has_died_is_gone;
    contents: a_large_binary_payload_survives,
        every_field_of_an_envelope_survives;
    crashes: what_was_accepted_outlives_its_sender,
        connections_outlive_the_broker,
        what_was_accepted_outlives_the_broker_or_does_not;
}

/// Nobody serves the queue: calls and casts are refused at once, and not kept.
#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let server = shared();
    let broker = connect(&format!("nats://127.0.0.1:{}?mode=core&prefix={}", server.port(), corner())).await;
    let channel = queue("nobody.v1");
    let refused = soon("a cast", broker.enqueue(&channel, cast(1).into(), EnqueueOptions::default())).await;
    assert!(matches!(refused, Err(BrokerError::Unavailable { .. })), "{refused:?}");
    let client = Client::new(Arc::new(broker.clone()));
    let status: Status = soon("a call", request(&client, &channel, SOON)).await.expect_err("nobody serves it");
    assert_eq!(status.outcome(), skyloom_core::Outcome::NotStarted, "{status}");
    let _echo = echo(&broker, &channel).await;
    soon("a call", request(&client, &channel, SOON)).await.expect("now somebody does");
}

/// A worker takes no more than its credit; the rest waits with it, or is told that the worker has stopped.
#[tokio::test]
async fn credit_is_kept_and_a_stopped_worker_turns_work_away() {
    let server = shared();
    let url = format!("nats://127.0.0.1:{}?mode=core&prefix={}", server.port(), corner());
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let channel = queue("narrow.v1");
    let options = ConsumeOptions { credit: 1, ..ConsumeOptions::default() };
    let mut consumer = soon("consume", worker.consume(channel.clone(), options)).await.expect("it is consumed");
    let send = |n| sender.enqueue(&channel, cast(n).into(), EnqueueOptions::default());
    let (first, second, third) = (send(1), send(2), send(3));
    assert_eq!(soon("the first", first).await, Ok(()));
    let held = soon("a delivery", consumer.next()).await.expect("there is one");
    let early = tokio::time::timeout(Duration::from_millis(100), consumer.next()).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(soon("settle", held.settle(Settlement::Done)).await, Ok(()));
    assert_eq!(soon("the second", second).await, Ok(()));
    assert_eq!(soon("stop", consumer.stop()).await, Ok(()));
    let refused = soon("the third", third).await;
    assert!(matches!(refused, Err(BrokerError::Unavailable { .. })), "{refused:?}");
    let last = soon("a delivery", consumer.next()).await.expect("what was delivered before is in the stream");
    assert_eq!(number(last.envelope()), 2);
    assert_eq!(soon("settle", last.settle(Settlement::Done)).await, Ok(()));
    assert!(soon("the end", consumer.next()).await.is_none());
}

/// Work that failed cannot be tried again or kept, and that is said; there are no dead letters to look at.
#[tokio::test]
async fn what_it_cannot_do_is_refused() {
    let server = shared();
    let broker = connect(&format!("nats://127.0.0.1:{}?mode=core&prefix={}", server.port(), corner())).await;
    let can = broker.capabilities();
    assert!(!can.redelivery && !can.dead_letters && !can.bounded && !can.delay && !can.priority && !can.pause);
    assert!(broker.admin().is_none());
    let channel = queue("failing.v1");
    let mut consumer =
        soon("consume", broker.consume(channel.clone(), ConsumeOptions::default())).await.expect("it is");
    let sent = broker.enqueue(&channel, cast(1).into(), EnqueueOptions::default());
    assert_eq!(soon("a cast", sent).await, Ok(()));
    let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
    let buried = soon("bury", delivery.settle(Settlement::Bury { reason: "no".to_owned() })).await;
    assert!(matches!(buried, Err(BrokerError::Unsupported { .. })), "{buried:?}");
}

/// An event reaches one consumer of each group that is there.
#[tokio::test]
async fn the_consumers_of_a_group_share_its_events() {
    let server = shared();
    let broker = connect(&format!("nats://127.0.0.1:{}?mode=core&prefix={}", server.port(), corner())).await;
    let topic = TopicName::new("links.visited").expect("a topic");
    let group = Channel::Group(topic.clone(), GroupName::new("audit").expect("a group"));
    let consume = || broker.consume(group.clone(), ConsumeOptions::default());
    let mut one = soon("consume", consume()).await.expect("it is consumed");
    let mut other = soon("consume", consume()).await.expect("it is consumed");
    for n in 0..20 {
        let event = Envelope { kind: Kind::Event, ..cast(n) };
        assert_eq!(soon("publish", broker.publish(&topic, event.into())).await, Ok(()));
    }
    let mut numbers = Vec::new();
    while numbers.len() < 20 {
        let both = async {
            tokio::select! {
                delivery = one.next() => delivery,
                delivery = other.next() => delivery,
            }
        };
        let delivery = soon("an event", both).await.expect("it goes on");
        numbers.push(number(delivery.envelope()));
        drop(delivery.settle(Settlement::Done));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
}

/// So many calls at once, all of which are answered.
async fn round(client: &Client, channel: &Channel) {
    let calls = (0..64).map(|_| request(client, channel, SOON));
    for answered in soon("a round of calls", futures_util::future::join_all(calls)).await {
        answered.expect("it is answered");
    }
}

/// How many messages somebody who listens to a queue besides its workers has heard.
async fn listen(server: &Server, prefix: &str) -> Arc<AtomicUsize> {
    let listener = async_nats::connect(format!("127.0.0.1:{}", server.port())).await.expect("a connection");
    let mut heard = listener.subscribe(format!("{prefix}.queue.>")).await.expect("a subscription");
    // The server does what it is told in order: when it answers it knows of the subscription.
    let inbox = listener.new_inbox();
    let mut echo = listener.subscribe(inbox.clone()).await.expect("a subscription");
    listener.publish(inbox, "".into()).await.expect("it is sent");
    soon("an answer", echo.next()).await.expect("the server answers");
    let count = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        let _listener = listener;
        while heard.next().await.is_some() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    count
}

/// Quick calls share messages, and each is answered; with `bundle=1` none does.
#[tokio::test]
async fn quick_calls_share_messages() {
    let server = shared();
    for (option, shares) in [("", true), ("&bundle=1", false)] {
        let prefix = corner();
        let url = format!("nats://127.0.0.1:{}?mode=core&prefix={prefix}{option}", server.port());
        let (caller, worker) = (connect(&url).await, connect(&url).await);
        let channel = queue("quick.v1");
        let _echo = echo(&worker, &channel).await;
        let heard = listen(&server, &prefix).await;
        let client = Client::new(Arc::new(caller));
        let mut calls = 0;
        for _ in 0..200 {
            round(&client, &channel).await;
            calls += 64;
            if shares && heard.load(Ordering::Relaxed) < calls / 2 {
                break;
            }
        }
        if shares {
            let heard = heard.load(Ordering::Relaxed);
            assert!(heard < calls / 2, "{calls} calls were {heard} messages");
        } else {
            eventually("every call is a message of its own", || heard.load(Ordering::Relaxed) == calls).await;
        }
    }
}

/// How many messages a server has got, as it says at its monitoring port.
async fn messages(monitor: u16) -> usize {
    // It counts a moment later.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(("127.0.0.1", monitor)).await.expect("it is monitored");
    let get = b"GET /varz HTTP/1.0\r\n\r\n";
    stream.write_all(get).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    let count = answer.split("\"in_msgs\":").nth(1).and_then(|rest| rest.split(',').next());
    count.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("no in_msgs in {answer}"))
}

/// Calls that were sent together to a queue that nobody serves any more are each refused at once.
#[tokio::test]
async fn each_of_the_calls_that_nobody_takes_is_refused() {
    let monitor = free_port();
    let server = nats_plain(&format!("http: 127.0.0.1:{monitor}"));
    for _ in 0..50 {
        let url = format!("nats://127.0.0.1:{}?mode=core", server.port());
        let (caller, worker) = (connect(&url).await, connect(&url).await);
        let channel = queue("leaving.v1");
        let client = Client::new(Arc::new(caller));
        let working = echo(&worker, &channel).await;
        for _ in 0..20 {
            round(&client, &channel).await;
        }
        drop(working);
        soon("close", worker.close()).await;
        let before = messages(monitor).await;
        let calls = (0..64).map(|_| request(&client, &channel, SOON * 6));
        for refused in soon("the calls end before their time", futures_util::future::join_all(calls)).await {
            let status = refused.expect_err("nobody serves it");
            assert_eq!(status.outcome(), skyloom_core::Outcome::NotStarted, "{status}");
        }
        if messages(monitor).await - before < 32 {
            return;
        }
    }
    panic!("calls never share messages");
}

/// A worker that has credit for a part of a bundle takes that part, and the rest when it has credit again.
#[tokio::test]
async fn a_bundle_is_taken_by_credit() {
    let server = shared();
    let prefix = corner();
    let url = format!("nats://127.0.0.1:{}?mode=core&prefix={prefix}", server.port());
    let worker = connect(&url).await;
    let channel = queue("bundled.v1");
    let options = ConsumeOptions { credit: 2, ..ConsumeOptions::default() };
    let mut consumer = soon("consume", worker.consume(channel, options)).await.expect("it is consumed");
    // As any program may write it: field 16 of a Bundle is an envelope.
    let mut bundle = Vec::new();
    for n in 0..5 {
        let envelope = cast(n).encode();
        bundle.extend([0x82, 0x01, u8::try_from(envelope.len()).expect("it is short")]);
        bundle.extend_from_slice(&envelope);
    }
    let sender = async_nats::connect(format!("127.0.0.1:{}", server.port())).await.expect("a connection");
    sender.publish(format!("{prefix}.queue.bundled=v1"), bundle.into()).await.expect("it is sent");
    let mut held = Vec::new();
    for n in 0..2 {
        let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
        assert_eq!(number(delivery.envelope()), n);
        held.push(delivery);
    }
    let early = tokio::time::timeout(Duration::from_millis(100), consumer.next()).await;
    assert!(early.is_err(), "{early:?}");
    for n in 2..5 {
        assert_eq!(soon("settle", held.remove(0).settle(Settlement::Done)).await, Ok(()));
        let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
        assert_eq!(number(delivery.envelope()), n);
        held.push(delivery);
    }
}
