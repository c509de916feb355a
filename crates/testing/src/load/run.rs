//! Load for the tests of faults, whatever the broker: numbered casts that must not be lost, and calls that must end.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use skyloom_core::{
    Channel,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    accounts::{Accounts, Tapped},
    through::Through,
    words::{CALL_TIME, SOON, call_with, cast, echo, fresh, number, queue, soon},
};

/// How many calls are under way at once in each queue.
const CALLERS: usize = 4;

/// How many casts are sent at once to each queue.
pub const BURST: usize = 20;

/// How many casts may wait before no more are sent for a while.
const BACKLOG: usize = 200;

/// For how long.
const BEHIND: Duration = Duration::from_millis(100);

/// Casts that must not be lost and calls that must end, at one broker, for as long as something happens to it.
#[derive(Debug)]
pub struct Load {
    sender: Arc<dyn Broker>,
    stop: Arc<AtomicBool>,
    lines: Vec<Line>,
}

/// What goes to one queue.
#[derive(Debug)]
struct Line {
    channel: Channel,
    accounts: Arc<Accounts>,
    running: JoinSet<()>,
}

impl Load {
    /// Starts it on one queue.
    ///
    /// # Panics
    /// As [`Load::on`].
    pub async fn start(sender: Arc<dyn Broker>, worker: Arc<dyn Broker>) -> Self {
        Self::on(&[queue("load.v1")], sender, worker).await
    }

    /// Starts it on these queues. By the end of this each has accepted casts and answered calls.
    ///
    /// # Panics
    /// If they do not in time.
    pub async fn on(channels: &[Channel], sender: Arc<dyn Broker>, worker: Arc<dyn Broker>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let lines = channels.iter().map(|channel| Line::start(channel, &sender, &worker, &stop)).collect();
        let load = Self { sender, stop, lines };
        load.goes_on().await;
        load
    }

    /// Waits until it is under way in every queue: more casts are accepted and more calls are answered.
    ///
    /// # Panics
    /// If they are not in time.
    pub async fn goes_on(&self) {
        for line in &self.lines {
            line.takes_casts().await;
            line.answers_calls().await;
        }
    }

    /// Waits until more casts are accepted in this queue.
    ///
    /// # Panics
    /// If they are not in time.
    pub async fn takes_casts(&self, place: usize) {
        self.lines[place].takes_casts().await;
    }

    /// What is known of this queue so far.
    #[must_use]
    pub fn accounts(&self, place: usize) -> &Accounts {
        &self.lines[place].accounts
    }

    /// Ends it: every cast that was accepted is executed, nothing has hung, and nobody was told what is not true.
    ///
    /// # Panics
    /// If it is not so.
    pub async fn end(self) {
        self.end_without(&BTreeSet::new()).await;
    }

    /// The same; only these may be lost.
    ///
    /// # Panics
    /// As [`Load::end`].
    pub async fn end_without(self, lost: &BTreeSet<u32>) {
        self.stop.store(true, Ordering::Relaxed);
        for Line { channel, accounts, mut running } in self.lines {
            while let Some(ended) = soon("nothing hangs", running.join_next()).await {
                ended.expect("it ends");
            }
            all_done(&accounts, lost).await;
            emptied(&self.sender, &channel).await;
            accounts.assert_true(self.sender.capabilities().atomic_reply);
        }
    }
}

/// Waits until nothing is left to be done: only then what was said of calls can be held against what was done.
async fn emptied(broker: &Arc<dyn Broker>, channel: &Channel) {
    let mut last = None;
    let emptying = async {
        loop {
            let depth = broker.depth(channel).await;
            match &depth {
                Ok(depth) if depth.ready + depth.leased + depth.delayed == 0 => return,
                // Where nothing waits there is nothing to be counted.
                Err(BrokerError::Unsupported { .. }) => return,
                _ => {}
            }
            last = Some(depth);
            sleep(Duration::from_millis(100)).await;
        }
    };
    let emptied = timeout(SOON, emptying).await;
    assert!(emptied.is_ok(), "{channel} is not empty after {SOON:?}: {last:?}");
}

