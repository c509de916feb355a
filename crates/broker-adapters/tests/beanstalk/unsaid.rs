//! Servers that take nothing more, not even replies.

use std::{fs, process::Command};

use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{Broker, BrokerError, ConsumeOptions, Delivery, EnqueueOptions, Settlement},
};
use skyloom_testing::servers::Server;

use super::{
    by_hand::ByHand,
    fixture::{connect, launch, run, server, url},
    load::{cast, echo, queue as channel, soon, until},
};

/// A call that a worker has.
async fn held_call(broker: &dyn Broker) -> Delivery {
    let queue = channel("held.v1");
    let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
    let call = Envelope { reply_to: Some(Guid::private()), ..Envelope::new(Kind::Call, Guid::call()) };
    soon("enqueue", broker.enqueue(&queue, call.into(), EnqueueOptions::default())).await.expect("it is accepted");
    let delivery = soon("a delivery", consumer.next()).await.expect("it goes on");
    drop(soon("stop", consumer.stop()).await);
    delivery
}

/// Answers it; that the server does not take the reply is what is expected.
async fn unanswered(delivery: Delivery) -> BrokerError {
    let reply = Settlement::Reply(echo(delivery.envelope()));
    soon("settle", delivery.settle(reply)).await.expect_err("the reply is not taken")
}

#[test]
fn a_worker_hears_that_a_server_that_drains_takes_no_reply() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        let delivery = held_call(&*broker).await;
        let mut hand = ByHand::connect(&server).await;
        let line = hand.say("stats").await;
        let stats = String::from_utf8(hand.body(&line).await).expect("text");
        let id = stats.lines().find_map(|line| line.strip_prefix("pid: ")).expect("its process id");
        assert!(Command::new("kill").args(["-USR1", id]).status().expect("kill is there").success());
        let put = async || broker.enqueue(&channel("other.v1"), cast(1), EnqueueOptions::default()).await;
        until("it drains", async || put().await.is_err()).await;
        let refused = unanswered(delivery).await.to_string();
        assert!(refused.contains("beanstalkd drains"), "{refused}");
    });
}

/// The server's log begins a new file whenever one is full, for which there is no room here: its directory is away.
#[test]
fn a_server_without_room_on_its_disk_says_so_and_goes_on_when_there_is_some() {
    run(async {
        let launch = launch();
        let log = launch.directory().join("log");
        fs::create_dir(&log).expect("a directory can be made");
        let server = Server::start(launch.args(["-b", "log", "-f", "0", "-s", "4096"]));
        let broker = connect(&url(&server, "")).await;
        let delivery = held_call(&*broker).await;
        let away = server.directory().join("away");
        fs::rename(&log, &away).expect("it can be moved");
        let queue = channel("stored.v1");
        let put = async || soon("enqueue", broker.enqueue(&queue, cast(1), EnqueueOptions::default())).await;
        let full = loop {
            if let Err(error) = put().await {
                break error;
            }
        };
        assert!(matches!(&full, BrokerError::Full { .. }) && full.to_string().contains("disk"), "{full}");
        let unheard = unanswered(delivery).await;
        assert!(matches!(unheard, BrokerError::Full { .. }), "{unheard}");
        fs::rename(&away, &log).expect("it can be moved");
        until("there is room again", async || put().await.is_ok()).await;
        let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let stored = soon("a delivery", consumer.next()).await.expect("it goes on");
        soon("settle", stored.settle(Settlement::Done)).await.expect("it is settled");
    });
}
