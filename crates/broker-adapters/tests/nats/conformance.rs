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
    options: String,
}

impl Nats {
    fn of(server: Arc<Server>, options: &str) -> Self {
        Self { server, prefix: corner(), options: options.to_owned() }
    }
}

impl Fixture for Nats {
    async fn start() -> Self {
        Self::of(shared(), &format!("storage=memory&queue_messages={QUEUE_LIMIT}"))
    }

    async fn connect(&self) -> Peer {
        let line = Line::to(self.server.port()).await;
        let Self { prefix, options, .. } = self;
        let url = format!("nats://127.0.0.1:{}?prefix={prefix}&{options}", line.port);
        let broker = connect(&url).await;
        Peer::new(Arc::new(broker), move || line.cut())
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Nats {
    async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
        Ok(Self::of(shared(), &format!("storage=memory&queue_bytes={bytes}")))
    }

    async fn durable() -> Self {
        Self::of(Arc::new(nats()), "storage=file")
    }

    async fn crash(&mut self) {
        crash(&mut self.server);
    }
}

skyloom_testing::broker_conformance!(Nats);
