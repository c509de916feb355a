//! Tests of services: a cluster in the test's own process.
//!
//! [`TestCluster`] runs the real services on the memory broker, with the real workers, clients and registry, and
//! HTTP goes through the real gateway without a socket.
//!
//! # For the authors of adapters
//! With the feature `conformance`, [`conformance`] states what every broker adapter and registry of Skyloom must do
//! as rules. A crate with an adapter writes a [`conformance::Fixture`] and one line,
//! `skyloom_testing::broker_conformance!(MyFixture);`, which makes one test of each rule. [`servers`] starts the
//! real brokers that such a fixture needs. [`figures`] is what programs that measure have in common.

#[cfg(feature = "cluster")]
mod cluster;

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "conformance")]
pub mod servers;

#[cfg(feature = "conformance")]
pub mod figures;

#[cfg(feature = "cluster")]
pub use self::cluster::{
    Cluster, DeadLetters, Fault, Full, Held, Hold, Hook, Http, HttpRequest, HttpResponse, HttpStream, Letter, Message,
    Seen, Target, TestCluster, Topic, topic,
};
