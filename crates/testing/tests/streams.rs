//! How a stream ends whose reader goes without a word, and what an instance is ready for before it takes work.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{
    Channel, Connection,
    broker::{BoxFuture, Broker, BrokerError, ConsumeOptions, Consumer},
    prelude::*,
};
use skyloom_testing::{
    TestCluster,
    load::{Front, Through},
};
use tokio::{sync::Notify, time::timeout};

/// Sends one number, and then waits for its reader to go.
#[derive(Clone, Default)]
struct Feed {
    begun: Arc<Notify>,
    ended: Arc<Notify>,
}

#[service(version = 1)]
impl Feed {
    #[handler]
    async fn tail(&self) -> Result<Streaming<Json<u32>>> {
        let (sender, stream) = Streaming::channel(1);
        let Feed { begun, ended } = self.clone();
        tokio::spawn(async move {
            sender.send(Json(1)).await.unwrap();
            begun.notify_one();
            sender.closed().await;
            ended.notify_one();
        });
        Ok(stream)
    }
}

struct Reader;

#[service(version = 1)]
impl Reader {
    /// Reads the feed for as long as it lives.
    #[handler]
    async fn read(&self, ctx: Context) -> Result<()> {
        let mut tail = FeedClient::new(&ctx).tail().await?;
        while tail.next().await.transpose()?.is_some() {}
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_reader_is_killed() {
    let feed = Feed::default();
    let cluster = TestCluster::new().with(feed.clone()).with(Reader).start().await;
    let reader = cluster.client::<ReaderClient>();
    let call = tokio::spawn(async move { reader.read().timeout(Duration::from_secs(3_000)).await });
    feed.begun.notified().await;
    assert!(timeout(Duration::from_secs(300), feed.ended.notified()).await.is_err(), "it is read");

    cluster.lose_worker(ReaderClient::READ);
    timeout(Duration::from_secs(30), feed.ended.notified()).await.expect("nobody reads it");
    call.abort();
}

/// Notes what is consumed.
struct Noted {
    broker: Arc<dyn Broker>,
    channels: Arc<Mutex<Vec<Channel>>>,
}

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Noted")
    }
}

impl Front for Noted {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        self.channels.lock().unwrap().push(channel.clone());
        self.broker.consume(channel, options)
    }
}

#[tokio::test]
async fn an_instance_is_reached_before_it_takes_work() {
    let memory = Connection::memory();
    let channels = Arc::default();
    let noted = Noted { broker: Arc::clone(&memory.broker), channels: Arc::clone(&channels) };
    let connection = Connection::new(Arc::new(Through(noted)), Arc::clone(&memory.registry), "noted:");
    let running = App::new().serve(Feed::default()).serve(Reader).start(&connection).await.unwrap();
    let consumed = std::mem::take(&mut *channels.lock().unwrap());
    assert_eq!(consumed.first(), Some(&Channel::Instance(running.instance())), "{consumed:?}");
    assert_eq!(consumed.len(), 3);
    running.drain().await;
}
