//! nats-server.

use super::{Launch, Server};

/// A nats-server with JetStream, for messages of up to 8 MiB and a little.
///
/// # Panics
/// If it is not installed or does not start.
#[must_use]
pub fn nats() -> Server {
    nats_with("")
}

/// A nats-server with JetStream and more lines in its configuration.
///
/// # Panics
/// If it is not installed or does not start.
#[must_use]
pub fn nats_with(more: &str) -> Server {
    nats_plain(&format!("jetstream {{ store_dir: \"store\" }}\n{more}"))
}

/// A nats-server with these lines in its configuration, and without JetStream unless they say so.
///
/// # Panics
/// If it is not installed or does not start.
#[must_use]
pub fn nats_plain(more: &str) -> Server {
    let launch = Launch::new("nats-server");
    let (port, directory) = (launch.port(), launch.directory());
    let file = directory.join("nats.conf");
    let lines = format!("listen: \"127.0.0.1:{port}\"\nmax_payload: 8454144\nping_interval: \"2s\"\n{more}\n");
    std::fs::write(&file, lines).expect("the configuration can be written");
    let file = file.display().to_string();
    Server::start(launch.args(["-c", &file]))
}
