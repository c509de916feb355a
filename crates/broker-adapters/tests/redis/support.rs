//! Connections of tests, and their death.

use std::{future::Future, sync::Arc, time::Duration};

use skyloom_broker_adapters::{
    redis::RedisBroker,
    remote::{BrokerUrl, OpenError},
};
use skyloom_core::broker::Broker;
use skyloom_testing::conformance::Peer;
use tokio::{
    runtime::Builder,
    sync::{oneshot, watch},
};

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

/// A broker whose connections live on a thread and a runtime of their own, as in a process of its own.
pub(crate) struct Process {
    pub(crate) broker: Arc<dyn Broker>,
    killed: watch::Sender<bool>,
}

impl Process {
    pub(crate) async fn start(url: &str) -> Self {
        let (killed, mut is_killed) = watch::channel(false);
        let (tell, told) = oneshot::channel();
        let url = url.to_owned();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let broker = connect(&url).await;
                let in_use = Arc::downgrade(&broker);
                drop(tell.send(broker));
                let unused = async {
                    while in_use.strong_count() > 0 {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    // Its last words.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                };
                // A sender that is gone without a word has not killed anybody.
                let killed = async {
                    if is_killed.wait_for(|killed| *killed).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    () = unused => {}
                    () = killed => {}
                }
            });
            // With the runtime its sockets are closed, and nothing is said before.
        });
        Self { broker: told.await.expect("it connects"), killed }
    }

    /// Ends it without a word.
    pub(crate) fn kill(&self) {
        self.killed.send_replace(true);
    }

    /// As one that a rule can end.
    pub(crate) fn into_peer(self) -> Peer {
        Peer::new(Arc::clone(&self.broker)).with_crash(move || self.kill())
    }
}

/// Runs a test for a limited time, on one thread.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(90), test).await };
    runtime.block_on(limited).expect("the test ends in time");
}
