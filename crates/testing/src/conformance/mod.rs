//! What every adapter must do, as rules over a [`Fixture`].
//!
//! What is common to all brokers is demanded of all. What only some guarantee is demanded of those
//! whose [`Capabilities`](skyloom_core::broker::Capabilities) claim it; the others must refuse it. What was shown of
//! a broker is its row in the tables of `docs/brokers.md`.

mod apart;

mod probe;

mod kit;

mod fixture;

mod guarantee;

pub mod rules;

mod findings;

mod table;

mod suite;

mod page;

pub use self::{
    apart::{Killer, apart},
    findings::Findings,
    fixture::{BrokerFixture, Fixture, Peer, RegistryFixture},
    guarantee::{Guarantee, Shown, Verdict},
    page::assert_page_shows,
    suite::run,
};
