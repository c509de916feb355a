//! A worker that answers each request with its payload.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Channel, Codec, Envelope, Kind, QueueName,
    broker::{Broker, ConsumeOptions, Settlement},
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

impl Echo {
    pub(crate) async fn start(broker: Arc<dyn Broker>, after: Duration) -> Self {
        let mut consumer =
            broker.consume(channel(), ConsumeOptions::default()).await.expect("the queue can be consumed");
        Self(tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let request = delivery.envelope();
                    let attempt = delivery.attempt();
                    let reply = Envelope {
                        payload: request.payload.clone(),
                        attempt,
                        ..Envelope::new(Kind::Reply, request.id)
                    };
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
