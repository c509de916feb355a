//! What is full, too large or left behind.

use std::{process::Command, sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, Kind,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::Server;

use super::{
    by_hand::ByHand,
    fixture::{connect, launch, process, run, server, url},
    load::{call, cast, echo, queue as channel, soon, until, until_answered, work},
};

#[test]
fn a_message_for_which_the_server_was_not_started_names_the_option() {
    run(async {
        let server = Server::start(launch());
        let broker = connect(&url(&server, "")).await;
        let mut large = Envelope::clone(&cast(1));
        large.payload = vec![0; 100_000].into();
        let put = broker.enqueue(&channel("large.v1"), large.clone().into(), EnqueueOptions::default());
        let refused = soon("the refusal", put).await.expect_err("it is too large").to_string();
        assert!(refused.contains("at most 65535") && refused.contains("start it with -z 131072"), "{refused}");
        large.payload = vec![0; broker.capabilities().max_message - 64].into();
        let put = broker.enqueue(&channel("large.v1"), large.into(), EnqueueOptions::default());
        soon("the largest", put).await.expect("it fits");
    });
}

/// A call that is as large as this says, with everything that is noted of one.
fn call_of(size: usize) -> Envelope {
    let mut call = Envelope::new(Kind::Call, Guid::call());
    (call.reply_to, call.budget) = (Some(Guid::private()), Some(Duration::from_secs(60)));
    call.payload = vec![7; size - 100].into();
    call.payload = vec![7; call.payload.len() + size - call.encoded_len()].into();
    assert_eq!(call.encoded_len(), size);
    call
}

/// What is in the queue is lost with a worker, fails, and is buried.
async fn dies_by_degrees(broker: &dyn Broker, server: &Server, queue: &Channel) {
    let (dying, killer) = process(&url(server, "")).await;
    let mut first = dying.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
    let held = soon("a delivery", first.next()).await.expect("it goes on");
    killer.kill();
    let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
    let reason = "because ".repeat(100);
    let settlements =
        [Settlement::Retry { delay: Duration::ZERO, reason: reason.clone() }, Settlement::Bury { reason }];
    for (attempt, settlement) in (2..).zip(settlements) {
        let delivery = soon("a delivery", consumer.next()).await.expect("it goes on");
        assert_eq!(delivery.attempt(), attempt);
        soon("settle", delivery.settle(settlement)).await.expect("it is settled");
    }
    let depth = soon("depth", broker.depth(queue)).await.expect("it is known");
    assert_eq!((depth.ready, depth.delayed, depth.leased, depth.dead), (0, 0, 0, 1));
    drop(held);
}

/// What is noted of a message that is tried again, or dies, has room beside it.
#[test]
fn the_largest_message_is_tried_again_and_becomes_a_dead_letter() {
    run(async {
        let server = Server::start(launch());
        let broker = connect(&url(&server, "")).await;
        let queue = channel("largest.v1");
        let largest = call_of(broker.capabilities().max_message);
        soon("enqueue", broker.enqueue(&queue, largest.into(), EnqueueOptions::default())).await.expect("it fits");
        dies_by_degrees(&*broker, &server, &queue).await;
        let letters = broker.admin().expect("there is one").dead(&queue, 10).await.expect("they are listed");
        assert!(letters[0].reason.starts_with("because because ") && letters[0].attempts == 3, "{}", letters[0].reason);
    });
}

/// A client in another language may put what leaves no room.
#[test]
fn a_job_that_is_full_is_tried_again_as_it_is_and_buried_where_it_is() {
    run(async {
        let server = Server::start(launch());
        let broker = connect(&url(&server, "")).await;
        let mut hand = ByHand::connect(&server).await;
        hand.say("use skyloom.full.v1").await;
        assert!(hand.put(&call_of(65_535).encode()).await.starts_with("INSERTED "));
        dies_by_degrees(&*broker, &server, &channel("full.v1")).await;
    });
}

#[test]
fn a_reply_that_is_too_large_is_an_error_to_the_caller() {
    run(async {
        let server = Server::start(launch());
        let broker = connect(&url(&server, "")).await;
        let queue = channel("blob.v1");
        let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let client = Client::new(broker.clone());
        let answering = async {
            let delivery = soon("a delivery", consumer.next()).await.expect("it goes on");
            let mut reply = Envelope::clone(&echo(delivery.envelope()));
            reply.payload = vec![0; 100_000].into();
            soon("reply", delivery.settle(Settlement::Reply(reply.into()))).await.expect("it is settled");
        };
        let (called, ()) = tokio::join!(call(&client, &queue, Duration::from_secs(20)), answering);
        let error = called.expect_err("it cannot be carried").to_string();
        assert!(error.contains("at most 65535"), "{error}");
    });
}

#[test]
fn a_full_queue_refuses_its_only_sender_exactly() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "queue_messages=10")).await;
        let queue = channel("full.v1");
        let put = async |number| soon("enqueue", broker.enqueue(&queue, cast(number), EnqueueOptions::default())).await;
        for number in 0..10 {
            put(number).await.expect("there is room");
        }
        let full = put(10).await;
        assert!(matches!(full, Err(BrokerError::Full { .. })), "{full:?}");
        let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let first = soon("a delivery", consumer.next()).await.expect("it goes on");
        soon("settle", first.settle(Settlement::Done)).await.expect("it is settled");
        until("there is room again", async || put(11).await.is_ok()).await;
    });
}

