//! REST, gRPC and JSON in front of the queues.

pub mod options;
mod error;
mod nearest;
mod template;
pub mod transcode;
mod bind;
mod routes;
mod exchange;
mod state;
mod follow;
mod call;
mod rest;
mod grpc;
mod gateway;
mod server;

pub use self::{error::GatewayError, exchange::Body, gateway::Gateway, options::GatewayOptions, server::Bound};
