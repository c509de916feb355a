//! REST, gRPC and JSON in front of the queues.
//!
//! A [`Gateway`] follows the registry, so that a service that starts is reachable at once. A request
//! reaches a method in one of three ways:
//!
//! - **REST**, by the `google.api.http` rules of the contract. Path and query bind fields, repeated ones
//!   by repetition, nested ones by dots. A query parameter that is no field is a mistake.
//! - **`POST /{package.Service}/{Method}`** with `application/json` or `application/proto`, as in the
//!   Connect protocol. A body without a type, or with the one that `curl -d` sends, is taken for JSON.
//! - **gRPC** on the same port, unary and server-streaming; payloads pass undecoded.
//!
//! # JSON
//! Protobuf's own mapping, by the contract's descriptors. Both spellings of a field's name are read.
//! In replies names are in lowerCamelCase and fields at their default are written, so that a caller
//! sees every field there is. Code-first services get and give their own JSON; what their types say
//! about fields is checked here. `google.api.HttpBody` is raw bytes in both directions.
//!
//! # Streams
//! A line of JSON (`application/x-ndjson`) for each message, or gRPC messages. One that fails in the
//! middle ends with the line `{"error": <problem>}`. A client that leaves stops the worker; a gateway
//! that is stopped ends its streams with `UNAVAILABLE`.
//!
//! # Headers
//! Headers of the request reach the handler, `host` and `authorization` among them; what is from hop to
//! hop, and everything by which a client could claim an identity (`principal`, `x-skyloom-*`), does not.
//! `traceparent` continues a trace. `x-request-id` is taken over if it is well-formed, and is on every
//! response. `connect-timeout-ms`, and `grpc-timeout` for gRPC, shorten the time a call may take. A
//! handler's reply headers become the response's, and `http-status` its status.
//!
//! # Errors
//! `application/problem+json` with the members `code` (gRPC's name), `request_id`, `outcome` (`known`,
//! `not-started`, `unknown`), `retry_safe` and `details`; the status is the one that
//! `google/rpc/code.proto` assigns to the code. 404 is for what never existed, 503 with `Retry-After` for
//! a known service without a running instance; and for everything that is not known, in the three seconds after a crash of
//! the embedded broker, to a gateway that starts in them.
//!
//! A gateway that has just started lets requests wait for the registry's first snapshot, at most two
//! seconds; `/readyz` says meanwhile that it is not ready.

pub mod options;
mod error;
mod template;
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
mod process;

pub use self::{
    bind::{Parts, bind_json},
    error::GatewayError,
    exchange::Body,
    gateway::Gateway,
    options::GatewayOptions,
    process::{SECTION, serve, serve_with},
    routes::{Route, routes},
    server::{Bound, Draining, inherited_listener},
};