#[test]
fn a_server_that_drains_says_so() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "")).await;
        let mut hand = ByHand::connect(&server).await;
        let line = hand.say("stats").await;
        let stats = String::from_utf8(hand.body(&line).await).expect("text");
        let id = stats.lines().find_map(|line| line.strip_prefix("pid: ")).expect("its process id");
        assert!(Command::new("kill").args(["-USR1", id]).status().expect("kill is there").success());
        let put = async || broker.enqueue(&channel("drained.v1"), cast(1), EnqueueOptions::default()).await;
        until("it drains", async || put().await.is_err()).await;
        let refused = soon("the refusal", put()).await.expect_err("it drains").to_string();
        assert!(refused.contains("drains") && refused.contains("SIGUSR1"), "{refused}");
    });
}

#[test]
fn replies_that_nobody_collects_do_not_stay() {
    run(async {
        let server = server();
        let broker = connect(&url(&server, "sweep=300ms")).await;
        let queue = channel("answered.v1");
        let mut consumer = broker.consume(queue.clone(), ConsumeOptions::default()).await.expect("consumed");
        let mut request = Envelope::new(Kind::Call, Guid::call());
        let inbox = Guid::private();
        request.reply_to = Some(inbox);
        let tube = format!("skyloom._inbox.{inbox}");
        soon("enqueue", broker.enqueue(&queue, request.into(), EnqueueOptions::default())).await.expect("accepted");
        let delivery = soon("a delivery", consumer.next()).await.expect("it goes on");
        let reply = Settlement::Reply(echo(delivery.envelope()));
        soon("reply", delivery.settle(reply)).await.expect("a reply that nobody waits for hinders nobody");
        let mut hand = ByHand::connect(&server).await;
        let mut replies = async || {
            let line = hand.say(&format!("stats-tube {tube}")).await;
            match line.starts_with("OK ") {
                true => String::from_utf8(hand.body(&line).await).expect("text"),
                false => "current-jobs-ready: 0".to_owned(),
            }
        };
        assert!(replies().await.contains("current-jobs-ready: 1"), "it was put");
        until("it is gone", async || replies().await.contains("current-jobs-ready: 0")).await;
    });
}

#[test]
fn what_a_killed_process_leaves_behind_is_cleared_away() {
    run(async {
        let server = server();
        let (dying, killer) = process(&url(&server, "")).await;
        let instance = Channel::Instance(Guid::private());
        let group = channel("seen/each.1");
        let ephemeral = ConsumeOptions { ephemeral: true, ..ConsumeOptions::default() };
        let mut own = dying.consume(instance.clone(), ephemeral).await.expect("consumed");
        let listening = dying.consume(group, ephemeral).await.expect("consumed");
        work(dying.clone(), channel("echo.v1"), Arc::default());
        let client = Client::new(dying.clone());
        until_answered(&client, &channel("echo.v1")).await;
        let put = dying.enqueue(&instance, cast(1), EnqueueOptions::default());
        soon("enqueue", put).await.expect("it runs");
        let held = soon("a delivery", own.next()).await.expect("it goes on");
        killer.kill();
        let _living = connect(&url(&server, "sweep=300ms")).await;
        let mut hand = ByHand::connect(&server).await;
        until("nothing is left", async || hand.tubes().await == ["default"]).await;
        drop((held, listening, client));
    });
}
