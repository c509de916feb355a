//! Settlements that the broker confirms later: what a drain waits for, and what is said of one that has failed.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    fmt, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{
    Channel, Client, Connection, Envelope,
    broker::{
        Ack, AckSender, BoxFuture, Broker, BrokerError, ConsumeOptions, Consumer, ConsumerControl, Delivery,
        DeliveryStream, Lease, Leases, Settlement,
    },
    prelude::*,
    worker::Running,
};
use skyloom_testing::load::{Front, Through};

/// The settlements that the test has still to confirm.
type Unconfirmed = Arc<Mutex<Vec<AckSender>>>;

/// A broker that settles at once and confirms when the test says so.
struct Late {
    broker: Arc<dyn Broker>,
    unconfirmed: Unconfirmed,
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Late")
    }
}

impl Front for Late {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let unconfirmed = Arc::clone(&self.unconfirmed);
        Box::pin(async move {
            let consumer = Arc::new(Mutex::new(self.broker.consume(channel, options).await?));
            let taken = Taken { consumer: Arc::clone(&consumer), unconfirmed };
            Ok(Consumer::new(taken, Arc::new(Control(consumer))))
        })
    }
}

struct Control(Arc<Mutex<Consumer>>);

impl ConsumerControl for Control {
    fn stop(&self) -> Ack {
        self.0.lock().unwrap().stop()
    }
}

struct Taken {
    consumer: Arc<Mutex<Consumer>>,
    unconfirmed: Unconfirmed,
}

impl DeliveryStream for Taken {
    fn poll_next(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Delivery>> {
        let unconfirmed = &self.unconfirmed;
        self.consumer.lock().unwrap().poll_next(cx).map(|delivery| {
            delivery.map(|delivery| {
                let (envelope, lease_time) = (Arc::clone(delivery.envelope()), delivery.lease_time());
                let leases = Held { delivery: Mutex::new(Some(delivery)), unconfirmed: Arc::clone(unconfirmed) };
                Delivery::new(envelope, Lease { slot: 0, number: 0 }, lease_time, Arc::new(leases))
            })
        })
    }

    fn take_left(&mut self) -> Option<Delivery> {
        None
    }
}

struct Held {
    delivery: Mutex<Option<Delivery>>,
    unconfirmed: Unconfirmed,
}

impl Leases for Held {
    fn settle(&self, _: Lease, settlement: Settlement) -> Ack {
        let delivery = self.delivery.lock().unwrap().take().unwrap();
        drop(delivery.settle(settlement));
        let (sender, ack) = Ack::waiting();
        self.unconfirmed.lock().unwrap().push(sender);
        ack
    }

    fn partial(&self, _: Lease, _: Arc<Envelope>) -> Ack {
        Ack::ready(Ok(()))
    }

    fn extend(&self, _: Lease) -> Ack {
        Ack::ready(Ok(()))
    }

    fn once(&self, _: Lease) -> Ack {
        Ack::ready(Ok(()))
    }
}

struct Echo;

#[service(version = 1)]
impl Echo {
    #[handler]
    async fn at_once(&self) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn later(&self) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}

struct Started {
    client: EchoClient,
    running: Running,
    unconfirmed: Unconfirmed,
}

async fn start() -> Started {
    let memory = Connection::memory();
    let unconfirmed = Unconfirmed::default();
    let late = Late { broker: Arc::clone(&memory.broker), unconfirmed: Arc::clone(&unconfirmed) };
    let connection = Connection::new(Arc::new(Through(late)), Arc::clone(&memory.registry), "late:");
    let running = App::new().serve(Echo).start(&connection).await.unwrap();
    Started { client: EchoClient::new(Client::new(memory.broker)), running, unconfirmed }
}

impl Started {
    /// Makes ten calls of each method, a third of them on the instance's own channel.
    async fn call(&self) {
        for n in 0..10 {
            let (one, other) = (self.client.at_once(), self.client.later());
            match n % 3 {
                0 => {
                    one.instance(self.running.instance()).await.unwrap();
                    other.instance(self.running.instance()).await.unwrap();
                }
                _ => {
                    one.await.unwrap();
                    other.await.unwrap();
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_until_all_are_confirmed() {
    let started = start().await;
    started.call().await;
    let Started { running, unconfirmed, .. } = started;
    let mut senders = std::mem::take(&mut *unconfirmed.lock().unwrap());
    assert_eq!(senders.len(), 20);
    let last = senders.pop().unwrap();
    // Not in the order in which they were settled.
    senders.into_iter().rev().for_each(|sender| sender.send(Ok(())));
    let mut drain = Box::pin(running.drain_within(Duration::from_secs(60)));
    assert!(tokio::time::timeout(Duration::from_secs(30), &mut drain).await.is_err(), "one is unconfirmed");
    last.send(Ok(()));
    tokio::time::timeout(Duration::from_secs(5), drain).await.expect("nothing is left");
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_ends_without_them() {
    let started = start().await;
    started.call().await;
    tokio::time::timeout(Duration::from_secs(11), started.running.drain_within(Duration::from_secs(10))).await.unwrap();
}

/// What is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_that_fails_is_reported() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let started = start().await;
    started.call().await;
    let senders = std::mem::take(&mut *started.unconfirmed.lock().unwrap());
    for (n, sender) in senders.into_iter().enumerate() {
        sender.send(if n % 2 == 0 { Ok(()) } else { Err(BrokerError::Stale) });
    }
    started.running.drain().await;
    let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let reports: Vec<&str> = said.lines().filter(|line| line.contains("could not settle")).collect();
    assert_eq!(reports.len(), 10, "{said}");
    assert!(reports.iter().all(|line| line.contains("the lease has ended") && line.contains("echo.v1")), "{said}");
}
