//! Connections of tests, and their death.

use std::{future::Future, sync::Arc, time::Duration};

use skyloom_broker_adapters::{
    redis::RedisBroker,
    remote::{BrokerUrl, OpenError},
};
use skyloom_core::{Channel, Status, broker::Broker, client::Client};
use skyloom_testing::conformance::{Killer, Peer, apart};
use tokio::{runtime::Builder, task::JoinHandle};

use super::load::{SOON, call};

/// How long to wait for a server that is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the broker that a URL names.
pub(crate) async fn try_connect(url: &str) -> Result<RedisBroker, OpenError> {
    let url: BrokerUrl = url.parse()?;
    RedisBroker::connect(&url, PATIENCE).await
}

/// Connects to a broker that is there.
pub(crate) async fn connect(url: &str) -> Arc<dyn Broker> {
    Arc::new(try_connect(url).await.expect("the broker can be used"))
}

/// A call that goes on beside the test.
pub(crate) fn calling(client: &Client, channel: &Channel) -> JoinHandle<Result<(), Status>> {
    let (client, channel) = (client.clone(), channel.clone());
    tokio::spawn(async move { call(&client, &channel, SOON).await })
}

/// A broker whose connections live and die apart, as in a process of its own.
pub(crate) struct Process {
    pub(crate) broker: Arc<dyn Broker>,
    killer: Killer,
}

impl Process {
    pub(crate) async fn start(url: &str) -> Self {
        let url = url.to_owned();
        let connect = async move || try_connect(&url).await.expect("the broker can be used");
        let (broker, killer) = apart(connect).await;
        Self { broker, killer }
    }

    /// Ends it without a word.
    pub(crate) fn kill(&self) {
        self.killer.kill();
    }

    /// As one that a rule can end.
    pub(crate) fn into_peer(self) -> Peer {
        Peer::new(Arc::clone(&self.broker), move || self.kill())
    }
}

/// Runs a test for a limited time, on one thread.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(90), test).await };
    runtime.block_on(limited).expect("the test ends in time");
}

/// Runs a test on two threads: its load goes on while it waits for a server.
pub(crate) fn run_beside_load(test: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(300), test).await };
    runtime.block_on(limited).expect("the test ends in time");
}
