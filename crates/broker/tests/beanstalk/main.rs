//! The beanstalkd door, most of it side by side with beanstalkd itself.

// Outside of a `#[test]` too, a panic here is a failed test.
#![allow(clippy::unwrap_used)]

mod client;
mod ours;
mod pair;
mod steps;
mod sessions;
