//! What a rule needs of the broker that is tested.

use std::{future::Future, sync::Arc, time::Duration};

use skyloom_core::{broker::Broker, registry::Registry};

use super::kit::soon;

/// A broker of its own for one rule.
pub trait Fixture: Send + Sync + Sized + 'static {
    /// Starts an empty broker, or takes an unused corner of a shared one.
    fn start() -> impl Future<Output = Self> + Send;

    /// A new connection to it, as another process would have one.
    fn connect(&self) -> impl Future<Output = Peer> + Send;

    /// How many messages a queue takes. Small, so that it can be filled.
    fn queue_limit(&self) -> usize;

    /// The shortest lease that the broker can keep; some count in whole seconds.
    fn shortest_lease(&self) -> Duration {
        Duration::from_millis(200)
    }
}

/// A connection, as a process has one.
pub struct Peer {
    /// The broker through it.
    pub broker: Arc<dyn Broker>,
    crash: Box<dyn FnOnce() + Send>,
}

impl Peer {
    /// A connection, and how to break it as the death of its process would.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>, crash: impl FnOnce() + Send + 'static) -> Self {
        Self { broker, crash: Box::new(crash) }
    }

    /// Breaks the connection as the death of its process would.
    pub(crate) fn crash(self) {
        (self.crash)();
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("broker", &self.broker).finish_non_exhaustive()
    }
}

/// A broker whose crash can be tried, and its limits.
pub trait BrokerFixture: Fixture {
    /// Starts an empty broker whose queues take so many bytes.
    ///
    /// # Errors
    /// The sentence with which it refuses to be set up so.
    fn bounded_in_bytes(bytes: usize) -> impl Future<Output = Result<Self, String>> + Send;

    /// Starts an empty broker that stores what it can, as it is recommended for production, whose queues take as much
    /// as they do by default, and that no other rule uses.
    fn durable() -> impl Future<Output = Self> + Send;

    /// Ends it as a power failure would, and starts it anew.
    fn crash(&mut self) -> impl Future<Output = ()> + Send;

    /// What the server calls itself, as a name and a version; none if the broker is in this process.
    fn server(&self) -> impl Future<Output = Option<String>> + Send {
        async {
            let broker = self.connect().await.broker;
            let admin = broker.admin()?;
            // Once it has answered it has introduced itself.
            soon("the channels", admin.channels()).await.expect("channels can be listed");
            soon("the server's name", admin.server()).await.expect("an operator is told the server")
        }
    }
}

/// A registry on the connections of a [`Fixture`].
pub trait RegistryFixture: Fixture {
    /// A new connection and the registry through it.
    fn registry(&self) -> impl Future<Output = (Peer, Arc<dyn Registry>)> + Send;
}
