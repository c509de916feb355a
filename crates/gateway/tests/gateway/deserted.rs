//! Clients that vanish in the middle of a call: nobody waits for their answers any more, and nothing is left of them.

use std::time::Duration;

use skyloom::{
    Channel, QueueName,
    broker::{Broker as _, Depth},
    client::ClientOptions,
};
use skyloom_gateway::GatewayOptions;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tonic::Request;

use super::{
    cluster::Cluster,
    grpc::{client, unary},
    http1::{get, request},
    library::{Text, go_on, waits},
};

const SOON: Duration = Duration::from_secs(10);

/// A cluster whose gateway has room for one call at a time, which may last for long.
async fn narrow() -> Cluster {
    let options = ClientOptions { max_pending: 1, timeout: SOON * 60, ..ClientOptions::default() };
    Cluster::of(options, GatewayOptions { max_timeout: SOON * 60, ..GatewayOptions::default() }).await
}

impl Cluster {
    /// Waits until the gateway has let go of the only call that it has room for, whose handler still waits; lets that
    /// go on, and waits until the broker has let go of it, too.
    async fn gets_rid_of(&self, text: &str) {
        let free = async {
            while get(self.address, "/v1/files/x").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, free).await.expect("the gateway waits no longer for an answer that nobody wants");
        let depth = async || {
            let channel = Channel::Queue(QueueName::new("library.v1").unwrap());
            self.broker.depth(&channel).await.unwrap()
        };
        assert_eq!(depth().await.leased, 1, "its worker goes on");
        go_on(text);
        let settled = async {
            while depth().await.leased > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, settled).await.expect("the lease ends with the handler");
        assert_eq!(depth().await, Depth { consumers: 1, ..Depth::default() });
    }
}

#[tokio::test]
async fn a_call_over_http1_ends_with_its_connection() {
    let cluster = narrow().await;
    for text in ["http1", "http1 again"] {
        let mut stream = TcpStream::connect(cluster.address).await.unwrap();
        stream.write_all(&request("GET", &format!("/v1/wait/{}", text.replace(' ', "%20")), "", b"")).await.unwrap();
        waits(text).await;
        assert_eq!(get(cluster.address, "/v1/files/x").await.status, 429, "the gateway waits for the answer");
        drop(stream);
        cluster.gets_rid_of(text).await;
    }
}

#[tokio::test]
async fn a_call_over_grpc_ends_with_its_stream() {
    let cluster = narrow().await;
    let mut client = client(&cluster).await;
    for text in ["grpc", "grpc again"] {
        let call = unary::<_, Text>(&mut client, "/library.v1.Library/Wait", Request::new(Text::new(text)));
        tokio::select! {
            answer = call => panic!("it was answered: {answer:?}"),
            () = waits(text) => {}
        }
        cluster.gets_rid_of(text).await;
    }
    // The connection goes on.
    let echo = unary::<_, Text>(&mut client, "/library.v1.Library/Path", Request::new(Text::new("x"))).await.unwrap();
    assert_eq!(echo.into_inner().text, "x");
}

#[tokio::test]
async fn a_call_over_grpc_ends_with_its_connection() {
    let cluster = narrow().await;
    let text = "grpc and its connection";
    let calling = tokio::spawn({
        let mut client = client(&cluster).await;
        async move {
            unary::<_, Text>(&mut client, "/library.v1.Library/Wait", Request::new(Text::new(text))).await.map(drop)
        }
    });
    waits(text).await;
    assert_eq!(get(cluster.address, "/v1/files/x").await.status, 429, "the gateway waits for the answer");
    calling.abort();
    cluster.gets_rid_of(text).await;
}
