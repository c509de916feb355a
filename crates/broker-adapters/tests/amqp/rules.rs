//! Every rule that an adapter must keep, with classic queues.

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

impl Fixture for Corner {
    async fn start() -> Self {
        let options = format!("prefix={}&queue_messages={QUEUE_LIMIT}", corner());
        Self { options, wires: Mutex::default() }
    }

    async fn connect(&self) -> Peer {
        let wire = Arc::new(Proxy::to(server().server().port()).await);
        self.wires.lock().expect("nobody panics with it").push(Arc::clone(&wire));
        let broker = connect(wire.port(), &self.options).await;
        Peer::new(Arc::new(broker)).with_crash(move || wire.cut())
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

mod broker {
    use super::Corner;
    skyloom_testing::broker_conformance!(Corner);
}
