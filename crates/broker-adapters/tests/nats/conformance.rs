//! The adapter keeps every rule, with JetStream.

use std::sync::Arc;

use skyloom_testing::{
    conformance::{BrokerFixture, Fixture, Peer},
    servers::{Server, nats},
};

use crate::site::{Line, connect, corner, crash, shared};

const QUEUE_LIMIT: usize = 100;

/// A corner of the shared server, or a server of its own.
struct Nats {
    server: Arc<Server>,
    prefix: String,
    storage: &'static str,
}

impl Fixture for Nats {
    async fn start() -> Self {
        Self { server: shared(), prefix: corner(), storage: "memory" }
    }

    async fn connect(&self) -> Peer {
        let line = Line::to(self.server.port()).await;
        let Self { prefix, storage, .. } = self;
        let options = format!("prefix={prefix}&queue_messages={QUEUE_LIMIT}&storage={storage}");
        let url = format!("nats://127.0.0.1:{}?{options}", line.port);
        let broker = connect(&url).await;
        Peer::new(Arc::new(broker)).with_crash(move || line.cut())
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Nats {
    async fn durable() -> Self {
        Self { server: Arc::new(nats()), prefix: corner(), storage: "file" }
    }

    async fn crash(&mut self) {
        crash(&mut self.server);
    }
}

skyloom_testing::broker_conformance!(Nats);
