//! Requests that are refused before their bodies have been read: each gets its answer.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    cluster::Cluster,
    http1::{Answer, exchange, post, send},
};

const MEGABYTE: usize = 1024 * 1024;

/// Sends a large body, all of it, before it reads the answer.
async fn send_much(address: SocketAddr, path: &str, headers: &str) -> Answer {
    send(address, "POST", path, headers, &vec![b'x'; 8 * MEGABYTE]).await
}

#[tokio::test]
async fn whoever_sends_far_too_much_is_told_each_time() {
    let cluster = Cluster::start().await;
    for _ in 0..20 {
        let answer = post(cluster.address, "/v1/books", vec![b'x'; 8 * MEGABYTE]).await;
        assert_eq!(answer.problem(413), "the body is larger than 1048576 bytes, the most that is allowed");
        assert_eq!(answer.header("connection"), "close");
    }
}

#[tokio::test]
async fn whoever_sends_much_for_nothing_is_told_each_time() {
    let cluster = Cluster::start().await;
    for _ in 0..10 {
        send_much(cluster.address, "/nowhere", "").await.problem(404);
        send_much(cluster.address, "/v1/books", "Content-Type: application/xml\r\n").await.problem(415);
        send_much(cluster.address, "/healthz", "").await.problem(405);
        let head = "POST /v1/books HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n";
        let chunked = [head.as_bytes(), &vec![b'x'; 8 * MEGABYTE], b"\r\n0\r\n\r\n"].concat();
        exchange(cluster.address, &chunked).await.problem(413);
    }
}

#[tokio::test]
async fn a_body_that_is_held_back_is_not_waited_for() {
    let cluster = Cluster::start().await;
    let head = format!(
        "POST /v1/books HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        8 * MEGABYTE
    );
    let answer = exchange(cluster.address, head.as_bytes()).await;
    answer.problem(413);
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn a_body_that_is_small_costs_no_connection() {
    let cluster = Cluster::start().await;
    let mut stream = TcpStream::connect(cluster.address).await.unwrap();
    for _ in 0..5 {
        stream.write_all(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        let answer = std::str::from_utf8(&piece[..length]).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("connection: close"), "{answer}");
    }
}
