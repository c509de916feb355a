//! The beanstalkd door, most of it side by side with beanstalkd itself.

// Outside of a `#[test]` too, a panic here is a failed test.
#![allow(clippy::unwrap_used)]

#[path = "../door/raw.rs"]
// The tests of the native door use the rest of it.
#[allow(dead_code)]
mod raw;
mod client;
mod dialect;
mod ours;
mod pair;
mod steps;
mod sessions;
mod lines;
mod times;
mod envelopes;
mod native;
mod restart;
mod crowd;
mod library;
