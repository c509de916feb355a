//! Skyloom: services that talk through queues.
//!
//! Annotate handlers with [`macro@service`], and the service has a well-known queue with competing
//! workers, a client, a contract, and a place in the registry:
//!
//! ```no_run
//! use skyloom::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Hello { name: String }
//! #[derive(Serialize, Deserialize)]
//! struct Greeting { text: String }
//!
//! #[derive(Clone)]
//! struct Greeter;
//!
//! #[service(version = 1)]
//! impl Greeter {
//!     #[handler(get = "/v1/hello/{name}", timeout = "2s")]
//!     async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
//!         Ok(Json(Greeting { text: format!("Hello, {}!", hello.name) }))
//!     }
//! }
//!
//! #[skyloom::main]
//! async fn main() -> Result<()> { skyloom::serve(Greeter).await }
//! ```
//!
//! Without a broker's URL in the configuration, the process uses the local broker, and hosts one if
//! there is none.
#![cfg_attr(doctest, doc = include_str!("../../../README.md"))]

mod connect;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod config;
pub mod exit;
pub mod embedded;
mod host;
pub mod signals;
pub mod telemetry;
mod foreground;
mod app;
#[cfg(feature = "transcode")]
pub mod transcode;
#[cfg(feature = "proto")]
mod proto;
mod runtime;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod prelude;

/// The well-known messages of protobuf, such as `Timestamp`, for contracts that use them.
#[cfg(feature = "proto")]
pub use prost_types;
pub use skyloom_core::{
    Channel, Code, Codec, Context, Detail, Envelope, GroupName, Guid, Headers, HttpBody, Json, Kind, Ledger,
    MethodName, NameError, Outcome, Payload, QueueName, Result, ServiceRef, Status, StreamSender, Streaming, Text,
    TopicName, TraceContext, broker,
    client::{self, Client},
    contract, registry, service, worker,
};
pub use skyloom_macros::{event, handler, main, service};

pub use self::{
    app::{App, serve},
    config::Settings,
    connect::{ConnectError, Connection, Endpoints, connect, guarantees},
    foreground::Foreground,
};
