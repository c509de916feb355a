//! The Rust of the README and of the guide, compiled as doc tests. The examples are the programs of this
//! package: `cargo run --bin saga`.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/contracts.md")]
mod contracts {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/handlers.md")]
mod handlers {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/clients.md")]
mod clients {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/errors-and-deadlines.md")]
mod errors_and_deadlines {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/events-and-streams.md")]
mod events_and_streams {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/configuration.md")]
mod configuration {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/gateway.md")]
mod gateway {}
