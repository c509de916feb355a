//! What every adapter must do, as rules over a [`Fixture`].
//!
//! What is common to all brokers is demanded of all. What only some guarantee is demanded of those
//! whose [`Capabilities`](skyloom_core::broker::Capabilities) claim it; the others must refuse it.

mod apart;

mod fixture;

mod probe;

mod kit;

pub mod rules;

mod suite;

pub use self::{
    apart::{Killer, apart},
    fixture::{Fixture, Peer, RegistryFixture},
    suite::run,
};
