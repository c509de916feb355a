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
//! `cargo run` starts it. Without a broker's URL in its configuration, the process uses the local broker, and
//! hosts one if there is none; nothing has to be installed.
//!
//! # Calling it
//! `#[service]` writes the client beside the service. It needs a connection and nobody's address. Here both
//! are in one process, on the broker in its memory:
//!
//! ```
//! use skyloom::{Connection, prelude::*};
//! # #[derive(Serialize, Deserialize)]
//! # struct Hello { name: String }
//! # #[derive(Serialize, Deserialize)]
//! # struct Greeting { text: String }
//! # struct Greeter;
//! # #[service(version = 1)]
//! # impl Greeter {
//! #     #[handler]
//! #     async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
//! #         Ok(Json(Greeting { text: format!("Hello, {}!", hello.name) }))
//! #     }
//! # }
//!
//! #[skyloom::main]
//! async fn main() -> Result<()> {
//!     let connection = Connection::memory(); // or `skyloom::connect("local:").await?`
//!     let running = App::new().serve(Greeter).start(&connection).await?;
//!
//!     let greeter = GreeterClient::new(connection.client());
//!     let Json(greeting) = greeter.hello(Json(Hello { name: "Ada".to_owned() })).await?;
//!     assert_eq!(greeting.text, "Hello, Ada!");
//!
//!     running.drain().await;
//!     Ok(())
//! }
//! ```
//!
//! # Where to look
//! | for | see |
//! |---|---|
//! | writing a service | [`macro@service`], [`macro@handler`], [`macro@event`], [`Context`], [`Streaming`] |
//! | messages | [`Json`], [`HttpBody`], any protobuf message; [`Payload`] |
//! | calling | [`Client`], [`client::Call`], [`client::ClientOptions`], [`InstanceClient`] |
//! | how a call ends | [`Status`], [`Code`], [`Outcome`], [`Ledger`] |
//! | a process | [`fn@serve`], [`App`], [`macro@main`], [`Settings`], [`Foreground`], [`about()`], [`config`], [`signals`], [`telemetry`], [`exit`] |
//! | where things are | [`connect()`], [`Endpoints`], [`Connection`], [`registry`] |
//! | writing a broker's adapter, a gateway, a tool | [`broker`], [`contract`], [`mod@service`], [`worker`], [`Envelope`] |
//!
//! Beside this crate there are `skyloom-build` (contracts from `.proto` files, in a `build.rs`), `skyloom-testing` (a
//! cluster in a test's own process, with fakes and faults), `skyloom-gateway` (REST, JSON and gRPC in front of the queues)
//! and `skyloom-cli` (`sky`, which makes projects, runs clusters and looks into them).
//!
//! The [guide] goes through these in order; the [examples] are read in a minute each.
//!
//! [guide]: https://github.com/skyloom/skyloom/blob/main/docs/README.md
//! [examples]: https://github.com/skyloom/skyloom/tree/main/examples
//!
//! # Features
//! None is on by default: the embedded broker and JSON need none.
//!
//! | feature | what it adds |
//! |---|---|
//! | `proto` | contract-first services: what the code of `skyloom-build` refers to, `include_proto!` |
//! | `transcode` | JSON to protobuf and back by a contract, for gateways and tools; part of `proto` |
//! | `nats` | NATS as broker and registry: `nats://`, `tls://` |
//! | `redis` | Redis and Valkey as broker and registry: `redis://`, `rediss://`, `redis+cluster://`, `rediss+cluster://`, `redis+unix:///` |
//! | `amqp` | RabbitMQ as broker: `amqp://`, `amqps://` |
//! | `beanstalk` | beanstalkd as broker: `beanstalk://` |
//! | `brokers` | all four |
//! | `daemon` | `--daemon`: a process that puts itself into the background |

#[doc(hidden)]
pub mod system;
mod arguments;
mod connect;
pub mod exit;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod config;
mod about;
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
mod instance;
mod runtime;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod prelude;

/// The well-known messages of protobuf, such as `Timestamp`, for contracts that use them.
#[cfg(feature = "proto")]
pub use prost_types;
pub use skyloom_core::{
    Channel, Code, Codec, Context, Detail, Envelope, Extras, GroupName, Guid, Headers, HttpBody, Json, Kind, Ledger,
    MethodName, NameError, Outcome, Payload, QueueName, Result, ServiceRef, Status, StreamSender, Streaming, Text,
    TopicName, TraceContext, broker,
    client::{self, Client},
    contract, registry, service, set_busy_poll, worker,
};
pub use skyloom_macros::{event, handler, main, service};

#[doc(hidden)]
pub use skyloom_broker::door::Shortage;

#[doc(hidden)]
pub use self::foreground::{RUN_BY, SECTION_TOLD};
pub use self::{
    about::about,
    app::{App, serve},
    config::Settings,
    connect::{ConnectError, Connection, Endpoints, connect, guarantees},
    foreground::Foreground,
    instance::InstanceClient,
};
