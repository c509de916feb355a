//! What happens when a wire or a worker fails, or a server is stopped or full.

use std::{sync::Arc, time::Duration};

use skyloom_broker_adapters::amqp::AmqpBroker;
use skyloom_core::{
    Channel, Envelope, Guid, Kind,
    broker::{Broker as _, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
};
use skyloom_testing::servers::Server;
use tokio::time::timeout;

use crate::{
    ends::{Ends, SOON, cast, next, number, queue},
    kit::{PATIENCE, connect, corner, server, troubled},
    load::{Unsteady, one_way_says_that_it_was_not_sent},
    proxy::Proxy,
};

/// A server that is stopped until this is dropped, be it by the failure of a test.
struct Frozen<'a>(&'a Server);

impl<'a> Frozen<'a> {
    fn new(server: &'a Server) -> Self {
        server.freeze();
        Self(server)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}

/// Nobody who is dropped each time comes back in a hot loop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drops_each_connection_is_given_time() {
    let way = Unsteady::to(server().server().port()).await;
    let broker = connect(way.port(), &format!("prefix={}", corner())).await;
    way.is_borne_by(Arc::new(broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_one_way_while_the_server_is_away_says_that_it_was_not_sent() {
    let wire = Proxy::to(server().server().port()).await;
    let broker = connect(wire.port(), &format!("prefix={}", corner())).await;
    wire.cut();
    one_way_says_that_it_was_not_sent(Arc::new(broker), &format!("127.0.0.1:{}", wire.port())).await;
}

/// A wire that breaks and is mended: what a worker held is delivered again and counted, and callers whose calls
/// were accepted get their replies although both were away.
async fn calls_outlive_a_broken_wire(inboxes: &str) {
    const CALLS: usize = 40;
    let port = server().server().port();
    let options = format!("prefix={}{inboxes}", corner());
    let mut wire = Proxy::to(port).await;
    let (client, worker) = (connect(wire.port(), &options).await, connect(port, &options).await);
    let channel = queue("patient.v1");
    let ends = Arc::new(Ends::default());
    let inbox = client.open_inbox(ends.clone()).await.expect("an inbox can be opened");
    for number in 0..u32::try_from(CALLS).expect("few") {
        let call = Envelope { kind: Kind::Call, reply_to: Some(inbox.id()), ..Envelope::clone(&cast(number)) };
        ends.note(|noted| noted.open.insert(call.id));
        client.enqueue(&channel, call.into(), EnqueueOptions::default()).await.expect("it can be sent");
    }
    let waiting = async {
        while client.depth(&channel).await.expect("the depth is known").ready < CALLS as u64 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, waiting).await.expect("the calls are accepted");
    wire.cut();
    let mut consumer = worker.consume(channel, ConsumeOptions::default()).await.expect("it can be consumed");
    for _ in 0..CALLS {
        let delivery = next(&mut consumer).await;
        let reply = Envelope::new(Kind::Reply, delivery.envelope().id);
        delivery.settle(Settlement::Reply(reply.into())).await.expect("it can be answered");
    }
    wire.mend(port).await;
    ends.until("every call is answered", |noted| noted.open.is_empty()).await;
    assert_eq!(ends.note(|noted| (noted.replies, noted.lost)), (CALLS, 0));
}

#[tokio::test]
async fn a_broken_wire_is_mended() {
    calls_outlive_a_broken_wire("").await;
}

#[tokio::test]
async fn a_broken_wire_is_mended_with_durable_inboxes() {
    calls_outlive_a_broken_wire("&inboxes=durable").await;
}

/// What goes with its last consumer stays while there is another, and is gone at once after the last.
#[tokio::test]
async fn an_instance_is_there_as_long_as_somebody_consumes_it() {
    let port = server().server().port();
    let options = format!("prefix={}", corner());
    let (client, worker) = (connect(port, &options).await, connect(port, &options).await);
    let instance = Channel::Instance(Guid::private());
    let first = worker.consume(instance.clone(), ConsumeOptions::default()).await.expect("it can be consumed");
    let mut second = worker.consume(instance.clone(), ConsumeOptions::default()).await.expect("it can be consumed");
    timeout(SOON, first.stop()).await.expect("it is stopped in time").expect("it is stopped");
    client.enqueue(&instance, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    assert_eq!(number(next(&mut second).await.envelope()), 1);
    timeout(SOON, second.stop()).await.expect("it is stopped in time").expect("it is stopped");
    let gone = client.enqueue(&instance, cast(2), EnqueueOptions::default()).await;
    assert!(matches!(gone, Err(BrokerError::Gone { .. })), "{gone:?}");
}

/// A worker that dies again and again is counted, until its work is a dead letter.
#[tokio::test]
async fn work_that_kills_its_workers_is_put_away() {
    let port = server().server().port();
    let options = format!("prefix={}", corner());
    let sender = connect(port, &options).await;
    let channel = queue("deadly.v1");
    sender.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    let limited = ConsumeOptions { max_attempts: 3, ..ConsumeOptions::default() };
    for attempt in 1..=3 {
        let wire = Proxy::to(port).await;
        let worker = connect(wire.port(), &options).await;
        let mut consumer = worker.consume(channel.clone(), limited).await.expect("it can be consumed");
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.attempt(), attempt);
        wire.cut();
        // Whatever it says now is not heard.
        drop(delivery);
    }
    let _last = sender.consume(channel.clone(), limited).await.expect("it can be consumed");
    let admin = sender.admin().expect("there is an operator's view");
    let letters = timeout(SOON, async {
        loop {
            let letters = admin.dead(&channel, 10).await.expect("they can be listed");
            if !letters.is_empty() {
                return letters;
            }
        }
    });
    let letters = letters.await.expect("it becomes a dead letter");
    assert_eq!((letters.len(), letters[0].attempts, number(&letters[0].envelope)), (1, 3, 1));
    assert!(letters[0].reason.contains("connection was lost"), "{}", letters[0].reason);
}

/// Whoever looks at a dead letter is no attempt, however often.
#[tokio::test]
async fn a_dead_letter_outlives_many_looks() {
    // More than RabbitMQ 4 allows by itself.
    const LOOKS: usize = 25;
    let options = format!("queue=quorum&prefix={}", corner());
    let broker = connect(server().server().port(), &options).await;
    let channel = queue("looked-at.v1");
    broker.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it can be consumed");
    let buried = next(&mut consumer).await.settle(Settlement::Bury { reason: "no".to_owned() });
    buried.await.expect("it is buried");
    let admin = broker.admin().expect("there is an operator's view");
    for look in 1..=LOOKS {
        let letters = admin.dead(&channel, 10).await.expect("they can be listed");
        assert_eq!(letters.len(), 1, "at look {look}");
    }
}

/// A server that stops answering is noticed; what is asked of it meanwhile ends, and afterwards all goes on.
#[tokio::test]
async fn a_frozen_server_is_noticed() {
    let own = troubled().await;
    let sender = connect(own.server().port(), &format!("heartbeat=1&prefix={}", corner())).await;
    let channel = queue("frozen.v1");
    sender.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    let frozen = Frozen::new(own.server());
    // Its threads do not stop all at once.
    let refused = async {
        loop {
            if let Err(error) = sender.enqueue(&channel, cast(2), EnqueueOptions::default()).await {
                return error;
            }
        }
    };
    let lost = timeout(SOON, refused).await.expect("it is decided");
    assert!(matches!(lost, BrokerError::Lost { .. }), "it may have been accepted: {lost:?}");
    let held = timeout(SOON, sender.enqueue(&channel, cast(3), EnqueueOptions::default())).await;
    let held = held.expect("it is decided");
    assert!(matches!(held, Err(BrokerError::Unavailable { .. })), "it was not sent: {held:?}");
    drop(frozen);
    let mut consumer = timeout(SOON, sender.consume(channel.clone(), ConsumeOptions::default()))
        .await
        .expect("it is back in time")
        .expect("it can be consumed");
    assert_eq!(number(next(&mut consumer).await.envelope()), 1);
}

/// So is one behind TLS, which keeps to itself what the server does not read.
#[tokio::test]
async fn a_frozen_server_behind_tls_is_noticed_under_load() {
    let own = troubled().await;
    let (port, authority, corner) = (own.tls_port(), own.authority(), corner());
    let options = format!("ca={authority}&heartbeat=1&prefix={corner}");
    let url = format!("amqps://guest:secret@localhost:{port}/%2f?{options}").parse().expect("a URL");
    let sender = AmqpBroker::connect(&url, PATIENCE).await.expect("the broker can be used");
    let channel = queue("flooded.v1");
    sender.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    let frozen = Frozen::new(own.server());
    let large = Envelope { payload: vec![7; 50_000].into(), ..Envelope::clone(&cast(2)) };
    let large = Arc::new(large);
    let mut sent = Vec::new();
    let flooding = async {
        loop {
            sent.push(sender.enqueue(&channel, Arc::clone(&large), EnqueueOptions::default()));
            let noticed = timeout(Duration::from_millis(1), &mut sent[0]).await;
            if let Ok(Err(error)) = noticed {
                return error;
            }
        }
    };
    let noticed = timeout(SOON, flooding).await.expect("it is noticed");
    assert!(matches!(noticed, BrokerError::Lost { .. }), "{noticed:?}");
    drop(frozen);
}

/// A server that is out of memory takes nothing: senders wait for a while, and hear it.
#[tokio::test]
async fn a_server_that_is_full_says_so() {
    let own = troubled().await;
    let sender = connect(own.server().port(), &format!("prefix={}", corner())).await;
    let channel = queue("alarmed.v1");
    sender.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    own.control(&["set_vm_memory_high_watermark", "absolute", "1"]);
    // The first to send anything is the first to be blocked.
    let first = sender.enqueue(&channel, cast(2), EnqueueOptions::default());
    let second = async {
        loop {
            let sent = sender.enqueue(&channel, cast(3), EnqueueOptions::default()).await;
            if let Err(BrokerError::Unavailable { reason }) = sent {
                return reason;
            }
        }
    };
    let reason = timeout(SOON, second).await.expect("a sender is told");
    assert!(reason.contains("low on memory"), "{reason}");
    let first = timeout(SOON, first).await.expect("it is decided");
    assert!(matches!(first, Ok(()) | Err(BrokerError::Lost { .. })), "{first:?}");
    own.control(&["set_vm_memory_high_watermark", "0.8"]);
    let after =
        timeout(SOON, async { while sender.enqueue(&channel, cast(4), EnqueueOptions::default()).await.is_err() {} });
    after.await.expect("it takes messages again");
}
