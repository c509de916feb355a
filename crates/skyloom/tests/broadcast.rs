//! What is broadcast reaches the instances that are there, and is kept for nobody who has gone.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use skyloom::{Connection, TopicName, prelude::*, worker::Running};

#[derive(Clone, Default)]
struct Listener(Arc<AtomicU32>);

#[service(version = 1)]
impl Listener {
    #[event("prices.changed", broadcast)]
    async fn changed(&self, _: Json<u32>) -> Result<()> {
        self.0.fetch_add(1, SeqCst);
        Ok(())
    }
}

async fn start(connection: &Connection) -> (Running, Listener) {
    let listener = Listener::default();
    (App::new().serve(listener.clone()).start(connection).await.unwrap(), listener)
}

/// How many groups the topic has.
async fn groups(connection: &Connection) -> usize {
    let channels = connection.broker.admin().unwrap().channels().await.unwrap();
    channels.iter().filter(|stats| stats.channel.to_string().starts_with("prices.changed")).count()
}

#[tokio::test]
async fn who_drains_leaves_no_group_behind() {
    let connection = Connection::memory();
    let topic = TopicName::new("prices.changed").unwrap();
    let publish = || async { connection.client().publish(&topic, Json(1)).await.unwrap() };
    let ((stays, first), (leaves, second)) = (start(&connection).await, start(&connection).await);
    publish().await;
    leaves.drain().await;
    assert_eq!(groups(&connection).await, 1);
    publish().await;
    stays.drain().await;
    publish().await;
    assert_eq!(groups(&connection).await, 0);
    assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (2, 1));
}
