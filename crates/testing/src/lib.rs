//! Tests of services: a cluster in the test's own process.
//!
//! [`TestCluster`] runs the real services on the memory broker, with the real workers, clients and registry, and HTTP
//! goes through the real gateway without a socket. It starts in less than a millisecond. What a service depends on is
//! replaced in a line, with its types checked; every call, cast and event is seen; and a test can hold a handler,
//! lose a worker, or fill a queue.
//!
//! ```
//! use skyloom::prelude::*;
//! use skyloom_testing::{Fault, TestCluster};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Order { item: String, amount: u32 }
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Placed { item: String, receipt: String }
//! # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! # struct Charge { amount: u32 }
//! # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! # struct Receipt { number: String }
//! # struct Payments;
//! # #[service(version = 1)]
//! # impl Payments {
//! #     #[handler]
//! #     async fn charge(&self, _charge: Json<Charge>) -> Result<Json<Receipt>> {
//! #         Err(Status::unavailable("the test has no payments"))
//! #     }
//! # }
//!
//! #[derive(Default)]
//! struct Orders;
//!
//! #[service(version = 1)]
//! impl Orders {
//!     #[handler(post = "/v1/orders")]
//!     async fn place(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Placed>> {
//!         let charge = Json(Charge { amount: order.amount });
//!         let Json(receipt) = PaymentsClient::new(&ctx).charge(charge).await?;
//!         Ok(Json(Placed { item: order.item, receipt: receipt.number }))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! // In a test of yours this is the body of a `#[tokio::test]`.
//! let cluster = TestCluster::new()
//!     .with(Orders::default())
//!     .fake(PaymentsClient::CHARGE, |Json(charge)| Ok(Json(Receipt { number: format!("r-{}", charge.amount) })))
//!     .start()
//!     .await;
//!
//! // By the typed client, and by HTTP through the gateway.
//! let order = Order { item: "tea".to_owned(), amount: 30 };
//! let Json(placed) = cluster.client::<OrdersClient>().place(Json(order.clone())).await?;
//! assert_eq!(placed.receipt, "r-30");
//! let response = cluster.http().post("/v1/orders").json(&order).await;
//! assert_eq!(response.assert_status(200).json::<Placed>(), placed);
//!
//! // What the fake was asked.
//! cluster.calls(PaymentsClient::CHARGE).assert_count(2).assert_all(|Json(charge)| charge.amount == 30);
//!
//! // The next call of it fails.
//! cluster.inject(PaymentsClient::CHARGE, Fault::Error(Status::failed_precondition("the card is empty")));
//! let status = cluster.client::<OrdersClient>().place(Json(order)).await.unwrap_err();
//! assert_eq!(status.message(), "the card is empty");
//! cluster.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Methods are named by the constants that `#[service]` makes on a service's client, such as `OrdersClient::PLACE`,
//! and topics by [`topic`]; a service without a client has its methods named by [`method`]. All bring their types, so
//! that a fake of the wrong type does not compile.
//!
//! | to | there is |
//! |---|---|
//! | call | [`Cluster::client`], [`Cluster::http`], [`Cluster::publish`] |
//! | replace a dependency | [`TestCluster::fake`], [`TestCluster::fake_with`], or [`TestCluster::with`] a service of the test's own |
//! | see what was sent | [`Cluster::calls`], [`Cluster::casts`], [`Cluster::events`], [`Cluster::dead_letters`] |
//! | wait | [`Cluster::hook`] for a handler, [`Cluster::idle`] for all work |
//! | hold a handler | [`Cluster::hold`] |
//! | disturb | [`Cluster::inject`] a [`Fault`], [`Cluster::lose_worker`], [`Cluster::fill`] |
//! | let no time pass | `#[tokio::test(start_paused = true)]`, or [`TestCluster::paused`] |
//!
//! What is asserted or awaited in vain panics with what was seen instead:
//!
//! ```text
//! expected exactly 1 call of payments.v1/Charge, and there were 2; what was sent to payments.v1/Charge:
//!      +0.4ms call payments.v1/Charge {"amount":30}: attempt 1 by the fake payments.v1.Payments answered {"number":"r-30"}
//!      +0.6ms call payments.v1/Charge {"amount":30}: attempt 1 by the fake payments.v1.Payments answered {"number":"r-30"}
//! ```
//!
//! # For the authors of adapters
//! With the feature `conformance`, the module `conformance` states what every broker adapter and registry of Skyloom
//! must do as rules. A crate with an adapter writes a `Fixture` and one line,
//! `skyloom_testing::broker_conformance!(MyFixture);`, which makes one test of each rule. The module `servers` starts
//! the real brokers that such a fixture needs, `load` keeps them busy while something happens to them, and `figures` is
//! what programs that measure have in common.
#![cfg_attr(all(doctest, feature = "cluster"), doc = include_str!("../../../docs/testing.md"))]

#[cfg(feature = "cluster")]
mod cluster;

#[cfg(feature = "conformance")]
pub mod load;

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "conformance")]
pub mod servers;

#[cfg(feature = "conformance")]
pub mod programs;

#[cfg(feature = "conformance")]
pub mod figures;

#[cfg(feature = "cluster")]
pub use self::cluster::{
    Cluster, DeadLetters, Fault, Full, Held, Hold, Hook, Http, HttpRequest, HttpResponse, HttpStream, Letter, Message,
    Seen, Target, TestCluster, Topic, method, topic,
};
