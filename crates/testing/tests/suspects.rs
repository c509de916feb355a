//! What a worker does with what its workers may have died of.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use skyloom::{
    App, Channel, Client, Connection, TopicName,
    broker::{BoxFuture, Broker, BrokerError, ConsumeOptions, Consumer, ConsumerControl, Delivery, DeliveryStream},
    prelude::*,
    worker::Running,
};
use skyloom_testing::load::{Front, Through};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// A broker that says of everything but `Ordinary` that two workers were lost with it before.
#[derive(Debug)]
struct Suspicious {
    broker: Arc<dyn Broker>,
    /// So often it refuses to let a channel be consumed.
    refusals: Arc<AtomicU32>,
}

impl Suspicious {
    /// A connection through it to the broker of another.
    fn connect(memory: &Connection) -> (Connection, Arc<AtomicU32>) {
        let refusals = Arc::<AtomicU32>::default();
        let suspicious = Self { broker: Arc::clone(&memory.broker), refusals: Arc::clone(&refusals) };
        let broker = Arc::new(Through(suspicious));
        (Connection::new(broker, Arc::clone(&memory.registry), "suspicious:"), refusals)
    }
}

impl Front for Suspicious {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        Box::pin(async move {
            if self.refusals.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(BrokerError::unavailable("not now"));
            }
            let consumer = Arc::new(Mutex::new(self.broker.consume(channel, options).await?));
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
        let suspect = |delivery: Delivery| {
            let losses = if delivery.envelope().method.as_str() == "Ordinary" { 0 } else { 2 };
            delivery.with_losses(losses)
        };
        next.map(|delivery| delivery.map(suspect))
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
    let (connection, _) = Suspicious::connect(&memory);
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

/// How an execution found its process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    attempt: u32,
    /// What else was executed when it began or when it ended.
    beside: u32,
}

#[derive(Clone, Default)]
struct Work(Arc<AtomicU32>);

#[service(version = 1)]
impl Work {
    #[handler]
    async fn ordinary(&self, ctx: Context, Json(millis): Json<u64>) -> Result<Json<Seen>> {
        let before = self.0.fetch_add(1, SeqCst);
        sleep(Duration::from_millis(millis)).await;
        let after = self.0.fetch_sub(1, SeqCst) - 1;
        Ok(Json(Seen { attempt: ctx.attempt(), beside: before.max(after) }))
    }

    #[handler]
    async fn suspect(&self, ctx: Context, millis: Json<u64>) -> Result<Json<Seen>> {
        self.ordinary(ctx, millis).await
    }
}

struct Started {
    client: WorkClient,
    connection: Connection,
    refusals: Arc<AtomicU32>,
}

/// A caller and, through a broker that is suspicious, the connection of a worker.
fn start() -> Started {
    let memory = Connection::memory();
    let (connection, refusals) = Suspicious::connect(&memory);
    Started { client: WorkClient::new(Client::new(memory.broker)), connection, refusals }
}

impl Started {
    async fn serve(&self) -> Running {
        App::new().serve(Work::default()).start(&self.connection).await.unwrap()
    }

    fn ordinary(&self, millis: u64) -> impl Future<Output = Result<Json<Seen>>> + Send + use<> {
        self.client.ordinary(Json(millis)).timeout(LONG).into_future()
    }

    fn suspect(&self, millis: u64) -> impl Future<Output = Result<Json<Seen>>> + Send + use<> {
        self.client.suspect(Json(millis)).timeout(LONG).into_future()
    }
}

const LONG: Duration = Duration::from_secs(600);

const ALONE: Seen = Seen { attempt: 1, beside: 0 };

#[tokio::test(start_paused = true)]
async fn one_is_executed_alone_and_what_came_with_it_goes_back_untouched() {
    let started = start();
    let (mut suspects, mut before, mut behind) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for _ in 0..3 {
        before.spawn(started.ordinary(300));
    }
    tokio::task::yield_now().await;
    for _ in 0..2 {
        suspects.spawn(started.suspect(300));
    }
    tokio::task::yield_now().await;
    for _ in 0..3 {
        behind.spawn(started.ordinary(300));
    }
    tokio::task::yield_now().await;
    let _running = started.serve().await;
    for suspect in suspects.join_all().await {
        assert_eq!(suspect.unwrap().0, ALONE);
    }
    for others in [before, behind] {
        let others: Vec<Seen> = others.join_all().await.into_iter().map(|seen| seen.unwrap().0).collect();
        assert!(others.iter().all(|seen| seen.attempt == 1), "none of them has failed: {others:?}");
        assert!(others.iter().any(|seen| seen.beside == 2), "they are executed beside each other: {others:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_waits_for_what_is_under_way_as_far_as_that_is_soon() {
    let started = start();
    let _running = started.serve().await;
    let under_way = tokio::spawn(started.ordinary(900));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(started.suspect(0).await.unwrap().0, ALONE);
    under_way.await.unwrap().unwrap();
    let under_way = tokio::spawn(started.ordinary(60_000));
    sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert_eq!(started.suspect(0).await.unwrap().0, Seen { attempt: 1, beside: 1 });
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(under_way.await.unwrap().unwrap().0.attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn others_do_not_wait_for_ever_for_one_that_lives() {
    let started = start();
    let _running = started.serve().await;
    let suspect = tokio::spawn(started.suspect(300_000));
    sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert_eq!(started.ordinary(0).await.unwrap().0, Seen { attempt: 1, beside: 1 });
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(suspect.await.unwrap().unwrap().0.attempt, 1, "it is finished beside them");
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_one_and_does_not_wait_for_another() {
    for millis in [100, 2_000] {
        let started = start();
        let running = started.serve().await;
        let suspect = tokio::spawn(started.suspect(millis));
        sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        running.drain().await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(suspect.await.unwrap().unwrap().0, ALONE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_goes_on_after_one_although_the_broker_refuses_for_a_while() {
    let started = start();
    let _running = started.serve().await;
    started.refusals.store(5, SeqCst);
    assert_eq!(started.suspect(0).await.unwrap().0, ALONE);
    assert_eq!(timeout(Duration::from_secs(60), started.ordinary(0)).await.unwrap().unwrap().0, ALONE);
    assert_eq!(started.refusals.load(SeqCst), 0);
}
