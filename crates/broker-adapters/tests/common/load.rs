//! Load for the tests of faults, whatever the broker: numbered work that must not be lost, and calls that must end.

#![allow(dead_code, reason = "each program of tests uses its part of this")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use skyloom_core::{
    Channel, Codec, Envelope, Guid, Kind, Status,
    broker::{Broker, ConsumeOptions, EnqueueOptions, Settlement},
    client::{Client, Request},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// What must happen happens within this, however slow the machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) fn queue(name: &str) -> Channel {
    name.parse().expect("a valid name")
}

pub(crate) fn cast(number: u32) -> Arc<Envelope> {
    let mut envelope = Envelope::new(Kind::Cast, Guid::call());
    envelope.payload = number.to_le_bytes().to_vec().into();
    Arc::new(envelope)
}

pub(crate) fn number(envelope: &Envelope) -> u32 {
    u32::from_le_bytes(envelope.payload[..].try_into().expect("the payload is a number"))
}

/// Waits for what must happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what}: it did not happen within {SOON:?}"))
}

/// Looks again and again until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, looking).await;
}

/// Casts that must not be lost and calls that must end, at one broker, for as long as something happens to it.
pub(crate) struct Load {
    client: Client,
    calls: Channel,
    stop: Arc<AtomicBool>,
    putting: JoinHandle<BTreeSet<u32>>,
    calling: JoinHandle<u32>,
    done: Arc<Mutex<BTreeSet<u32>>>,
}

impl Load {
    /// Starts it; by the end of this a call has been answered.
    pub(crate) async fn start(sender: Arc<dyn Broker>, worker: Arc<dyn Broker>) -> Self {
        let (casts, calls) = (queue("casts.v1"), queue("calls.v1"));
        let done = work(Arc::clone(&worker), casts.clone());
        work(worker, calls.clone());
        let stop = Arc::<AtomicBool>::default();
        let putting = tokio::spawn(put_until(Arc::clone(&sender), casts, Arc::clone(&stop)));
        let client = Client::new(sender);
        until_answered(&client, &calls).await;
        let time = Duration::from_secs(2);
        let calling = tokio::spawn(call_until(client.clone(), calls.clone(), time, Arc::clone(&stop)));
        Self { client, calls, stop, putting, calling, done }
    }

    /// Waits until calls are answered again.
    pub(crate) async fn until_answered(&self) {
        until_answered(&self.client, &self.calls).await;
    }

    /// Ends it: no cast that was accepted is lost, and nothing has hung.
    pub(crate) async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let accepted = soon("no enqueue hangs", self.putting).await.expect("it ends");
        let succeeded = soon("no call hangs", self.calling).await.expect("it ends");
        assert!(accepted.len() > 20 && succeeded > 2, "{} accepted, {succeeded} succeeded", accepted.len());
        all_done(&accepted, &self.done).await;
    }
}

/// Puts numbered work on a queue until it is told to stop. Returns the numbers that were accepted.
pub(crate) async fn put_until(broker: Arc<dyn Broker>, channel: Channel, stop: Arc<AtomicBool>) -> BTreeSet<u32> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut accepted = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        let acks: Vec<_> = std::iter::repeat_with(|| NUMBER.fetch_add(1, Ordering::Relaxed))
            .take(20)
            .map(|number| (number, broker.enqueue(&channel, cast(number), EnqueueOptions::default())))
            .collect();
        for (number, ack) in acks {
            // While the server is away it waits; what was under way when it went is of unknown outcome.
            if soon("the answer to an enqueue", ack).await.is_ok() {
                accepted.insert(number);
            }
        }
        sleep(Duration::from_millis(1)).await;
    }
    accepted
}

/// Works on numbered casts and answers calls for as long as the broker is used. What was done is in the set.
pub(crate) fn work(broker: Arc<dyn Broker>, channel: Channel) -> Arc<Mutex<BTreeSet<u32>>> {
    let done = Arc::<Mutex<BTreeSet<u32>>>::default();
    let noted = Arc::clone(&done);
    tokio::spawn(async move {
        let mut consumer = broker.consume(channel, ConsumeOptions::default()).await.expect("it can be consumed");
        while let Some(delivery) = consumer.next().await {
            let request = Arc::clone(delivery.envelope());
            if request.reply_to.is_some() {
                drop(delivery.settle(Settlement::Reply(echo(&request))));
            } else {
                noted.lock().expect("nobody panics").insert(number(&request));
                drop(delivery.settle(Settlement::Done));
            }
        }
    });
    done
}

/// A reply with the request's payload.
pub(crate) fn echo(request: &Envelope) -> Arc<Envelope> {
    let mut reply = Envelope::new(Kind::Reply, request.id);
    reply.payload = request.payload.clone();
    Arc::new(reply)
}

/// Waits until all of this is done.
pub(crate) async fn all_done(accepted: &BTreeSet<u32>, done: &Mutex<BTreeSet<u32>>) {
    let all = async {
        while !accepted.is_subset(&done.lock().expect("nobody panics")) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(SOON, all).await.is_err() {
        let done = done.lock().expect("nobody panics");
        let lost: Vec<_> = accepted.difference(&done).take(10).collect();
        panic!("of {} accepted {} were done; lost are {lost:?}, ...", accepted.len(), done.len());
    }
}

/// Calls with this much time until it is told to stop. Returns how many succeeded.
async fn call_until(client: Client, channel: Channel, time: Duration, stop: Arc<AtomicBool>) -> u32 {
    let mut succeeded = 0;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let called = call(&client, &channel, time).await;
        // Its deadline, and the time that a busy machine may need to say so.
        assert!(began.elapsed() < time + SOON / 3, "a call hung: {called:?}");
        succeeded += u32::from(called.is_ok());
        sleep(Duration::from_millis(1)).await;
    }
    succeeded
}

/// One call.
pub(crate) async fn call(client: &Client, channel: &Channel, time: Duration) -> Result<(), Status> {
    let mut request = Request::new(channel.clone(), "Echo", Codec::Json, "1".into());
    request.timeout = Some(time);
    let answered = timeout(time + SOON, client.call(request)).await.expect("a call ends by its deadline");
    answered.map(drop)
}

/// Calls until one succeeds.
pub(crate) async fn until_answered(client: &Client, channel: &Channel) {
    until("a call succeeds", async || call(client, channel, Duration::from_secs(2)).await.is_ok()).await;
}
