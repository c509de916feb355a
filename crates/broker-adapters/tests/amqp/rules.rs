//! Every rule that an adapter must keep, with classic queues and with quorum queues. With the latter, inboxes are
//! durable whatever the server's version.

use std::sync::{Arc, Mutex};

use skyloom_testing::{
    conformance::{BrokerFixture, Fixture, Peer},
    servers::{RabbitMq, Server},
};

use crate::{
    kit::{connect, corner, server},
    proxy::Proxy,
};

const QUEUE_LIMIT: usize = 100;

/// A corner of the shared server, or a server of its own, and the wires to it.
struct Corner {
    options: String,
    own: Option<RabbitMq>,
    wires: Mutex<Vec<Arc<Proxy>>>,
}

impl Corner {
    fn of(kinds: &str, own: Option<RabbitMq>) -> Self {
        let limit = if own.is_none() { format!("&queue_messages={QUEUE_LIMIT}") } else { String::new() };
        let options = format!("prefix={}&{kinds}{limit}", corner());
        Self { options, own, wires: Mutex::default() }
    }

    async fn peer(&self) -> Peer {
        let port = self.own.as_ref().unwrap_or_else(|| server()).server().port();
        let wire = Arc::new(Proxy::to(port).await);
        self.wires.lock().expect("nobody panics with it").push(Arc::clone(&wire));
        let broker = connect(wire.port(), &self.options).await;
        Peer::new(Arc::new(broker), move || wire.cut())
    }

    /// Ends the server of its own and starts it anew, while its clients go on.
    async fn restart(&mut self, end: fn(&mut Server)) {
        let mut own = self.own.take().expect("a server of its own");
        let restarting = tokio::task::spawn_blocking(move || {
            end(own.server_mut());
            own.server_mut().restart();
            own
        });
        self.own = Some(restarting.await.expect("it starts anew"));
    }
}

struct Classic(Corner);

impl Fixture for Classic {
    async fn start() -> Self {
        Self(Corner::of("queue=classic", None))
    }

    async fn connect(&self) -> Peer {
        self.0.peer().await
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Classic {
    async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
        Ok(Self(Corner::of(&format!("queue=classic&queue_bytes={bytes}"), None)))
    }

    async fn durable() -> Self {
        Self(Corner::of("queue=classic", Some(RabbitMq::start())))
    }

    async fn crash(&mut self) {
        self.0.restart(Server::kill).await;
    }
}

struct Quorum(Corner);

impl Fixture for Quorum {
    async fn start() -> Self {
        Self(Corner::of("queue=quorum&inboxes=durable", None))
    }

    async fn connect(&self) -> Peer {
        self.0.peer().await
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Quorum {
    async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
        Ok(Self(Corner::of(&format!("queue=quorum&inboxes=durable&queue_bytes={bytes}"), None)))
    }

    async fn durable() -> Self {
        Self(Corner::of("queue=quorum&inboxes=durable", Some(RabbitMq::start())))
    }

    async fn crash(&mut self) {
        // A sole node that is killed forgets which quorum queues it has made in the last minutes: it saves their
        // register so rarely, because others of its cluster know them.
        self.0.restart(Server::terminate).await;
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
