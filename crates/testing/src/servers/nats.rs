//! nats-server.

use super::{Launch, Server, redis::make_certificates};

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
    start(Launch::new("nats-server"), more)
}

/// A nats-server that speaks TLS only, with a certificate of an authority of its own, which is `ca.pem` in its
/// directory.
///
/// # Panics
/// If it or `openssl` is not installed, or it does not start.
#[must_use]
pub fn tls_nats() -> Server {
    tls("")
}

/// The same, for clients that have a certificate of that authority; the server's own is one.
///
/// # Panics
/// If it or `openssl` is not installed, or it does not start.
#[must_use]
pub fn mutual_tls_nats() -> Server {
    tls("ca_file: \"ca.pem\", verify: true")
}

fn tls(more: &str) -> Server {
    let launch = Launch::new("nats-server");
    make_certificates(launch.directory());
    let tls = format!("tls {{ cert_file: \"server.pem\", key_file: \"server.key\", {more} }}");
    start(launch, &format!("jetstream {{ store_dir: \"store\" }}\n{tls}"))
}

fn start(launch: Launch, more: &str) -> Server {
    let port = launch.port();
    let file = launch.directory().join("nats.conf");
    let lines = format!("listen: \"127.0.0.1:{port}\"\nmax_payload: 8454144\nping_interval: \"2s\"\n{more}\n");
    std::fs::write(&file, lines).expect("the configuration can be written");
    let file = file.display().to_string();
    Server::start(launch.args(["-c", &file]))
}
