//! A worker that answers each request with its payload.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Channel, Codec, Envelope, Kind, QueueName,
    broker::{Broker, ConsumeOptions, Delivery, Settlement},
    client::Request,
};
use tokio::task::JoinHandle;

/// A worker that answers each request with its payload, after a while.
pub(crate) struct Echo(JoinHandle<()>);

fn channel() -> Channel {
    Channel::Queue(QueueName::new("echo.v1").expect("a valid queue"))
}

/// A request to the echo.
pub(crate) fn request(payload: impl Into<Bytes>, timeout: Duration) -> Request {
    let mut request = Request::new(channel(), "Echo", Codec::Protobuf, payload.into());
    request.timeout = Some(timeout);
    request
}

/// The reply to a request: its payload.
pub(crate) fn answer(delivery: &Delivery) -> Envelope {
    let request = delivery.envelope();
    let (payload, attempt) = (request.payload.clone(), delivery.attempt());
    Envelope { payload, attempt, ..Envelope::new(Kind::Reply, request.id) }
}

impl Echo {
    pub(crate) async fn start(broker: Arc<dyn Broker>, after: Duration) -> Self {
        let mut consumer =
            broker.consume(channel(), ConsumeOptions::default()).await.expect("the queue can be consumed");
        Self(tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let reply = answer(&delivery);
                    // After the death of a broker the lease may be gone.
                    drop(delivery.settle(Settlement::Reply(reply.into())).await);
                });
            }
            drop(broker);
        }))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.abort();
    }
}
