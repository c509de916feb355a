//! The gateway over real sockets, with services on a broker in the same process.

mod cluster;
mod grpc;
mod http1;
mod json;
mod library;
mod lifecycle;
mod mistakes;
mod notes;
mod rest;
mod streams;
