//! Servers and workers that die, hang and come back, under load.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Code, Outcome,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::{Server, durable_redis, redis_cluster, redis_command, redis_launch, redis_replica};
use tokio::time::{sleep, timeout};

use super::{
    load::{
        BURST, Load, SOON, Unsteady, call, cast, echo, number, one_way_says_that_it_was_not_sent, queue, until,
        until_answered, work,
    },
    support::{Process, calling, connect, run, run_beside_load},
};

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// How long a server is away, and what must not come would have come within.
const WHILE: Duration = Duration::from_millis(400);

#[test]
fn a_server_that_is_killed_under_load_loses_nothing_and_hangs_nobody() {
    run_beside_load(async {
        let mut server = durable_redis();
        let (sender, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let load = Load::start(sender, worker).await;
        for _ in 0..2 {
            server.kill();
            sleep(WHILE).await;
            server.restart();
            load.goes_on().await;
        }
        load.end().await;
    });
}

#[test]
fn what_is_sent_one_way_while_the_server_is_away_says_that_it_was_not_sent() {
    run(async {
        let mut server = durable_redis();
        let broker = connect(&url(&server)).await;
        server.kill();
        one_way_says_that_it_was_not_sent(broker, &format!("127.0.0.1:{}", server.port())).await;
    });
}

/// Nobody who is dropped each time comes back in a hot loop.
#[test]
fn a_server_that_drops_each_connection_is_given_time() {
    run(async {
        let server = durable_redis();
        let way = Unsteady::to(server.port()).await;
        let broker = connect(&format!("redis://127.0.0.1:{}", way.port())).await;
        way.is_borne_by(broker).await;
    });
}

#[test]
fn what_waits_is_held_back_or_is_leased_survives_a_restart() {
    run(async {
        let mut server = durable_redis();
        let (sender, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let channel = queue("kept.v1");
        let later = EnqueueOptions { delay: Duration::from_secs(2), ..EnqueueOptions::default() };
        sender.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
        sender.enqueue(&channel, cast(2), later).await.expect("it is accepted");
        let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        let leased = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        sender.enqueue(&queue("other.v1"), cast(3), EnqueueOptions::default()).await.expect("it is accepted");
        server.kill();
        server.restart();
        assert_eq!((number(leased.envelope()), leased.attempt()), (1, 1));
        timeout(SOON, leased.settle(Settlement::Done)).await.expect("in time").expect("the lease goes on");
        let second = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        assert_eq!((number(second.envelope()), second.attempt()), (2, 1));
        second.settle(Settlement::Done).await.expect("it is settled");
        assert_eq!(sender.depth(&queue("other.v1")).await.expect("the depth is known").ready, 1);
    });
}

#[test]
fn a_reply_that_was_sent_while_its_client_was_away_is_heard() {
    run(async {
        let server = Server::start(redis_launch());
        let (caller, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let channel = queue("patient.v1");
        let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        let client = Client::new(caller);
        let calling = calling(&client, &channel);
        let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        // All connections are broken, the inbox's in the middle of its wait.
        assert!(redis_command(&server, "CLIENT KILL TYPE normal SKIPME yes").starts_with(':'));
        let reply = echo(delivery.envelope());
        let settled = timeout(SOON, delivery.settle(Settlement::Reply(reply))).await.expect("in time");
        settled.expect("it is sent when there is a connection");
        calling.await.expect("it ends").expect("the reply is heard");
        until_answered_by(&client, &channel, consumer).await;
    });
}

/// Both sides have come back.
async fn until_answered_by(client: &Client, channel: &Channel, mut consumer: skyloom_core::broker::Consumer) {
    tokio::spawn(async move {
        while let Some(delivery) = consumer.next().await {
            let reply = echo(delivery.envelope());
            drop(delivery.settle(Settlement::Reply(reply)));
        }
    });
    until_answered(client, channel).await;
}

#[test]
fn a_server_that_hangs_is_noticed_and_calls_end_by_their_deadline() {
    run(async {
        let server = Server::start(redis_launch());
        let (caller, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let channel = queue("frozen.v1");
        work(Arc::clone(&worker), channel.clone(), Arc::default());
        let client = Client::new(Arc::clone(&caller));
        until_answered(&client, &channel).await;
        server.freeze();
        let cast = caller.enqueue(&channel, cast(1), EnqueueOptions::default());
        let status = call(&client, &channel, Duration::from_secs(1)).await.expect_err("nobody answers");
        assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown), "{status}");
        // The connection is given up, and a cast that was sent on it hears so.
        let lost = timeout(SOON, cast).await.expect("it is noticed");
        assert!(matches!(lost, Err(BrokerError::Lost { .. })), "{lost:?}");
        server.thaw();
        until_answered(&client, &channel).await;
    });
}

#[test]
fn a_worker_that_is_killed_after_it_claimed_work_once_is_of_unknown_outcome() {
    run(async {
        let server = Server::start(redis_launch());
        let (dying, living) = (Process::start(&url(&server)).await, connect(&url(&server)).await);
        let channel = queue("claimed.v1");
        let mut first = dying.broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        let client = Client::new(Arc::clone(&living));
        let calling = calling(&client, &channel);
        let delivery = timeout(SOON, first.next()).await.expect("in time").expect("a delivery");
        delivery.once().await.expect("it is claimed");
        let mut second = living.consume(channel, ConsumeOptions::default()).await.expect("a consumer");
        dying.kill();
        let status = calling.await.expect("it ends").expect_err("nobody answers");
        assert_eq!(status.outcome(), Outcome::Unknown, "{status:?}");
        assert!(status.message().contains("worker was lost"), "{status:?}");
        assert!(timeout(WHILE, second.next()).await.is_err(), "it is not delivered again");
    });
}

/// Queues whose slots are on the first, the second and the third node.
const QUEUES: [&str; 3] = ["bar.v1", "three.v1", "foo.v1"];

fn cluster_url(servers: &[Server]) -> String {
    let hosts: Vec<_> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    format!("redis+cluster://{}", hosts.join(","))
}

/// Load on each of three masters.
async fn load_on(servers: &[Server; 3]) -> (Load, Arc<dyn Broker>) {
    let url = cluster_url(servers);
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let channels = QUEUES.map(queue);
    let load = Load::on(&channels, Arc::clone(&sender), worker).await;
    assert_eq!(channels.each_ref().map(|channel| owner(servers, channel)), [0, 1, 2], "each is on a node of its own");
    (load, sender)
}

#[test]
fn a_cluster_that_loses_a_node_goes_on_and_loses_nothing() {
    run_beside_load(async {
        let mut servers = redis_cluster();
        let (load, sender) = load_on(&servers).await;
        servers[0].kill();
        // What lives on the others goes on; a client with its inbox there is answered.
        for place in [1, 2] {
            load.takes_casts(place).await;
            until("a new client is answered", async || {
                let fresh = Client::new(Arc::clone(&sender));
                call(&fresh, &queue(QUEUES[place]), Duration::from_secs(3)).await.is_ok()
            })
            .await;
        }
        servers[0].restart();
        load.goes_on().await;
        load.end().await;
    });
}

/// A replica takes the place of a master that is killed under load. Redis confirms before its replica has heard, so what
/// was confirmed last may be lost, and nothing else.
#[test]
fn a_replica_takes_the_place_of_a_master_that_is_killed_under_load() {
    run_beside_load(async {
        let mut servers = redis_cluster();
        let replica = redis_replica(&servers);
        let (load, _sender) = load_on(&servers).await;
        servers[0].kill();
        // What had come from it by then is read.
        sleep(WHILE).await;
        let last = load.accounts(0).latest(BURST);
        load.goes_on().await;
        let work = format!("EXISTS skyloom:{{{}}}:queue:work", QUEUES[0]);
        assert_eq!(redis_command(&replica, &work), ":1");
        load.end_without(&last).await;
    });
}

/// Which of the servers has the slot of a queue.
fn owner(servers: &[Server], channel: &Channel) -> usize {
    let answers =
        servers.iter().map(|server| redis_command(server, &format!("EXISTS skyloom:{{{channel}}}:queue:work")));
    answers.into_iter().position(|answer| answer.starts_with(':')).expect("one of them has it")
}
