//! Every rule that an adapter must keep, with classic queues and with quorum queues.

use std::sync::{Arc, Mutex};

use skyloom_testing::conformance::{Fixture, Peer};

use crate::{
    kit::{connect, corner, server},
    proxy::Proxy,
};

const QUEUE_LIMIT: usize = 100;

/// A corner of the server, and the wires to it.
struct Corner {
    options: String,
    wires: Mutex<Vec<Arc<Proxy>>>,
}

impl Corner {
    fn of(queues: &str) -> Self {
        let options = format!("prefix={}&queue_messages={QUEUE_LIMIT}&queue={queues}", corner());
        Self { options, wires: Mutex::default() }
    }

    async fn peer(&self) -> Peer {
        let wire = Arc::new(Proxy::to(server().server().port()).await);
        self.wires.lock().expect("nobody panics with it").push(Arc::clone(&wire));
        let broker = connect(wire.port(), &self.options).await;
        Peer::new(Arc::new(broker)).with_crash(move || wire.cut())
    }
}

struct Classic(Corner);

impl Fixture for Classic {
    async fn start() -> Self {
        Self(Corner::of("classic"))
    }

    async fn connect(&self) -> Peer {
        self.0.peer().await
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

struct Quorum(Corner);

impl Fixture for Quorum {
    async fn start() -> Self {
        Self(Corner::of("quorum"))
    }

    async fn connect(&self) -> Peer {
        self.0.peer().await
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

mod classic {
    use super::Classic;
    skyloom_testing::broker_conformance!(Classic);
}

mod quorum {
    use super::Quorum;
    skyloom_testing::broker_conformance!(Quorum);
}
