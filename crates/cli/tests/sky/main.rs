//! The command `sky` from the outside: real processes, a real broker on a socket of its own.

// Helpers of tests fail the test, too.
#![allow(clippy::unwrap_used)]

mod echo;
mod ground;
mod bench;
mod calls;
mod clusters;
mod letters;
mod listings;
mod mistakes;
