//! What a worker does with what its workers may have died of.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{Arc, Mutex},
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use skyloom::{
    App, Channel, Client, Connection, TopicName,
    broker::{BoxFuture, Broker, BrokerError, ConsumeOptions, Consumer, ConsumerControl, Delivery, DeliveryStream},
    prelude::*,
};
use skyloom_testing::load::{Front, Through};
use tokio::time::{sleep, timeout};

/// A broker that says of each first attempt that two workers were lost before.
#[derive(Debug)]
struct Suspicious(Arc<dyn Broker>);

impl Front for Suspicious {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.0
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        Box::pin(async move {
            let consumer = Arc::new(Mutex::new(self.0.consume(channel, options).await?));
            Ok(Consumer::new(Marked(Arc::clone(&consumer)), Arc::new(Control(consumer))))
        })
    }
}

struct Control(Arc<Mutex<Consumer>>);

impl ConsumerControl for Control {
    fn stop(&self) -> skyloom::broker::Ack {
        self.0.lock().unwrap().stop()
    }
}

struct Marked(Arc<Mutex<Consumer>>);

impl DeliveryStream for Marked {
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Delivery>> {
        let next = self.0.lock().unwrap().poll_next(cx);
        next.map(|delivery| delivery.map(|delivery| delivery.with_losses(2)))
    }

    fn take_left(&mut self) -> Option<Delivery> {
        None
    }
}

#[derive(Clone, Default)]
struct Prices(Arc<Mutex<Vec<u32>>>);

#[service(version = 1)]
impl Prices {
    #[event("prices.changed", broadcast)]
    async fn changed(&self, Json(price): Json<u32>) -> Result<()> {
        self.0.lock().unwrap().push(price);
        sleep(Duration::from_millis(100)).await;
        Ok(())
    }
}

/// A channel that goes with its only consumer is not given up for it, and loses nothing.
#[tokio::test]
async fn an_instance_loses_no_broadcast_event_while_one_is_suspect() {
    let memory = Connection::memory();
    let broker = Through(Suspicious(Arc::clone(&memory.broker)));
    let connection = Connection::new(Arc::new(broker), Arc::clone(&memory.registry), "suspicious:");
    let prices = Prices::default();
    let running = App::new().serve(prices.clone()).start(&connection).await.unwrap();
    let (client, topic) = (Client::new(memory.broker), TopicName::new("prices.changed").unwrap());
    for price in 0..5 {
        client.publish(&topic, Json(price)).await.unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    let all = async {
        while prices.0.lock().unwrap().len() < 5 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let heard = timeout(Duration::from_secs(10), all).await;
    assert!(heard.is_ok(), "only these were heard: {:?}", prices.0.lock().unwrap());
    running.drain().await;
}
