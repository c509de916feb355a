//! A broker of the test's own, and services on it.

use std::{future::Future, path::Path, time::Duration};

use serde_json::Value;
use skyloom::{Channel, Codec, Connection, Result, broker::Depth, client::Request, client::Response};
use tempfile::TempDir;

use super::Process;

/// A private directory with a broker's socket in it.
pub(crate) struct Site {
    directory: TempDir,
    /// The broker's URL.
    pub(crate) url: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("sky").tempdir().unwrap();
        let url = format!("unix:{}/broker.sock", directory.path().display());
        Self { directory, url }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the broker.
    pub(crate) fn broker(&self, arguments: &[&str]) -> Process {
        let all = [&["broker", "--listen", &self.url], arguments].concat();
        Process::start("sky", &all, &[], self.path())
    }

    /// Starts a service.
    pub(crate) fn service(&self, name: &str, environment: &[(&str, &str)]) -> Process {
        let all = [&[("SKYLOOM_BROKER", self.url.as_str())], environment].concat();
        Process::start(name, &[], &all, self.path())
    }

    /// Connects to the broker.
    pub(crate) async fn connect(&self) -> Connection {
        skyloom::connect(&self.url).await.unwrap()
    }

    /// Connects, and waits until so many instances are registered.
    pub(crate) async fn connect_when(&self, instances: usize) -> Connection {
        let connection = self.connect().await;
        let registry = connection.registry.clone();
        eventually("every instance is registered", || async {
            registry.list(&Default::default()).await.is_ok_and(|list| list.len() == instances)
        })
        .await;
        connection
    }
}

/// Calls a method with JSON and waits for the encoded reply.
pub(crate) async fn call(
    connection: &Connection,
    queue: &str,
    method: &str,
    message: Value,
    timeout: Duration,
) -> Result<Response> {
    let payload = serde_json::to_vec(&message).unwrap();
    let channel: Channel = queue.parse().unwrap();
    let mut request = Request::new(channel, method.to_owned(), Codec::Json, payload.into());
    request.timeout = Some(timeout);
    connection.client().call(request).await
}

/// How much work a queue holds.
pub(crate) async fn depth(connection: &Connection, queue: &str) -> Depth {
    connection.broker.depth(&queue.parse().unwrap()).await.unwrap()
}

/// Waits until something is so, for at most 20 s.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not so within 20 s: {what}");
}
