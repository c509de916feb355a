//! What every broker adapter and registry of Skyloom must do.
//!
//! [`conformance`] states it as rules. A crate with an adapter writes a [`conformance::Fixture`]
//! and one line, `skyloom_testing::broker_conformance!(MyFixture);`, which makes one test of each
//! rule. [`servers`] starts the real brokers that such a fixture needs. [`figures`] is what programs that
//! measure have in common.

pub mod conformance;

pub mod servers;

pub mod figures;