impl Line {
    fn start(channel: &Channel, sender: &Arc<dyn Broker>, worker: &Arc<dyn Broker>, stop: &Arc<AtomicBool>) -> Self {
        let accounts = Arc::<Accounts>::default();
        work(Arc::clone(worker), channel.clone(), Arc::clone(&accounts));
        let mut running = JoinSet::new();
        running.spawn(put_until(Arc::clone(sender), channel.clone(), Arc::clone(&accounts), Arc::clone(stop)));
        let tapped = Tapped { broker: Arc::clone(sender), accounts: Arc::clone(&accounts) };
        let client = Client::new(Arc::new(Through(tapped)));
        for _ in 0..CALLERS {
            running.spawn(call_until(client.clone(), channel.clone(), Arc::clone(&accounts), Arc::clone(stop)));
        }
        Self { channel: channel.clone(), accounts, running }
    }

    async fn takes_casts(&self) {
        self.counts_to("casts are accepted", 100, Accounts::accepted).await;
    }

    async fn answers_calls(&self) {
        self.counts_to("calls are answered", 20, Accounts::answered).await;
    }

    /// Waits until one of the counts is higher by so many.
    async fn counts_to(&self, what: &str, more: usize, count: impl Fn(&Accounts) -> usize) {
        let before = count(&self.accounts);
        let counting = async {
            while count(&self.accounts) < before + more {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let counted = timeout(SOON, counting).await;
        assert!(counted.is_ok(), "{what}: not within {SOON:?}; {}", self.accounts.summary());
    }
}

/// Puts numbered work on a queue until it is told to stop.
async fn put_until(broker: Arc<dyn Broker>, channel: Channel, accounts: Arc<Accounts>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let acks: Vec<_> = std::iter::repeat_with(fresh)
            .take(BURST)
            .map(|number| (number, broker.enqueue(&channel, cast(number), EnqueueOptions::default())))
            .collect();
        for (number, ack) in acks {
            accounts.sent(number, soon("the answer to an enqueue", ack).await);
        }
        // Calls wait behind casts, and are to be answered in time.
        let pause = if accounts.backlog() > BACKLOG { BEHIND } else { Duration::from_millis(1) };
        sleep(pause).await;
    }
}

/// Works on numbered casts and answers calls for as long as the broker is used.
///
/// # Panics
/// Its task, if the queue cannot be consumed.
pub fn work(broker: Arc<dyn Broker>, channel: Channel, accounts: Arc<Accounts>) {
    tokio::spawn(async move {
        let mut consumer = broker.consume(channel, ConsumeOptions::default()).await.expect("it can be consumed");
        while let Some(delivery) = consumer.next().await {
            let request = Arc::clone(delivery.envelope());
            accounts.execute(number(&request));
            let settlement =
                if request.reply_to.is_some() { Settlement::Reply(echo(&request)) } else { Settlement::Done };
            // What is not settled because the server is gone comes again.
            drop(delivery.settle(settlement));
        }
    });
}

/// Waits until all that was accepted is done, except for what may be lost.
async fn all_done(accounts: &Accounts, lost: &BTreeSet<u32>) {
    let all = async {
        while !accounts.missing().is_subset(lost) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(SOON, all).await.is_err() {
        let missing = accounts.missing();
        panic!("of {} accepted {} are lost: {missing:?}", accounts.accepted(), missing.len());
    }
}

/// Calls until it is told to stop.
async fn call_until(client: Client, channel: Channel, accounts: Arc<Accounts>, stop: Arc<AtomicBool>) {
    // Its deadline, and the time that a busy machine may need to say so.
    const MOST: Duration = Duration::from_secs(12);
    while !stop.load(Ordering::Relaxed) {
        let (number, began) = (fresh(), Instant::now());
        let called = call_with(number, &client, &channel, CALL_TIME).await;
        accounts.called(number, began.elapsed(), MOST, called);
        sleep(Duration::from_millis(1)).await;
    }
}
