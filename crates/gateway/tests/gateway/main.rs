//! The gateway over real sockets, with services on a broker in the same process.

// A helper of a test may fail the test.
#![allow(clippy::unwrap_used)]

mod cluster;
mod crowded;
mod deserted;
mod early;
mod grpc;
mod http1;
mod json;
mod library;
mod lifecycle;
mod mapping;
mod mistakes;
mod notes;
mod odd;
mod process;
mod refused;
mod rest;
mod streams;
mod windows;
