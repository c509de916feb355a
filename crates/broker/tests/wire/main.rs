//! The native protocol: what is written is read, and what is garbled is refused.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

mod any;
mod documented;
mod garbled;
mod round_trip;
