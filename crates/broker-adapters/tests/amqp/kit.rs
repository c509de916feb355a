//! A RabbitMQ for all tests of this program, and a corner of it for each.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use skyloom_broker_adapters::{amqp::AmqpBroker, remote::BrokerUrl};
use skyloom_testing::servers::RabbitMq;
use tokio::sync::{Mutex, MutexGuard};

/// How long a server may take to be there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The one server.
pub(crate) fn server() -> &'static RabbitMq {
    static SERVER: OnceLock<RabbitMq> = OnceLock::new();
    SERVER.get_or_init(RabbitMq::start)
}

/// A server that tests do harm to, one at a time; each leaves it as it was.
pub(crate) async fn troubled() -> MutexGuard<'static, RabbitMq> {
    static SERVER: OnceLock<Mutex<RabbitMq>> = OnceLock::new();
    SERVER.get_or_init(|| Mutex::new(RabbitMq::start())).lock().await
}

/// A prefix that no other test uses.
pub(crate) fn corner() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("corner-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The URL of a server on this port.
pub(crate) fn url(port: u16, options: &str) -> BrokerUrl {
    format!("amqp://guest:secret@127.0.0.1:{port}/%2f?{options}").parse().expect("a valid URL")
}

/// A connection to the server on this port.
pub(crate) async fn connect(port: u16, options: &str) -> AmqpBroker {
    AmqpBroker::connect(&url(port, options), PATIENCE).await.expect("the broker can be used")
}

/// The URL of these servers, which are tried in this order.
pub(crate) fn cluster_url(ports: &[u16], options: &str) -> BrokerUrl {
    let hosts: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("amqp://guest:secret@{}/%2f?{options}", hosts.join(",")).parse().expect("a valid URL")
}
