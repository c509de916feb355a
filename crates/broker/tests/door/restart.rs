//! Planned stops: nothing is lost, and nobody has to know.

use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use bytes::BytesMut;
use skyloom_broker::{
    door::{DoorOptions, SnapshotPlace},
    engine::{Settle, Ticket},
    wire::{ClientFrame, ClientHello, ServerFrame, ServerHello},
};
use skyloom_core::Guid;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, net::UnixStream, time::sleep};

use crate::raw::{Raw, Running, enqueue, greet, socket};

const LEASE: Duration = Duration::from_secs(30);

fn snapshot(directory: &TempDir) -> PathBuf {
    directory.path().join("broker.sock.snapshot")
}

/// Says goodbye when asked to, and reads to the end.
async fn go(mut client: Raw) -> Vec<ServerFrame<bytes::Bytes>> {
    let mut before = Vec::new();
    loop {
        match client.next().await.unwrap() {
            ServerFrame::GoAway { .. } => break,
            frame => before.push(frame),
        }
    }
    client.send(ClientFrame::Bye).await;
    while let Some(frame) = client.next().await {
        before.push(frame);
    }
    before
}

#[tokio::test]
async fn leases_inboxes_and_waiting_messages_are_taken_up_again() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let (works, calls, mine) = (Guid::private(), Guid::private(), Guid::private());
    let (mut worker, mut caller) =
        (Raw::resume(&socket(&directory), works).await, Raw::resume(&socket(&directory), calls).await);
    let epoch = worker.accepted.epoch;
    caller.done(ClientFrame::OpenInbox { ticket: Ticket(1), inbox: mine }).await;
    worker.consume("greeter.v1", 1, LEASE).await;
    caller.send_all(["first", "second"].map(|body| enqueue("greeter.v1", Some(mine), body))).await;
    let (lease, ..) = worker.delivery().await;

    let stopped = door.begin_stop();
    let (from_worker, from_caller) = tokio::join!(go(worker), go(caller));
    assert!(from_worker.is_empty() && from_caller.is_empty());
    stopped.await.unwrap().unwrap();
    assert!(!socket(&directory).exists());
    assert_eq!(fs::metadata(snapshot(&directory)).unwrap().permissions().mode() & 0o777, 0o600);

    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    assert!(!snapshot(&directory).exists(), "a snapshot is taken up once");
    let (mut worker, mut caller) =
        (Raw::resume(&socket(&directory), works).await, Raw::resume(&socket(&directory), calls).await);
    assert_eq!(worker.accepted.epoch, epoch);
    caller.done(ClientFrame::OpenInbox { ticket: Ticket(1), inbox: mine }).await;
    worker.consume("greeter.v1", 1, LEASE).await;
    let settle = |lease, body: &'static str| ClientFrame::Settle {
        ticket: Ticket(1),
        lease,
        settle: Settle::Reply(body.into()),
    };
    // The lease of before is still good, and with it the consumer's credit is used up.
    worker.done(settle(lease, "one")).await;
    let (lease, attempt, body) = worker.delivery().await;
    assert_eq!((attempt, &body[..]), (1, &b"second"[..]));
    worker.done(settle(lease, "two")).await;
    for expected in ["one", "two"] {
        match caller.next().await {
            Some(ServerFrame::Reply { inbox, body }) => assert_eq!((inbox, &body[..]), (mine, expected.as_bytes())),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_sent_before_the_goodbye_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    let stopped = door.begin_stop();
    assert!(matches!(client.next().await, Some(ServerFrame::GoAway { .. })));
    client.send_all([enqueue("greeter.v1", None, "late"), ClientFrame::Bye]).await;
    assert!(client.next().await.is_none());
    stopped.await.unwrap().unwrap();

    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut worker = Raw::connect(&socket(&directory)).await;
    worker.consume("greeter.v1", 1, LEASE).await;
    assert_eq!(&worker.delivery().await.2[..], b"late");
}

/// Who was too late for the goodbye still sends what he has, and must not believe that it has arrived.
#[tokio::test]
async fn what_comes_after_the_time_for_the_goodbye_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut late = Raw::connect(&socket(&directory)).await;
    late.send(enqueue("greeter.v1", None, "early")).await;
    let stopped = door.begin_stop();
    while !snapshot(&directory).exists() {
        sleep(Duration::from_millis(1)).await;
    }
    let mut frames = BytesMut::new();
    for frame in [enqueue("greeter.v1", None, "late"), ClientFrame::Bye] {
        frame.encode(&mut frames).unwrap();
    }
    let written = late.stream.write_all(&frames).await;
    assert_eq!(written.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert!(matches!(late.next().await, Some(ServerFrame::GoAway { .. })), "what was said before is heard");
    stopped.await.unwrap().unwrap();

    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut worker = Raw::connect(&socket(&directory)).await;
    worker.consume("greeter.v1", 1, LEASE).await;
    assert_eq!(&worker.delivery().await.2[..], b"early");
}

#[tokio::test]
async fn a_client_that_vanishes_instead_of_saying_goodbye_loses_its_leases() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let (mut lost, mut other) = (Raw::connect(&socket(&directory)).await, Raw::connect(&socket(&directory)).await);
    lost.consume("greeter.v1", 1, LEASE).await;
    other.send(enqueue("greeter.v1", None, "work")).await;
    lost.delivery().await;
    let stopped = door.begin_stop();
    assert!(matches!(lost.next().await, Some(ServerFrame::GoAway { .. })));
    drop(lost);
    go(other).await;
    stopped.await.unwrap().unwrap();

    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut worker = Raw::connect(&socket(&directory)).await;
    worker.consume("greeter.v1", 1, LEASE).await;
    assert_eq!(worker.delivery().await.1, 2);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_client_that_does_not_answer() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let _silent = Raw::connect(&socket(&directory)).await;
    door.stop().await;
    assert!(!socket(&directory).exists());
    assert!(!snapshot(&directory).exists(), "there was nothing to keep");
}

