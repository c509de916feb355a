//! Who is let in.

use std::time::Duration;

use skyloom_broker::{
    door::DoorOptions,
    engine::Limits,
    wire::{ClientHello, ServerHello, VERSION},
};
use skyloom_core::Guid;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time,
};

use crate::raw::{Raw, Running, answer, greet, socket};

fn refusal(hello: ServerHello) -> String {
    match hello {
        ServerHello::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn versions_without_a_common_one_are_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut stream = UnixStream::connect(socket(&directory)).await.unwrap();
    let hello = ClientHello { min: VERSION + 1, max: VERSION + 7, ..ClientHello::new(Guid::private(), "future") };
    let reason = refusal(greet(&mut stream, &hello).await);
    assert!(reason.contains("bring the older of the two up to date"), "{reason}");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_newer_client_is_served_in_the_lower_version() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut stream = UnixStream::connect(socket(&directory)).await.unwrap();
    let hello = ClientHello { max: VERSION + 7, ..ClientHello::new(Guid::private(), "future") };
    match greet(&mut stream, &hello).await {
        ServerHello::Accepted(accepted) => {
            assert_eq!(accepted.version, VERSION);
            assert_eq!(accepted.message_bytes, Limits::default().message_bytes as u64);
            assert_eq!(accepted.inbox_grace, Limits::default().inbox_grace);
        }
        ServerHello::Refused(reason) => panic!("{reason}"),
    }
}

#[tokio::test]
async fn another_protocol_hears_that_it_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut stream = UnixStream::connect(socket(&directory)).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let reason = refusal(answer(&mut stream).await.unwrap());
    assert!(reason.contains("does not speak this protocol"), "{reason}");
}

#[tokio::test]
async fn a_hello_may_come_byte_by_byte_and_with_frames_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let mut stream = UnixStream::connect(socket(&directory)).await.unwrap();
    let mut bytes = bytes::BytesMut::new();
    ClientHello::new(Guid::private(), "slow").encode(&mut bytes);
    bytes.extend_from_slice(&[1, 0, 0, 0, 0x10]);
    for byte in &bytes {
        stream.write_all(&[*byte]).await.unwrap();
        time::sleep(Duration::from_millis(1)).await;
    }
    let mut pong = [0; 5];
    assert!(matches!(answer_exactly(&mut stream).await, ServerHello::Accepted(_)));
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, [1, 0, 0, 0, 0x87]);
}

/// Reads no more than the hello.
async fn answer_exactly(stream: &mut UnixStream) -> ServerHello {
    let mut bytes = [0; 47];
    stream.read_exact(&mut bytes).await.unwrap();
    ServerHello::decode(&mut bytes::BytesMut::from(&bytes[..])).unwrap().unwrap()
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { connections: 2, ..Limits::default() };
    let _door = Running::start(&socket(&directory), DoorOptions { limits, ..DoorOptions::default() }).await;
    let first = Raw::connect(&socket(&directory)).await;
    let _second = Raw::connect(&socket(&directory)).await;
    let mut third = UnixStream::connect(socket(&directory)).await.unwrap();
    let reason = refusal(greet(&mut third, &ClientHello::new(Guid::private(), "third")).await);
    assert!(reason.contains("has 2 connections"), "{reason}");
    // A place that becomes free is given away again.
    drop(first);
    for _ in 0..100 {
        let mut fourth = UnixStream::connect(socket(&directory)).await.unwrap();
        match greet(&mut fourth, &ClientHello::new(Guid::private(), "fourth")).await {
            ServerHello::Accepted(_) => return,
            ServerHello::Refused(_) => time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the place was never given away");
}
