//! Our side: the typed client of a service.

use skyloom::{Connection, Endpoints};

use super::{
    caller::Caller,
    common::service::{BenchClient, Message, PAYLOAD},
};

/// Where the broker is and, if it is elsewhere, the registry: two words in one.
pub(crate) fn endpoints(address: &str) -> Endpoints {
    let (broker, registry) = address.split_once(' ').unwrap_or((address, ""));
    let registry = (!registry.is_empty()).then(|| registry.to_owned());
    Endpoints { registry, ..Endpoints::new(broker) }
}

/// A caller with the connection that all of them share.
pub(crate) struct Ours {
    client: BenchClient,
    _connection: Connection,
}

impl Caller for Ours {
    async fn connect(address: &str, count: usize) -> Vec<Self> {
        let connection = endpoints(address).connect().await.expect("the broker is there");
        let client = BenchClient::new(connection.client());
        (0..count).map(|_| Self { client: client.clone(), _connection: connection.clone() }).collect()
    }

    async fn call(&mut self) {
        let reply = self.client.repeat(Message::sample()).await.expect("a reply");
        assert_eq!(reply.text.len(), PAYLOAD);
    }
}
