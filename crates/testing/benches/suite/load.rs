//! A load generator for HTTP/1.1: keeps 64 connections busy with one request.

use std::net::SocketAddr;

use skyloom_testing::figures::rate;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

use super::common::service::{IN_FLIGHT, PAYLOAD};

/// How many requests each connection makes in one round.
const REQUESTS: usize = 500;

/// What is sent and answered, as JSON.
pub(crate) fn text() -> serde_json::Value {
    serde_json::json!({ "text": "x".repeat(PAYLOAD) })
}

/// The request: the same for all servers.
pub(crate) fn request() -> Vec<u8> {
    let body = text().to_string();
    let head = "POST /bench.v1.Bench/Echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Where the response in the buffer ends, if it is complete.
fn end(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&buffer[..head]).expect("a header in ASCII");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().expect("a length"))
    });
    let end = head + 4 + length.expect("a content-length");
    (buffer.len() >= end).then_some(end)
}

/// One round on all connections.
pub(crate) async fn round(server: SocketAddr) -> f64 {
    let request = request();
    let mut connections = JoinSet::new();
    let mut streams = Vec::new();
    for _ in 0..IN_FLIGHT {
        let stream = TcpStream::connect(server).await.expect("the server listens");
        stream.set_nodelay(true).expect("no delay");
        streams.push(stream);
    }
    let start = Instant::now();
    for mut stream in streams {
        let request = request.clone();
        connections.spawn(async move {
            let mut buffer = Vec::with_capacity(4096);
            let mut length = 0;
            for _ in 0..REQUESTS {
                stream.write_all(&request).await.expect("the server reads");
                buffer.clear();
                loop {
                    assert!(stream.read_buf(&mut buffer).await.expect("the server answers") > 0);
                    // Every response after the first is as long as the first, but for its date.
                    if (length > 0 && buffer.len() >= length) || end(&buffer).inspect(|end| length = *end).is_some() {
                        break;
                    }
                }
                assert!(buffer.starts_with(b"HTTP/1.1 200"));
            }
        });
    }
    connections.join_all().await;
    rate(IN_FLIGHT * REQUESTS, start.elapsed())
}
