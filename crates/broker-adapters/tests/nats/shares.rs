//! Calls and replies that share messages: within what the server takes, and up to the end of the connection.

use std::sync::Arc;

use bytes::Bytes;
use skyloom_core::{
    Channel, Codec, Envelope, Kind, Status,
    broker::{Broker, BrokerError, ConsumeOptions, Settlement},
    client::{Client, Request},
};
use skyloom_testing::servers::nats_with;

use crate::{
    kit::{SOON, echo, queue, request, soon},
    site::{connect, corner, shared},
};

/// So many bytes that few of them fit into what the server takes.
const LARGE: usize = 1_500;

/// The server takes no more. The headers of a message may need half of it.
const LARGEST: usize = 8_192;

async fn large(client: &Client, channel: &Channel) -> Result<(), Status> {
    let mut request = Request::new(channel.clone(), "Echo", Codec::Json, vec![b'1'; LARGE].into());
    request.timeout = Some(SOON);
    client.call(request).await.map(drop)
}

/// Quick calls and their replies share messages that the server takes.
#[tokio::test]
async fn what_is_sent_together_is_not_too_large_for_the_server() {
    let server = nats_with(&format!("max_payload: {LARGEST}"));
    for mode in ["core", "jetstream"] {
        let url = format!("nats://127.0.0.1:{}?mode={mode}&prefix={}", server.port(), corner());
        let (caller, worker) = (connect(&url).await, connect(&url).await);
        let channel = queue("large.v1");
        let _echo = echo(&worker, &channel).await;
        let client = Client::new(Arc::new(caller));
        for _ in 0..40 {
            let calls = (0..64).map(|_| large(&client, &channel));
            for answered in soon("a round of calls", futures_util::future::join_all(calls)).await {
                answered.unwrap_or_else(|status| panic!("mode={mode}: {status}"));
            }
        }
    }
}

/// A reply that comes too late to be sent is refused, though others are being worked on.
#[tokio::test]
async fn a_settlement_after_the_end_of_the_connection_is_refused() {
    let server = shared();
    for mode in ["core", "jetstream"] {
        let url = format!("nats://127.0.0.1:{}?mode={mode}&prefix={}", server.port(), corner());
        let (caller, worker) = (connect(&url).await, connect(&url).await);
        let channel = queue("late.v1");
        let consumed = worker.consume(channel.clone(), ConsumeOptions::default());
        let mut consumer = soon("consume", consumed).await.expect("it is consumed");
        let client = Client::new(Arc::new(caller));
        let mut held = Vec::new();
        for _ in 0..3 {
            let (client, channel) = (client.clone(), channel.clone());
            tokio::spawn(async move { request(&client, &channel, SOON).await });
            held.push(soon("a delivery", consumer.next()).await.expect("there is one"));
        }
        soon("close", worker.close()).await;
        for delivery in held {
            let partial =
                Envelope { payload: Bytes::from_static(b"1"), ..Envelope::new(Kind::Partial, delivery.envelope().id) };
            let refused = soon("a part", delivery.partial(Arc::new(partial))).await;
            assert!(matches!(refused, Err(BrokerError::Unavailable { .. })), "mode={mode}: {refused:?}");
            let refused = soon("extend", delivery.extend()).await;
            assert!(matches!(refused, Err(BrokerError::Unavailable { .. })), "mode={mode}: {refused:?}");
            let reply = Envelope::new(Kind::Reply, delivery.envelope().id);
            let refused = soon("settle", delivery.settle(Settlement::Reply(Arc::new(reply)))).await;
            assert!(matches!(refused, Err(BrokerError::Unavailable { .. })), "mode={mode}: {refused:?}");
        }
    }
}
