//! The adapter keeps every rule, with JetStream.

use std::sync::Arc;

use skyloom_testing::{
    conformance::{Fixture, Peer},
    servers::Server,
};

use crate::site::{Line, connect, corner, shared};

const QUEUE_LIMIT: usize = 100;

/// A corner of the shared server.
struct Nats {
    server: Arc<Server>,
    prefix: String,
}

impl Fixture for Nats {
    async fn start() -> Self {
        Self { server: shared(), prefix: corner() }
    }

    async fn connect(&self) -> Peer {
        let line = Line::to(self.server.port()).await;
        let (port, prefix) = (line.port, &self.prefix);
        let url = format!("nats://127.0.0.1:{port}?prefix={prefix}&queue_messages={QUEUE_LIMIT}&storage=memory");
        let broker = connect(&url).await;
        Peer::new(Arc::new(broker)).with_crash(move || line.cut())
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

skyloom_testing::broker_conformance!(Nats);
