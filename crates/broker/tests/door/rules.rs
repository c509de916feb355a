//! Clients that break the rules: each hears one sentence, and the others are served.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use skyloom_broker::{
    door::DoorOptions,
    engine::Ticket,
    wire::{ClientFrame, FRAME_ROOM, ServerFrame},
};
use skyloom_core::Guid;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time,
};

use crate::raw::{Raw, Running, enqueue, socket};

async fn still_served(socket: &Path) {
    let mut client = Raw::connect(socket).await;
    client.send(ClientFrame::Ping).await;
    assert!(matches!(client.next().await, Some(ServerFrame::Pong)));
}

#[tokio::test]
async fn garbled_frames() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    for (frame, sentence) in [
        (&b"\x01\x00\x00\x00\x7f"[..], "unknown type 0x7f"),
        (b"\x00\x00\x00\x00", "an empty frame"),
        (b"\x03\x00\x00\x00\x06\x01\x02", "the open-inbox frame ends in the middle of a field"),
        (b"\x02\x00\x00\x00\x10\x00", "after its last field"),
        (b"\xff\xff\xff\xff\x01", "a frame of 4294967295 bytes was announced"),
    ] {
        let mut client = Raw::connect(&socket(&directory)).await;
        client.stream.write_all(frame).await.unwrap();
        let reason = client.failure().await;
        assert!(reason.contains(sentence), "{reason}");
    }
    still_served(&socket(&directory)).await;
}

#[tokio::test]
async fn what_came_before_a_garbled_frame_counts() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    let mut out = bytes::BytesMut::new();
    enqueue("greeter.v1", None, "before").encode(&mut out).unwrap();
    out.extend_from_slice(b"\x01\x00\x00\x00\x7f");
    client.stream.write_all(&out).await.unwrap();
    client.failure().await;
    let mut worker = Raw::connect(&socket(&directory)).await;
    worker.consume("greeter.v1", 1, Duration::from_secs(30)).await;
    assert_eq!(&worker.delivery().await.2[..], b"before");
}

#[tokio::test]
async fn a_frame_that_is_cut_in_two_is_put_together() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    client.consume("greeter.v1", 1, Duration::from_secs(30)).await;
    let mut out = bytes::BytesMut::new();
    enqueue("greeter.v1", None, "in two").encode(&mut out).unwrap();
    let (first, second) = out.split_at(out.len() / 2);
    client.stream.write_all(first).await.unwrap();
    time::sleep(Duration::from_millis(20)).await;
    client.stream.write_all(second).await.unwrap();
    assert_eq!(&client.delivery().await.2[..], b"in two");
}

#[tokio::test]
async fn an_oversize_frame_is_refused_before_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    let length = client.accepted.message_bytes + FRAME_ROOM as u64 + 1;
    client.stream.write_all(&u32::try_from(length).unwrap().to_le_bytes()).await.unwrap();
    let reason = client.failure().await;
    assert!(reason.contains("at most 12582912 are taken"), "{reason}");
}

#[tokio::test]
async fn deliveries_are_bounded_by_the_credit_alone() {
    let directory = tempfile::tempdir().unwrap();
    let options = DoorOptions { outgoing_bytes: 1 << 20, ..DoorOptions::default() };
    let _door = Running::start(&socket(&directory), options).await;
    let mut client = Raw::connect(&socket(&directory)).await;
    for _ in 0..8 {
        client.send(enqueue("greeter.v1", None, vec![7; 1 << 20])).await;
    }
    client.consume("greeter.v1", 100, Duration::from_secs(30)).await;
    for _ in 0..8 {
        assert_eq!(client.delivery().await.1, 1);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_replies_is_disconnected() {
    let directory = tempfile::tempdir().unwrap();
    let options = DoorOptions { outgoing_bytes: 4 << 20, ..DoorOptions::default() };
    let _door = Running::start(&socket(&directory), options).await;
    let (mut stuck, mut worker) = (Raw::connect(&socket(&directory)).await, Raw::connect(&socket(&directory)).await);
    let mine = Guid::private();
    stuck.done(ClientFrame::OpenInbox { ticket: Ticket(1), inbox: mine }).await;
    worker.consume("greeter.v1", 1, Duration::from_secs(30)).await;
    stuck.send(enqueue("greeter.v1", Some(mine), "tell me everything")).await;
    let (lease, ..) = worker.delivery().await;
    let body = Bytes::from(vec![7; 1 << 20]);
    for _ in 0..8 {
        worker.done(ClientFrame::Partial { ticket: Ticket(1), lease, body: body.clone() }).await;
    }
    let mut read = Vec::new();
    // The connection ends, cleanly or not, before all of it has come.
    drop(stuck.stream.read_to_end(&mut read).await);
    assert!(read.len() < 8 << 20, "{} bytes", read.len());
    still_served(&socket(&directory)).await;
}
