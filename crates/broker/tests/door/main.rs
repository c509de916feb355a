//! The native door over real sockets.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

mod flow;
mod hello;
mod raw;
mod restart;
mod rules;
mod socket;
mod starved;
