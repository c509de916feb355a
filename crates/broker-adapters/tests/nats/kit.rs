//! Words in which the tests are told.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_broker_adapters::nats::NatsBroker;
use skyloom_core::{
    Channel, Codec, Envelope, Guid, Kind, QueueName, Status,
    broker::{Broker, ConsumeOptions, Settlement},
    client::{Client, Request},
};
use tokio::time::{sleep, timeout};

/// What must happen happens within this, however slow the machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Servers that elect a leader anew take longer.
const PATIENCE: Duration = Duration::from_secs(30);

async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: it did not happen within {limit:?}"),
    }
}

pub(crate) fn soon<T>(what: &str, future: impl Future<Output = T>) -> impl Future<Output = T> {
    within(SOON, what, future)
}

pub(crate) fn patiently<T>(what: &str, future: impl Future<Output = T>) -> impl Future<Output = T> {
    within(PATIENCE, what, future)
}

pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    patiently(what, wait).await;
}

pub(crate) fn queue(name: &str) -> Channel {
    Channel::Queue(QueueName::new(name).expect("a valid queue"))
}

/// One-way work with a number as its payload.
pub(crate) fn cast(number: u32) -> Envelope {
    Envelope { payload: Bytes::copy_from_slice(&number.to_le_bytes()), ..Envelope::new(Kind::Cast, Guid::call()) }
}

pub(crate) fn number(envelope: &Envelope) -> u32 {
    u32::from_le_bytes(envelope.payload[..].try_into().expect("the payload is a number"))
}

/// Answers each request with its own payload, until it is dropped.
pub(crate) async fn echo(broker: &NatsBroker, channel: &Channel) -> Echo {
    let mut consumer =
        soon("consume", broker.consume(channel.clone(), ConsumeOptions::default())).await.expect("it is");
    Echo(tokio::spawn(async move {
        while let Some(delivery) = consumer.next().await {
            let request = delivery.envelope();
            let payload = request.payload.clone();
            let reply = Envelope { payload, ..Envelope::new(Kind::Reply, request.id) };
            drop(delivery.settle(Settlement::Reply(Arc::new(reply))).await);
        }
    }))
}

#[derive(Debug)]
pub(crate) struct Echo(tokio::task::JoinHandle<()>);

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One call without retries.
pub(crate) async fn request(client: &Client, channel: &Channel, timeout: Duration) -> Result<(), Status> {
    let mut request = Request::new(channel.clone(), "Echo", Codec::Json, Bytes::from_static(b"1"));
    request.timeout = Some(timeout);
    client.call(request).await.map(drop)
}
