//! What a worker does whose lease is gone, or whose reader is: work that may be done only once it does not begin, and a
//! stream it ends.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{
    Channel, Connection, Envelope, Outcome,
    broker::{
        Ack, BoxFuture, Broker, BrokerError, ConsumeOptions, Consumer, ConsumerControl, Delivery, DeliveryStream,
        Holding, Lease, Leases, Settlement,
    },
    prelude::*,
    worker::Running,
};
use skyloom_testing::load::{Front, Through};
use tokio::time::timeout;

/// What has happened, in order.
type Seen = Arc<Mutex<Vec<String>>>;

/// A broker that says this of each first attempt's lease.
struct Doubtful {
    broker: Arc<dyn Broker>,
    seen: Seen,
    says: BrokerError,
}

impl fmt::Debug for Doubtful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doubtful")
    }
}

impl Front for Doubtful {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let (seen, says) = (Arc::clone(&self.seen), self.says.clone());
        Box::pin(async move {
            let consumer = Arc::new(Mutex::new(self.broker.consume(channel, options).await?));
            Ok(Consumer::new(Taken { consumer: Arc::clone(&consumer), seen, says }, Arc::new(Control(consumer))))
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
    seen: Seen,
    says: BrokerError,
}

impl DeliveryStream for Taken {
    fn poll_next(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Delivery>> {
        let Self { seen, says, .. } = &*self;
        self.consumer.lock().unwrap().poll_next(cx).map(|delivery| {
            delivery.map(|delivery| {
                let envelope = Arc::clone(delivery.envelope());
                let (lease_time, attempt) = (delivery.lease_time(), delivery.attempt());
                let holding = Mutex::new(Some(delivery.into_parts().1));
                let doubt = (attempt == 1).then(|| says.clone());
                let leases = Held { attempt, holding, seen: Arc::clone(seen), doubt };
                Delivery::new(envelope, Lease { slot: 0, number: 0 }, lease_time, Arc::new(leases))
                    .with_attempt(attempt)
            })
        })
    }

    fn take_left(&mut self) -> Option<Delivery> {
        None
    }
}

struct Held {
    attempt: u32,
    holding: Mutex<Option<Holding>>,
    seen: Seen,
    doubt: Option<BrokerError>,
}

impl Leases for Held {
    fn settle(&self, _: Lease, settlement: Settlement) -> Ack {
        self.holding.lock().unwrap().take().unwrap().settle(settlement)
    }

    fn partial(&self, _: Lease, reply: Arc<Envelope>) -> Ack {
        self.holding.lock().unwrap().as_ref().unwrap().partial(reply)
    }

    fn extend(&self, _: Lease) -> Ack {
        Ack::ready(self.doubt.clone().map_or(Ok(()), Err))
    }

    fn once(&self, _: Lease) -> Ack {
        self.seen.lock().unwrap().push(format!("attempt {} asks", self.attempt));
        Ack::ready(self.doubt.clone().map_or(Ok(()), Err))
    }
}

struct Payments(Seen);

#[service(version = 1)]
impl Payments {
    #[handler(once)]
    async fn pay(&self, ctx: Context) -> Result<()> {
        self.0.lock().unwrap().push(format!("attempt {} runs", ctx.attempt()));
        Ok(())
    }

    #[handler]
    async fn look(&self) -> Result<()> {
        Ok(())
    }

    /// A stream that says nothing.
    #[handler]
    async fn watch(&self) -> Result<Streaming<Json<u32>>> {
        let (sender, payments) = Streaming::channel(1);
        let seen = Arc::clone(&self.0);
        tokio::spawn(async move {
            sender.closed().await;
            seen.lock().unwrap().push("the stream ends".to_owned());
        });
        Ok(payments)
    }
}

async fn start(says: BrokerError) -> (PaymentsClient, Running, Seen) {
    let (memory, seen) = (Connection::memory(), Seen::default());
    let doubtful = Through(Doubtful { broker: Arc::clone(&memory.broker), seen: Arc::clone(&seen), says });
    let connection = Connection::new(Arc::new(doubtful), Arc::clone(&memory.registry), "doubtful:");
    let running = App::new().serve(Payments(Arc::clone(&seen))).start(&connection).await.unwrap();
    (PaymentsClient::new(connection.client()), running, seen)
}

#[tokio::test(start_paused = true)]
async fn work_that_may_be_anothers_by_now_is_not_begun() {
    let (client, running, seen) = start(BrokerError::Stale).await;
    let expected = ["attempt 1 asks", "attempt 2 asks", "attempt 2 runs"];
    for way in ["its queue", "the instance"] {
        let call = client.pay().timeout(Duration::from_secs(60));
        let call = if way == "its queue" { call } else { call.instance(running.instance()) };
        call.await.unwrap();
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), expected, "through {way}");
    }
    client.look().await.unwrap();
    assert!(seen.lock().unwrap().is_empty(), "nobody else asks");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_says_nothing_ends_all_the_same() {
    let (client, _running, seen) = start(BrokerError::Stale).await;
    let _reading = client.watch().await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(*seen.lock().unwrap(), ["the stream ends"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_comes_back_too_late_does_not_wait_for_a_stream_that_was_ended() {
    let (client, _running, seen) = start(BrokerError::unread()).await;
    let mut reading = client.watch().await.unwrap();
    let heard = timeout(Duration::from_secs(600), reading.next()).await.expect("it hears of the end");
    let status = heard.unwrap().unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Aborted, Outcome::Unknown), "{status}");
    assert_eq!(*seen.lock().unwrap(), ["the stream ends"]);
}
