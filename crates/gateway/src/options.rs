//! What a gateway allows, and its limits.

use std::time::Duration;

/// The largest body of a request. Calls are small; whoever moves files needs an object store.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// The size of all headers of a request together; what nginx and Apache allow by default is 8 to 32 KiB.
pub const HEADER_BYTES: u32 = 16 * 1024;
/// How many headers a request may have; hyper's own default, made explicit.
pub const HEADER_COUNT: usize = 100;
/// How long a client may take to send a request's headers, so that slow ones cannot hold connections.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's body.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may read nothing while a response waits for it.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a client may ask for a call; that of [`skyloom::client::ClientOptions`].
pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);
/// How many requests one HTTP/2 connection may have under way; RFC 9113 recommends at least 100.
pub const MAX_CONCURRENT_STREAMS: u32 = 100;
/// How many connections may be open; each takes a file descriptor and some 20 KiB.
pub const MAX_CONNECTIONS: usize = 10_000;
/// How often a silent HTTP/2 connection is asked whether it is still there.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// How long it may take to answer that.
pub const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests may take to finish once the gateway is told to stop; the same as a worker's drain.
pub const DRAIN: Duration = Duration::from_secs(20);
/// How long connections that are kept alive stay open for one more request once the gateway is told to stop: its
/// answer says that it is the last one. A client that finds its connection closed just when it sends cannot know
/// whether the request was taken; busy clients send their next one within milliseconds.
pub const LINGER: Duration = Duration::from_secs(2);
/// How long a request that comes before the registry's first snapshot may wait for it. It takes
/// milliseconds, so that a gateway's restart under load is not seen unless the registry is away.
pub const REGISTRY_WAIT: Duration = Duration::from_secs(2);

/// What a gateway allows. The defaults are the constants of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayOptions {
    /// The largest body of a request, in bytes. Default [`BODY_LIMIT`].
    pub body_limit: usize,
    /// The size of all headers of a request together, in bytes; at least 8 KiB. Default [`HEADER_BYTES`].
    pub header_bytes: u32,
    /// How many headers a request may have. Default [`HEADER_COUNT`].
    pub header_count: usize,
    /// How long a client may take to send a request's headers. Default [`HEADER_READ_TIMEOUT`].
    pub header_read_timeout: Duration,
    /// How long a client may take to send a request's body. Default [`BODY_READ_TIMEOUT`].
    pub body_read_timeout: Duration,
    /// How long a client may read nothing while a response waits for it. Default [`WRITE_TIMEOUT`].
    pub write_timeout: Duration,
    /// The longest time that a client may ask for a call. Default [`MAX_TIMEOUT`].
    pub max_timeout: Duration,
    /// How many requests one HTTP/2 connection may have under way. Default [`MAX_CONCURRENT_STREAMS`].
    pub max_concurrent_streams: u32,
    /// How many connections may be open. Default [`MAX_CONNECTIONS`].
    pub max_connections: usize,
    /// How often a silent HTTP/2 connection is asked whether it is still there. Default [`KEEP_ALIVE_INTERVAL`].
    pub keep_alive_interval: Duration,
    /// How long it may take to answer that. Default [`KEEP_ALIVE_TIMEOUT`].
    pub keep_alive_timeout: Duration,
    /// How long requests may take to finish once the gateway is told to stop. Default [`DRAIN`].
    pub drain: Duration,
    /// How long connections stay open for a last request once the gateway is told to stop; within `drain`. Default
    /// [`LINGER`].
    pub linger: Duration,
    /// How long a request that comes before the registry's first snapshot may wait for it. Default
    /// [`REGISTRY_WAIT`].
    pub registry_wait: Duration,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            body_limit: BODY_LIMIT,
            header_bytes: HEADER_BYTES,
            header_count: HEADER_COUNT,
            header_read_timeout: HEADER_READ_TIMEOUT,
            body_read_timeout: BODY_READ_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
            max_timeout: MAX_TIMEOUT,
            max_concurrent_streams: MAX_CONCURRENT_STREAMS,
            max_connections: MAX_CONNECTIONS,
            keep_alive_interval: KEEP_ALIVE_INTERVAL,
            keep_alive_timeout: KEEP_ALIVE_TIMEOUT,
            drain: DRAIN,
            linger: LINGER,
            registry_wait: REGISTRY_WAIT,
        }
    }
}
