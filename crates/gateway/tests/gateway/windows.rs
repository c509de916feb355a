//! Clients of HTTP/2 that hold back their windows.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use skyloom_gateway::GatewayOptions;
use tokio::{net::TcpStream, time::Instant};

use super::{cluster::Cluster, library::stopped};

async fn cluster(write_timeout: Duration) -> Cluster {
    Cluster::with(GatewayOptions { write_timeout, ..GatewayOptions::default() }).await
}

/// A connection each of whose streams has this window, as long as nothing is read of it.
async fn client(cluster: &Cluster, window: u32) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(cluster.address).await.unwrap();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, path: &str, body: String) -> Response<Incoming> {
    sender.ready().await.unwrap();
    let request = Request::post(format!("http://gateway{path}")).body(Full::from(body)).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response
}

fn book(length: usize) -> String {
    format!("{{\"title\":\"{}\"}}", "x".repeat(length))
}

#[tokio::test]
async fn a_stream_whose_client_takes_nothing_is_ended() {
    let patience = Duration::from_millis(200);
    let cluster = cluster(patience).await;
    // Not even the first byte is taken, or as much as there is room for.
    for window in [0, 20_000] {
        let mut client = client(&cluster, window).await;
        let books = post(&mut client, "/v1/books", book(100_000)).await;
        let texts = format!("{{\"text\":\"not taken with {window}\"}}");
        let counting = post(&mut client, "/library.v1.Library/Count", texts).await;
        if window == 0 {
            stopped("not taken with 0").await;
        }
        tokio::time::sleep(5 * patience).await;
        let ended = books.into_body().collect().await.unwrap_err();
        assert!(format!("{ended:?}").contains("CANCEL"), "{ended:?}");
        drop(counting);
        // The connection itself goes on.
        drop(post(&mut client, "/v1/books", book(1)).await);
    }
}

#[tokio::test]
async fn a_slow_client_and_a_quiet_stream_go_on() {
    let patience = Duration::from_millis(250);
    let slow = cluster(patience).await;
    let mut body = post(&mut client(&slow, 16_384).await, "/v1/books", book(200_000)).await.into_body();
    let (begun, mut read) = (Instant::now(), 0);
    while let Some(frame) = body.frame().await {
        read += frame.unwrap().into_data().unwrap().len();
        tokio::time::sleep(patience / 5).await;
    }
    assert!(read > 200_000 && begun.elapsed() > 2 * patience, "{read} in {:?}", begun.elapsed());

    // Each of its messages comes 20 ms after the one before.
    let quiet = cluster(Duration::from_millis(5)).await;
    let count = post(&mut client(&quiet, 65_535).await, "/library.v1.Library/Count", "{\"number\":10}".into()).await;
    let lines = count.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(lines.split(|byte| *byte == b'\n').count(), 11);
}
