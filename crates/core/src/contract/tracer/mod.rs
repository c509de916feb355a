//! Learns a type's shape from its `Deserialize` implementation, by running it on samples and
//! recording what it asks for, as the `serde-reflection` crate does.
//!
//! One run shows what can be seen until the implementation refuses a sample, and one variant of each
//! enum; what is known is kept and not asked for again, so a few runs show the rest.

mod error;
mod node;
mod progress;
mod deserializer;
mod run;
#[cfg(test)]
mod tests;

pub(super) use self::run::trace;
