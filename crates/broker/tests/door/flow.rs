//! What clients do through the door.

use std::time::Duration;

use bytes::Bytes;
use skyloom_broker::{
    door::DoorOptions,
    engine::{AdminAnswer, AdminCommand, Limits, RegistryChange, Settle, Ticket},
    wire::{ClientFrame, ServerFrame},
};
use skyloom_core::{Guid, broker::BrokerError, registry::Instance};
use tokio::{
    io::AsyncWriteExt,
    time::{self, Instant},
};

use crate::raw::{Raw, Running, enqueue, socket};

const LEASE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_call_is_delivered_and_its_reply_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let (mut worker, mut caller) = (Raw::connect(&socket(&directory)).await, Raw::connect(&socket(&directory)).await);
    let mine = Guid::private();
    caller.done(ClientFrame::OpenInbox { ticket: Ticket(1), inbox: mine }).await;
    worker.consume("greeter.v1", 100, LEASE).await;

    // Large and small ones, all at once.
    let bodies: Vec<Bytes> = (0..50).map(|n| Bytes::from(vec![n as u8; 1 << (n % 20)])).collect();
    caller.send_all(bodies.iter().map(|body| enqueue("greeter.v1", Some(mine), body.clone()))).await;
    for sent in &bodies {
        let (lease, attempt, body) = worker.delivery().await;
        assert_eq!((attempt, &body), (1, sent));
        worker.send(ClientFrame::Settle { ticket: Ticket::NONE, lease, settle: Settle::Reply(body) }).await;
    }
    for sent in &bodies {
        match caller.next().await {
            Some(ServerFrame::Reply { inbox, body }) => assert_eq!((inbox, &body), (mine, sent)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn work_of_a_client_that_vanishes_in_the_middle_of_a_frame_is_done_by_another() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let (mut first, mut second) = (Raw::connect(&socket(&directory)).await, Raw::connect(&socket(&directory)).await);
    first.consume("greeter.v1", 1, LEASE).await;
    second.send(enqueue("greeter.v1", None, "work")).await;
    first.delivery().await;
    first.stream.write_all(&[200, 0, 0, 0, 0x08, 1, 2, 3]).await.unwrap();
    drop(first);
    second.consume("greeter.v1", 1, LEASE).await;
    let (_, attempt, body) = second.delivery().await;
    assert_eq!((attempt, &body[..]), (2, &b"work"[..]));
}

#[tokio::test]
async fn a_lease_that_ends_and_a_delay_that_ends_need_no_traffic() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut worker = Raw::connect(&socket(&directory)).await;
    worker.consume("greeter.v1", 1, Duration::from_millis(100)).await;
    let begin = Instant::now();
    worker.send(enqueue("greeter.v1", None, "work")).await;
    let (late, ..) = worker.delivery().await;
    let mut other = Raw::connect(&socket(&directory)).await;
    other.consume("greeter.v1", 1, LEASE).await;
    let (lease, attempt, _) = other.delivery().await;
    assert_eq!(attempt, 2);
    assert!(begin.elapsed() >= Duration::from_millis(100));

    // What is settled too late changes nothing.
    worker.send(ClientFrame::Settle { ticket: Ticket(9), lease: late, settle: Settle::Done }).await;
    match worker.next().await {
        Some(ServerFrame::Done { ticket: Ticket(9), result }) => assert_eq!(result, Err(BrokerError::Stale)),
        other => panic!("{other:?}"),
    }
    let retry = Settle::Retry { delay: Duration::from_millis(50), reason: "not now".to_owned() };
    other.done(ClientFrame::Settle { ticket: Ticket(1), lease, settle: retry }).await;
    // The first worker has been heard since, so it takes its turn again.
    assert_eq!(worker.delivery().await.1, 3);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_stays() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let _door = Running::start(&socket(&directory), DoorOptions { limits, ..DoorOptions::default() }).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    assert_eq!(client.accepted.message_bytes, 1000);
    let mine = Guid::private();
    client.done(ClientFrame::OpenInbox { ticket: Ticket(1), inbox: mine }).await;
    client.send(enqueue("greeter.v1", Some(mine), vec![0; 2000])).await;
    match client.next().await {
        Some(ServerFrame::Refused { inbox, error, .. }) => {
            assert_eq!(inbox, mine);
            assert_eq!(error, BrokerError::TooLarge { size: 2000, limit: 1000 });
        }
        other => panic!("{other:?}"),
    }
    client.send(ClientFrame::Ping).await;
    assert!(matches!(client.next().await, Some(ServerFrame::Pong)));
}

/// Registers an instance whose connection may be silent for so long, and waits until it is seen.
async fn seen_instance(silence: Duration) -> (Running, Raw, Raw, Instance) {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { silence, ..Limits::default() };
    let door = Running::start(&socket(&directory), DoorOptions { limits, ..DoorOptions::default() }).await;
    let (mut watcher, mut service) = (Raw::connect(&socket(&directory)).await, Raw::connect(&socket(&directory)).await);
    let instance = Instance {
        id: Guid::private(),
        services: Vec::new(),
        host: "here".to_owned(),
        region: String::new(),
        pid: 1,
        started: 1,
    };
    watcher.send(ClientFrame::Watch).await;
    assert!(matches!(watcher.next().await, Some(ServerFrame::Registry(RegistryChange::Complete))));
    let register =
        ClientFrame::Register { ticket: Ticket(1), instance: Box::new(instance.clone()), contracts: Vec::new() };
    service.done(register).await;
    assert!(is_up(watcher.next().await, &instance));
    (door, watcher, service, instance)
}

fn is_up(frame: Option<ServerFrame<Bytes>>, instance: &Instance) -> bool {
    matches!(frame, Some(ServerFrame::Registry(RegistryChange::Up(up))) if *up == *instance)
}

fn is_down(frame: Option<ServerFrame<Bytes>>, instance: &Instance) -> bool {
    matches!(frame, Some(ServerFrame::Registry(RegistryChange::Down(id))) if id == instance.id)
}

#[tokio::test]
async fn an_instance_is_seen_until_its_connection_falls_silent() {
    let (_door, mut watcher, mut service, instance) = seen_instance(Duration::from_secs(1)).await;
    assert!(is_down(watcher.next().await, &instance));
    service.send(ClientFrame::Ping).await;
    assert!(is_up(watcher.next().await, &instance), "it gave a sign of life");
}

#[tokio::test]
async fn an_instance_is_gone_with_its_connection() {
    let (_door, mut watcher, service, instance) = seen_instance(Duration::from_secs(3600)).await;
    drop(service);
    assert!(is_down(watcher.next().await, &instance));
}

#[tokio::test]
async fn an_operator_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    client.send(enqueue("greeter.v1", None, "one")).await;
    client.send(ClientFrame::Admin { ticket: Ticket(7), command: AdminCommand::Channels }).await;
    match client.next().await {
        Some(ServerFrame::Admin { ticket: Ticket(7), answer: AdminAnswer::Channels(channels) }) => {
            assert_eq!(channels.len(), 1);
            assert_eq!((channels[0].channel.to_string(), channels[0].ready), ("greeter.v1".to_owned(), 1));
        }
        other => panic!("{other:?}"),
    }
    let command = AdminCommand::Peek("greeter.v1".parse().unwrap(), 5);
    client.send(ClientFrame::Admin { ticket: Ticket(8), command }).await;
    match client.next().await {
        Some(ServerFrame::Admin { answer: AdminAnswer::Peek(bodies), .. }) => assert_eq!(bodies, ["one"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_goodbye_without_being_asked_ends_the_connection_and_its_leases() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let (mut first, mut second) = (Raw::connect(&socket(&directory)).await, Raw::connect(&socket(&directory)).await);
    first.consume("greeter.v1", 1, LEASE).await;
    second.send(enqueue("greeter.v1", None, "work")).await;
    first.delivery().await;
    first.send_all([ClientFrame::Ping, ClientFrame::Bye]).await;
    assert!(matches!(first.next().await, Some(ServerFrame::Pong)), "what was waiting is written first");
    assert!(first.next().await.is_none());
    time::timeout(LEASE / 2, async {
        second.consume("greeter.v1", 1, LEASE).await;
        assert_eq!(second.delivery().await.1, 2);
    })
    .await
    .unwrap();
}
