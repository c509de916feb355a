//! Every rule that an adapter must keep, with classic queues and with quorum queues.

use std::sync::Arc;

use skyloom_testing::conformance::{Fixture, Peer};

use crate::{
    kit::{connect, corner, server},
    proxy::Proxy,
};

const QUEUE_LIMIT: usize = 100;

/// A corner of the server.
struct Corner(String);

impl Fixture for Corner {
    async fn start() -> Self {
        Self(format!("prefix={}&queue_messages={QUEUE_LIMIT}", corner()))
    }

    async fn connect(&self) -> Peer {
        let proxy = Proxy::to(server().server().port()).await;
        let broker = connect(proxy.port(), &self.0).await;
        Peer::new(Arc::new(broker)).with_crash(move || drop(proxy))
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

mod classic {
    use super::Corner;
    skyloom_testing::broker_conformance!(Corner);
}
