//! Services that come and go, and the gateway's own start and end.

use std::time::{Duration, SystemTime};

use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_gateway::{Gateway, GatewayError, GatewayOptions};
use skyloom_service_registry::memory::MemoryRegistry;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    cluster::Cluster,
    http1::{get, post, request},
    notes::Notes,
};

fn gateway() -> Gateway {
    let broker = MemoryBroker::default();
    let client = skyloom::client::Client::new(std::sync::Arc::new(broker.clone()));
    Gateway::new(client, std::sync::Arc::new(MemoryRegistry::new(broker)), GatewayOptions::default())
}

#[tokio::test]
async fn a_gateway_that_is_gone_follows_no_registry() {
    let broker = MemoryBroker::default();
    let registry = std::sync::Arc::new(MemoryRegistry::new(broker.connect()));
    let followed = std::sync::Arc::downgrade(&registry);
    let client = skyloom::client::Client::new(std::sync::Arc::new(broker.connect()));
    let gateway = Gateway::new(client, registry, GatewayOptions::default());
    gateway.known().await;
    drop(gateway);
    let forgotten = async {
        while followed.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), forgotten).await.expect("nothing of it is left");
}

#[tokio::test]
async fn a_service_is_reachable_while_it_runs_and_known_afterwards() {
    let cluster = Cluster::empty(GatewayOptions::default()).await;
    let (path, note) = ("/v1/notes", r#"{"topic":"t","text":"x"}"#);
    post(cluster.address, path, note).await.problem(404);
    let running = cluster.serve(Notes).await;
    cluster.settle(|status| status == 200, "/v1/notes/7").await;
    assert_eq!(post(cluster.address, path, note).await.status, 200);
    running.drain().await;
    cluster.settle(|status| status == 503, "/v1/notes/7").await;
    let gone = post(cluster.address, path, note).await;
    assert_eq!(gone.problem(503), "notes.v1.Notes has no running instance now: try again later");
    assert_eq!(gone.header("retry-after"), "1");
    assert_eq!((&gone.json()["outcome"], &gone.json()["retry_safe"]), (&"not-started".into(), &true.into()));
    let again = cluster.serve(Notes).await;
    cluster.settle(|status| status == 200, "/v1/notes/7").await;
    again.drain().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_explained() {
    let first = gateway().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let port = first.local_addr().port();
    let taken = gateway().bind(first.local_addr()).await.unwrap_err();
    let expected = format!("port {port} of 127.0.0.1 is taken: stop what listens there or choose another with --port");
    assert_eq!(taken.to_string(), expected);
    let open = gateway().bind(([0, 0, 0, 0], 0).into()).await.unwrap_err();
    assert!(matches!(open, GatewayError::NotLoopback { .. }), "{open}");
}

#[tokio::test]
async fn a_drain_lets_requests_finish_and_ends_streams() {
    let mut cluster = Cluster::start().await;
    let slow = tokio::spawn({
        let address = cluster.address;
        async move { get(address, "/v1/slow/200").await }
    });
    let mut stream = TcpStream::connect(cluster.address).await.unwrap();
    stream.write_all(&request("POST", "/library.v1.Library/Count", "", b"{}")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = SystemTime::now();
    cluster.stop();
    let mut lines = String::new();
    stream.read_to_string(&mut lines).await.unwrap();
    assert!(lines.contains("the gateway is being stopped: open the stream anew"), "{lines}");
    assert_eq!(slow.await.unwrap().status, 200);
    let address = cluster.address;
    cluster.stopped().await;
    assert!(begun.elapsed().unwrap() < Duration::from_secs(5));
    assert!(TcpStream::connect(address).await.is_err());
}

/// An answer with a length, and no more than that.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut piece = [0; 1024];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "cut off: {text}");
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
        if body.len() >= length.parse().unwrap() {
            return text;
        }
    }
}

#[tokio::test]
async fn a_kept_connection_gets_one_more_answer_that_says_it_is_the_last() {
    let mut cluster = Cluster::start().await;
    let ask = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut kept = TcpStream::connect(cluster.address).await.unwrap();
    kept.write_all(ask).await.unwrap();
    assert!(!answer(&mut kept).await.contains("connection: close"));
    // This one has said nothing yet.
    let mut silent = TcpStream::connect(cluster.address).await.unwrap();
    cluster.stop();
    while TcpStream::connect(cluster.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for stream in [&mut kept, &mut silent] {
        stream.write_all(ask).await.unwrap();
        let last = answer(stream).await;
        assert!(last.starts_with("HTTP/1.1 200 OK") && last.contains("connection: close"), "{last}");
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "it is closed");
    }
    cluster.stopped().await;
}

#[tokio::test]
async fn a_request_can_be_handled_without_a_socket() {
    let gateway = gateway();
    let ask = async |path: &str| {
        let request = http::Request::get(path).body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        gateway.handle(request).await.status().as_u16()
    };
    assert_eq!(ask("/healthz").await, 200);
    for _ in 0..100 {
        if ask("/readyz").await == 200 {
            assert_eq!(ask("/x").await, 404);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not ready after a second");
}
