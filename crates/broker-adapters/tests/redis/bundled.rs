//! Calls that wait in shared entries of a server, and workers for them.

use std::sync::Arc;

use skyloom_core::{
    Channel, Guid,
    broker::{Broker, ConsumeOptions, Consumer, Delivery, Depth},
};
use skyloom_testing::servers::Server;

use super::{
    caller::{CALLS, Caller, answer, assert_answered, consume, entries, next, split, start},
    entry::put_together,
    load::queue,
    support::connect,
};

/// Calls that wait in shared entries of a server, and nobody serves them yet.
pub(crate) struct Bundled {
    pub(crate) server: Server,
    pub(crate) url: String,
    pub(crate) caller: Caller,
    pub(crate) channel: Channel,
    pub(crate) calls: Vec<Guid>,
}

/// How many calls share an entry.
const SHARED: usize = 8;

impl Bundled {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// With these options of the URL.
    pub(crate) async fn start_with(options: &str) -> Self {
        let (server, url) = start();
        let url = format!("{url}{options}");
        let (caller, channel) = (Caller::open(&url).await, queue("bundled.v1"));
        let calls: Vec<_> = (0..CALLS).map(|number| caller.envelope(number)).collect();
        put_together(&server, &channel, &calls, SHARED);
        Self { server, url, caller, channel, calls: calls.iter().map(|call| call.id).collect() }
    }

    /// A worker, and what it consumes.
    pub(crate) async fn worker(&self, options: ConsumeOptions) -> (Arc<dyn Broker>, Consumer) {
        let worker = connect(&self.url).await;
        let consumer = consume(&worker, &self.channel, options).await;
        (worker, consumer)
    }

    /// As many calls as this have ended.
    pub(crate) fn ended(&self) -> usize {
        self.caller.ends.all().len()
    }

    /// Waits until this many have.
    pub(crate) async fn until_ended(&self, count: usize) {
        self.caller.ends.count(count).await;
    }

    /// Waits until all have ended; each was answered once, by the attempt that is expected of it.
    pub(crate) async fn assert_answered(&self, attempt: impl Fn(&Guid) -> u32) {
        self.until_ended(self.calls.len()).await;
        assert_answered(&self.caller.ends, &self.calls, attempt);
    }

    pub(crate) async fn depth(&self) -> Depth {
        self.caller.broker.depth(&self.channel).await.expect("the depth is known")
    }

    /// Nothing is left, and nothing is remembered of what was in part settled.
    pub(crate) fn assert_empty(&self) {
        assert_eq!((entries(&self.server, &self.channel), split(&self.server, &self.channel)), (0, 0));
    }
}

/// The next this many deliveries.
pub(crate) async fn take(consumer: &mut Consumer, count: u32) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for _ in 0..count {
        deliveries.push(next(consumer).await);
    }
    deliveries
}

/// Answers the next this many deliveries.
pub(crate) async fn answer_next(consumer: &mut Consumer, count: u32) {
    for _ in 0..count {
        answer(next(consumer).await).await.expect("it is settled");
    }
}

/// Answers whatever comes.
pub(crate) async fn answer_all(mut consumer: Consumer) {
    while let Some(delivery) = consumer.next().await {
        drop(answer(delivery));
    }
}