#[tokio::test]
async fn who_says_hello_while_it_stops_is_told_to_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut late = UnixStream::connect(socket(&directory)).await.unwrap();
    // Who came later is served, so that the first is let in as far as its hello.
    let mut silent = Raw::connect(&socket(&directory)).await;
    let stopped = door.begin_stop();
    assert!(matches!(silent.next().await, Some(ServerFrame::GoAway { .. })));
    match greet(&mut late, &ClientHello::new(Guid::private(), "late")).await {
        ServerHello::Refused(reason) => assert!(reason.contains("come back when it is running again"), "{reason}"),
        other => panic!("{other:?}"),
    }
    drop(silent);
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_damaged_snapshot_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    let epoch = client.accepted.epoch;
    client.send(enqueue("greeter.v1", None, "work")).await;
    let stopped = door.begin_stop();
    go(client).await;
    stopped.await.unwrap().unwrap();
    let whole = fs::read(snapshot(&directory)).unwrap();

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() / 2], b"", b"not a snapshot, but as long as a checksum\n"] {
        fs::write(snapshot(&directory), damaged).unwrap();
        let door = Running::start(&socket(&directory), DoorOptions::default()).await;
        let client = Raw::connect(&socket(&directory)).await;
        assert_ne!(client.accepted.epoch, epoch);
        drop(client);
        door.stop().await;
        let aside = directory.path().join("broker.sock.snapshot.damaged");
        assert_eq!(fs::read(&aside).unwrap(), damaged);
        fs::remove_file(aside).unwrap();
    }
    fs::write(snapshot(&directory), whole).unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    assert_eq!(Raw::connect(&socket(&directory)).await.accepted.epoch, epoch);
}

