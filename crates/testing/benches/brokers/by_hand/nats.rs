//! NATS: the client's own request and reply, and a worker in a queue group.

use async_nats::Client;
use bytes::Bytes;
use futures_util::StreamExt as _;
use skyloom_testing::figures::ready;

use super::super::{caller::Caller, common::service::PAYLOAD};

const SUBJECT: &str = "by-hand";

/// A caller: all share one connection, whose replies come by one subscription.
pub(crate) struct ByHand {
    client: Client,
    request: Bytes,
}

impl Caller for ByHand {
    async fn connect(address: &str, count: usize) -> Vec<Self> {
        let client = async_nats::connect(address).await.expect("the server is there");
        let request = Bytes::from(vec![b'x'; PAYLOAD]);
        (0..count).map(|_| Self { client: client.clone(), request: request.clone() }).collect()
    }

    async fn call(&mut self) {
        let reply = self.client.request(SUBJECT, self.request.clone()).await.expect("a reply");
        assert_eq!(reply.payload.len(), PAYLOAD);
    }
}

/// The worker.
pub(crate) async fn work(address: &str) {
    let client = async_nats::connect(address).await.expect("the server is there");
    let mut requests = client.queue_subscribe(SUBJECT, "workers".to_owned()).await.expect("a subscription");
    client.flush().await.expect("the server has heard of it");
    ready("worker");
    while let Some(request) = requests.next().await {
        let inbox = request.reply.expect("a request has a reply subject");
        client.publish(inbox, request.payload).await.expect("the reply is sent");
    }
}
