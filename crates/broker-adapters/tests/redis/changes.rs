//! What operators and failovers change under a process that lives: masters, nodes, subscriptions.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use skyloom_core::{
    Channel, Envelope, Guid, Kind, TopicName,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, ReplySink, Settlement},
    client::Client,
};
use skyloom_testing::servers::{Server, redis_cluster, redis_command, redis_launch};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    load::{SOON, cast, echo, queue, until, until_answered, work},
    support::{Process, calling, connect, run},
};

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// A name that leads to one server and later to another, as a cloud's does. Connections stay where they are.
async fn name(first: u16) -> (u16, Arc<AtomicU16>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let leads_to = Arc::new(AtomicU16::new(first));
    let target = Arc::clone(&leads_to);
    tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            let target = target.load(Ordering::Relaxed);
            tokio::spawn(async move {
                if let Ok(mut outer) = TcpStream::connect(("127.0.0.1", target)).await {
                    drop(copy_bidirectional(&mut inner, &mut outer).await);
                }
            });
        }
    });
    (port, leads_to)
}

#[test]
fn a_master_that_becomes_a_replica_is_left_for_the_one_that_the_name_leads_to() {
    run(async {
        let (old, new) = (Server::start(redis_launch()), Server::start(redis_launch()));
        assert_eq!(redis_command(&new, &format!("REPLICAOF 127.0.0.1 {}", old.port())), "+OK");
        until("it follows", async || redis_command(&new, "INFO replication").contains("master_link_status:up")).await;
        let (port, leads_to) = name(old.port()).await;
        let broker = connect(&format!("redis://127.0.0.1:{port}")).await;
        let channel = queue("moved.v1");
        work(Arc::clone(&broker), channel.clone(), Arc::default());
        let client = Client::new(Arc::clone(&broker));
        until_answered(&client, &channel).await;
        assert_eq!(redis_command(&new, "REPLICAOF NO ONE"), "+OK");
        leads_to.store(new.port(), Ordering::Relaxed);
        assert_eq!(redis_command(&old, &format!("REPLICAOF 127.0.0.1 {}", new.port())), "+OK");
        until_answered(&client, &channel).await;
    });
}

#[test]
fn a_settlement_that_a_server_refuses_for_now_takes_effect_later() {
    run(async {
        let server = Server::start(redis_launch());
        let broker = connect(&url(&server)).await;
        let channel = queue("careful.v1");
        let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        broker.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
        let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        assert_eq!(redis_command(&server, "CONFIG SET min-replicas-to-write 1"), "+OK");
        let settled = delivery.settle(Settlement::Done);
        // What is new is refused, after the settlement was.
        let error = broker.enqueue(&channel, cast(2), EnqueueOptions::default()).await.expect_err("it is refused");
        assert!(error.to_string().contains("NOREPLICAS"), "{error}");
        assert_eq!(redis_command(&server, "CONFIG SET min-replicas-to-write 0"), "+OK");
        timeout(SOON, settled).await.expect("in time").expect("it takes effect");
        let depth = broker.depth(&channel).await.expect("it is known");
        assert_eq!((depth.ready, depth.leased), (0, 0));
    });
}

/// Keeps what comes.
#[derive(Default)]
struct Heard(Mutex<Vec<Kind>>);

impl Heard {
    fn kinds(&self) -> Vec<Kind> {
        self.0.lock().expect("nobody panics").clone()
    }
}

impl ReplySink for Heard {
    fn reply(&self, envelope: Arc<Envelope>) {
        self.0.lock().expect("nobody panics").push(envelope.kind);
    }

    fn refused(&self, _: Guid, _: BrokerError) {}

    fn lost(&self, _: BrokerError, _: &HashSet<Guid>) {}
}

