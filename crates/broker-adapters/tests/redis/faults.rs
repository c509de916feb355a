//! Servers and workers that die, hang and come back, under load.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use skyloom_core::{
    Channel, Envelope, Kind,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::{Server, durable_redis, redis_cluster, redis_command, redis_launch, redis_replica};
use tokio::time::{sleep, timeout};

use super::{
    load::{Load, SOON, all_done, call, cast, number, put_until, queue, until_answered, work},
    support::{Process, connect, run},
};

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// How long the load runs before and after something happens.
const WHILE: Duration = Duration::from_millis(400);

/// Waits without hindering the other tasks of the thread.
async fn blocking(act: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(act);
    });
}

#[test]
fn a_server_that_is_killed_under_load_loses_nothing_and_hangs_nobody() {
    run(async {
        let mut server = durable_redis();
        let (sender, worker) = (connect(&url(&server)).await, connect(&url(&server)).await);
        let load = Load::start(sender, worker).await;
        for _ in 0..2 {
            sleep(WHILE).await;
            server.kill();
            sleep(WHILE).await;
            blocking(|| server.restart()).await;
            load.until_answered().await;
        }
        sleep(WHILE).await;
        load.end().await;
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
        blocking(|| server.restart()).await;
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
        let calling = {
            let (client, channel) = (client.clone(), channel.clone());
            tokio::spawn(async move { call(&client, &channel, SOON).await })
        };
        let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        // All connections are broken, the inbox's in the middle of its wait.
        assert!(redis_command(&server, "CLIENT KILL TYPE normal SKIPME yes").starts_with(':'));
        let reply = Envelope::new(Kind::Reply, delivery.envelope().id);
        let settled = timeout(SOON, delivery.settle(Settlement::Reply(Arc::new(reply)))).await.expect("in time");
        settled.expect("it is sent when there is a connection");
        calling.await.expect("it ends").expect("the reply is heard");
        until_answered_by(&client, &channel, consumer).await;
    });
}

/// Both sides have come back.
async fn until_answered_by(client: &Client, channel: &Channel, mut consumer: skyloom_core::broker::Consumer) {
    tokio::spawn(async move {
        while let Some(delivery) = consumer.next().await {
            let reply = Envelope::new(Kind::Reply, delivery.envelope().id);
            drop(delivery.settle(Settlement::Reply(Arc::new(reply))));
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
        work(Arc::clone(&worker), channel.clone());
        let client = Client::new(Arc::clone(&caller));
        until_answered(&client, &channel).await;
        server.freeze();
        let cast = caller.enqueue(&channel, cast(1), EnqueueOptions::default());
        call(&client, &channel, Duration::from_secs(1)).await.expect_err("nobody answers");
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
        let calling = {
            let (client, channel) = (client.clone(), channel.clone());
            tokio::spawn(async move { call(&client, &channel, SOON).await })
        };
        let delivery = timeout(SOON, first.next()).await.expect("in time").expect("a delivery");
        delivery.once().await.expect("it is claimed");
        let mut second = living.consume(channel, ConsumeOptions::default()).await.expect("a consumer");
        dying.kill();
        let status = calling.await.expect("it ends").expect_err("nobody answers");
        assert_eq!(status.outcome(), skyloom_core::Outcome::Unknown, "{status:?}");
        assert!(status.message().contains("worker was lost"), "{status:?}");
        assert!(timeout(WHILE, second.next()).await.is_err(), "it is not delivered again");
    });
}

#[test]
fn a_cluster_that_loses_a_node_goes_on_and_loses_nothing() {
    run(async {
        let mut servers = redis_cluster();
        let hosts = servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
        let url = format!("redis+cluster://{}", hosts.join(","));
        let (sender, worker) = (connect(&url).await, connect(&url).await);
        // Names whose slots are on the first, the second and the third node.
        let channels = ["bar.v1", "three.v1", "foo.v1"].map(queue);
        let stop = Arc::<AtomicBool>::default();
        let load = channels.clone().map(|channel| {
            let done = work(Arc::clone(&worker), channel.clone());
            (tokio::spawn(put_until(Arc::clone(&sender), channel, Arc::clone(&stop))), done)
        });
        let owners = channels.each_ref().map(|channel| owner(&servers, channel));
        assert_eq!(owners, [0, 1, 2], "each queue is on a node of its own");
        // The client's inbox is on any of them, so that a client is tried whose inbox is not on the first.
        let client = Client::new(Arc::clone(&sender));
        until_answered(&client, &channels[1]).await;
        sleep(WHILE).await;
        servers[0].kill();
        let [_, second, third] = &channels;
        let others = async {
            // What lives on the others goes on; a client with its inbox there is answered.
            loop {
                let fresh = Client::new(Arc::clone(&sender));
                let time = Duration::from_secs(3);
                if call(&fresh, second, time).await.is_ok() && call(&fresh, third, time).await.is_ok() {
                    return;
                }
            }
        };
        timeout(SOON, others).await.expect("the others go on");
        blocking(|| servers[0].restart()).await;
        until_answered(&client, &channels[0]).await;
        sleep(WHILE).await;
        stop.store(true, Ordering::Relaxed);
        for (putting, done) in load {
            let accepted = timeout(SOON, putting).await.expect("no enqueue hangs").expect("it ends");
            assert!(accepted.len() > 20, "{} accepted", accepted.len());
            all_done(&accepted, &done).await;
        }
    });
}

#[test]
fn a_replica_takes_the_place_of_a_master_that_dies() {
    run(async {
        let mut servers = redis_cluster();
        let replica = redis_replica(&servers);
        let hosts = servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
        let url = format!("redis+cluster://{}", hosts.join(","));
        let (sender, worker) = (connect(&url).await, connect(&url).await);
        // Its slot is on the first node.
        let channel = queue("bar.v1");
        let mut accepted = BTreeSet::new();
        for n in 0..50 {
            sender.enqueue(&channel, cast(n), EnqueueOptions::default()).await.expect("it is accepted");
            accepted.insert(n);
        }
        assert_eq!(owner(&servers, &channel), 0);
        // What the replica has heard of survives.
        let offset = |server: &Server, name: &str| {
            let info = redis_command(server, "INFO replication");
            let line = info.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            line.unwrap_or_else(|| panic!("no {name} in {info}"))
        };
        let caught_up = async {
            while offset(&replica, "slave_repl_offset:") != offset(&servers[0], "master_repl_offset:") {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, caught_up).await.expect("the replica catches up");
        servers[0].kill();
        let done = work(Arc::clone(&worker), channel.clone());
        all_done(&accepted, &done).await;
        until_answered(&Client::new(Arc::clone(&sender)), &channel).await;
        assert_eq!(redis_command(&replica, &format!("EXISTS skyloom:{{{channel}}}:queue:work")), ":1");
    });
}

/// Which of the servers has the slot of a queue.
fn owner(servers: &[Server], channel: &Channel) -> usize {
    let answers =
        servers.iter().map(|server| redis_command(server, &format!("EXISTS skyloom:{{{channel}}}:queue:work")));
    answers.into_iter().position(|answer| answer.starts_with(':')).expect("one of them has it")
}
