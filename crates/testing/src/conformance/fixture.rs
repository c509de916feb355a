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
    crash: Option<Box<dyn FnOnce() + Send>>,
}

impl Peer {
    /// A connection to a broker that cannot be broken from here.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, crash: None }
    }

    /// Says how to break the connection as the death of its process would.
    #[must_use]
    pub fn with_crash(mut self, crash: impl FnOnce() + Send + 'static) -> Self {
        self.crash = Some(Box::new(crash));
        self
    }

    /// Breaks the connection as the death of its process would; `false` if that cannot be done.
    pub(crate) fn crash(&mut self) -> bool {
        self.crash.take().map(|crash| crash()).is_some()
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("broker", &self.broker).finish_non_exhaustive()
    }
}

/// A broker whose crash can be tried.
pub trait BrokerFixture: Fixture {
    /// Starts an empty broker that stores what it can, as it is recommended for production, and that no other rule
    /// uses.
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
