//! What happens when a server is killed and started anew, under load.

use std::{collections::BTreeSet, sync::Arc};

use skyloom_core::{
    Envelope, Kind,
    broker::{Broker as _, ConsumeOptions, EnqueueOptions, Settlement},
};
use tokio::time::timeout;

use crate::{
    ends::{Ends, SOON, cast, next, number, queue},
    kit::{connect, corner, troubled},
    load::Load,
    traffic::Traffic,
};

/// Every cast that was accepted before or while the server was killed is there afterwards, and senders and
/// workers find it again by themselves; so do callers, who hear of every call.
async fn a_killed_server_loses_nothing_that_it_has_accepted(inboxes: &str) {
    let mut own = troubled().await;
    let port = own.server().port();
    let options = format!("prefix={}{inboxes}", corner());
    let (sender, worker) = (connect(port, &options).await, connect(port, &options).await);
    let channel = queue("kept.v1");
    let ends = Arc::new(Ends::default());
    let inbox = sender.open_inbox(ends.clone()).await.expect("an inbox can be opened");
    let mut accepted = BTreeSet::new();
    for number in 0..500 {
        sender.enqueue(&channel, cast(number), EnqueueOptions::default()).await.expect("it is accepted");
        accepted.insert(number);
    }
    let kind = Kind::Call;
    for number in 0..50 {
        let call = Envelope { kind, reply_to: Some(inbox.id()), budget: Some(SOON), ..Envelope::clone(&cast(number)) };
        ends.note(|noted| noted.open.insert(call.id));
        sender.enqueue(&queue("called.v1"), call.into(), EnqueueOptions::default()).await.expect("it can be sent");
    }
    let called = async {
        while sender.depth(&queue("called.v1")).await.expect("the depth is known").ready < 50 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, called).await.expect("the calls are accepted");
    let under_load: Vec<_> =
        (500..1000).map(|number| (number, sender.enqueue(&channel, cast(number), EnqueueOptions::default()))).collect();
    own.server_mut().kill();
    for (number, ack) in under_load {
        if timeout(SOON, ack).await.expect("it is decided").is_ok() {
            accepted.insert(number);
        }
    }
    own.server_mut().restart();
    // Nobody has served the calls: they went with the server, and their caller hears of it.
    ends.until("every call ends", |noted| noted.open.is_empty()).await;
    let mut consumer = timeout(SOON, worker.consume(channel, ConsumeOptions::default()))
        .await
        .expect("it can be consumed in time")
        .expect("it can be consumed");
    while !accepted.is_empty() {
        let delivery = next(&mut consumer).await;
        accepted.remove(&number(delivery.envelope()));
        delivery.settle(Settlement::Done).await.expect("it can be settled");
    }
    assert_eq!(ends.note(|noted| noted.lost), 50);
}

#[tokio::test]
async fn a_killed_server_is_survived() {
    a_killed_server_loses_nothing_that_it_has_accepted("").await;
}

#[tokio::test]
async fn a_killed_server_is_survived_with_durable_inboxes() {
    a_killed_server_loses_nothing_that_it_has_accepted("&inboxes=durable").await;
}

/// Whoever calls while the server is away and comes back, and its inbox with it, hears of every call.
async fn calls_around_a_restart_all_end(inboxes: &str) {
    let mut own = troubled().await;
    let port = own.server().port();
    let options = format!("prefix={}{inboxes}", corner());
    let (client, worker) = (connect(port, &options).await, connect(port, &options).await);
    let traffic = Traffic::start(client, worker, queue("busy.v1")).await;
    for _ in 0..2 {
        traffic.goes_on(50).await;
        own.server_mut().kill();
        own.server_mut().restart();
    }
    traffic.goes_on(200).await;
    traffic.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_around_a_restart_end() {
    calls_around_a_restart_all_end("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_around_a_restart_end_with_durable_inboxes() {
    calls_around_a_restart_all_end("&inboxes=durable").await;
}

/// The same under load: no cast that was accepted is lost, and nobody is told what is not true.
async fn a_server_that_is_killed_under_load_hangs_nobody(options: &str) {
    let mut own = troubled().await;
    let port = own.server().port();
    let options = format!("prefix={}&{options}", corner());
    let (sender, worker) = (connect(port, &options).await, connect(port, &options).await);
    let load = Load::start(Arc::new(sender), Arc::new(worker)).await;
    for _ in 0..2 {
        own.server_mut().kill();
        own.server_mut().restart();
        load.goes_on().await;
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_loses_nothing_and_hangs_nobody() {
    a_server_that_is_killed_under_load_hangs_nobody("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_loses_nothing_with_durable_inboxes() {
    a_server_that_is_killed_under_load_hangs_nobody("inboxes=durable").await;
}