/// Writes a snapshot's lines anew with another header, and the checksum that belongs to it.
fn with_header(whole: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut lines = whole.split_inclusive(|byte| *byte == b'\n');
    let mut header: serde_json::Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
    change(&mut header);
    let mut changed = format!("{header}\n").into_bytes();
    changed.extend_from_slice(lines.next().unwrap());
    // FNV-1a, 64 bits.
    let add = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = changed.iter().fold(0xcbf2_9ce4_8422_2325, add);
    changed.extend_from_slice(format!("{sum:016x}\n").as_bytes());
    changed
}

/// What a planned stop keeps of these messages.
async fn kept(directory: &TempDir, messages: impl IntoIterator<Item = ClientFrame<bytes::Bytes>>) -> Vec<u8> {
    let door = Running::start(&socket(directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(directory)).await;
    client.send_all(messages).await;
    let stopped = door.begin_stop();
    go(client).await;
    stopped.await.unwrap().unwrap();
    fs::read(snapshot(directory)).unwrap()
}

/// The first of the queue `greeter.v1` with a broker that starts now.
async fn first_waiting(directory: &TempDir) -> bytes::Bytes {
    let door = Running::start(&socket(directory), DoorOptions::default()).await;
    let mut worker = Raw::connect(&socket(directory)).await;
    worker.send(enqueue("greeter.v1", None, "new")).await;
    worker.consume("greeter.v1", 1, LEASE).await;
    let (_, _, body) = worker.delivery().await;
    drop(worker);
    door.stop().await;
    body
}

#[tokio::test]
async fn a_snapshot_of_another_version_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let whole = kept(&directory, [enqueue("greeter.v1", None, "old")]).await;
    let later = with_header(&whole, |header| header["skyloom_snapshot"] = 2.into());
    fs::write(snapshot(&directory), &later).unwrap();
    assert_eq!(first_waiting(&directory).await, "new");
    assert_eq!(fs::read(directory.path().join("broker.sock.snapshot.damaged")).unwrap(), later);
    fs::write(snapshot(&directory), with_header(&whole, |_| {})).unwrap();
    assert_eq!(first_waiting(&directory).await, "old");
}

#[tokio::test]
async fn the_time_between_stop_and_start_counts() {
    let directory = tempfile::tempdir().unwrap();
    let mut brief = enqueue("greeter.v1", None, "brief");
    if let ClientFrame::Enqueue { message, .. } = &mut brief {
        message.time_to_live = Some(Duration::from_secs(1_800));
    }
    let whole = kept(&directory, [brief, enqueue("greeter.v1", None, "old")]).await;
    for (hours, expected) in [(0, "brief"), (1, "old")] {
        let earlier = |header: &mut serde_json::Value| {
            header["saved_ms"] = (header["saved_ms"].as_u64().unwrap() - hours * 3_600_000).into();
        };
        fs::write(snapshot(&directory), with_header(&whole, earlier)).unwrap();
        assert_eq!(first_waiting(&directory).await, expected, "{hours} h later");
    }
}

#[tokio::test]
async fn what_an_interrupted_stop_has_left_behind_is_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let unfinished = directory.path().join("broker.sock.snapshot.new");
    fs::write(&unfinished, "half a snapsh").unwrap();
    kept(&directory, [enqueue("greeter.v1", None, "old")]).await;
    assert!(!unfinished.exists());
    assert_eq!(first_waiting(&directory).await, "old");
}

#[tokio::test]
async fn without_a_snapshot_a_new_epoch_begins() {
    let directory = tempfile::tempdir().unwrap();
    let options = DoorOptions { snapshot: SnapshotPlace::Nowhere, ..DoorOptions::default() };
    let door = Running::start(&socket(&directory), options.clone()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    let epoch = client.accepted.epoch;
    client.send(enqueue("greeter.v1", None, "work")).await;
    drop(client);
    door.stop().await;
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
    let _door = Running::start(&socket(&directory), options).await;
    assert_ne!(Raw::connect(&socket(&directory)).await.accepted.epoch, epoch);
}