async fn a_partial_reply_is_not_heard_twice(server: &Server, caller: Arc<dyn Broker>, worker: Arc<dyn Broker>) {
    let heard = Arc::new(Heard::default());
    let inbox = caller.open_inbox(heard.clone()).await.expect("an inbox");
    let channel = queue("foo.v1");
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
    let request = Envelope { reply_to: Some(inbox.id()), ..Envelope::new(Kind::Call, Guid::call()) };
    let id = request.id;
    caller.enqueue(&channel, Arc::new(request), EnqueueOptions::default()).await.expect("it is sent");
    let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
    server.freeze();
    let partial = delivery.partial(Arc::new(Envelope::new(Kind::Partial, id)));
    // It was sent on the connection on which this was sent after it, and which is given up.
    let lost = worker.enqueue(&channel, cast(1), EnqueueOptions::default()).await;
    assert!(matches!(lost, Err(BrokerError::Lost { .. })), "{lost:?}");
    server.thaw();
    let partial = timeout(SOON, partial).await.expect("in time");
    assert!(matches!(partial, Err(BrokerError::Lost { .. })), "{partial:?}");
    let settled = timeout(SOON, delivery.settle(Settlement::Reply(Envelope::new(Kind::Reply, id).into()))).await;
    settled.expect("in time").expect("the lease goes on");
    until("the reply is heard", async || heard.kinds().contains(&Kind::Reply)).await;
    assert_eq!(heard.kinds(), [Kind::Partial, Kind::Reply]);
}

#[test]
fn a_part_of_a_stream_of_unknown_outcome_is_not_sent_again() {
    run(async {
        let server = Server::start(redis_launch());
        let (caller, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        a_partial_reply_is_not_heard_twice(&server, caller, worker).await;
    });
}

#[test]
fn what_an_instance_has_begun_is_answered_after_it_has_stopped() {
    run(async {
        let server = Server::start(redis_launch());
        let (caller, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let channel = Channel::Instance(Guid::private());
        let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        let client = Client::new(caller);
        let calling = calling(&client, &channel);
        let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        timeout(SOON, consumer.stop()).await.expect("in time").expect("it stops");
        let reply = echo(delivery.envelope());
        timeout(SOON, delivery.settle(Settlement::Reply(reply))).await.expect("in time").expect("the lease goes on");
        calling.await.expect("it ends").expect("the reply is heard");
        until("nothing is left", async || !redis_command(&server, "KEYS *").contains(":instance")).await;
    });
}

#[test]
fn the_event_of_a_lost_worker_of_an_ephemeral_group_goes_to_another() {
    run(async {
        let server = Server::start(redis_launch());
        let (dying, living) = (Process::start(&url(&server)).await, connect(&url(&server)).await);
        let group: Channel = "links.visited/screen".parse().expect("a group");
        let options = ConsumeOptions { ephemeral: true, ..ConsumeOptions::default() };
        let mut first = dying.broker.consume(group.clone(), options).await.expect("a consumer");
        let topic = TopicName::new("links.visited").expect("a topic");
        living.publish(&topic, cast(1)).await.expect("it is published");
        let held = timeout(SOON, first.next()).await.expect("in time").expect("a delivery");
        let mut second = living.consume(group, options).await.expect("a consumer");
        dying.kill();
        let again = timeout(SOON, second.next()).await.expect("in time").expect("a delivery");
        assert_eq!((held.attempt(), again.attempt(), again.losses()), (1, 2, 1));
    });
}

#[test]
fn an_instance_that_was_taken_to_be_gone_and_lives_is_reached_again() {
    run(async {
        let server = Server::start(redis_launch());
        let (caller, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let (id, client) = (Guid::private(), Client::new(caller));
        let channel = Channel::Instance(id);
        work(worker, channel.clone(), Arc::default());
        until_answered(&client, &channel).await;
        // So does who takes it to be gone.
        assert_eq!(redis_command(&server, &format!("DEL skyloom:{{{id}}}:instance:workers")), ":1");
        until_answered(&client, &channel).await;
    });
}

#[test]
fn a_node_that_has_left_the_cluster_is_not_asked_for_ever() {
    run(async {
        let servers = redis_cluster();
        let left = Server::start(redis_launch().args(["--cluster-enabled", "yes"]));
        let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", left.port(), servers[0].port());
        let broker = connect(&url).await;
        let channel = queue("foo.v1");
        work(Arc::clone(&broker), channel.clone(), Arc::default());
        until_answered(&Client::new(broker), &channel).await;
    });
}
