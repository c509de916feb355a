//! Payload codecs: protobuf messages, and any serde type inside [`Json`].

mod empty;
mod http_body;
mod payload;
mod place;
mod json;
mod protobuf;

pub use self::{empty::Empty, http_body::HttpBody, json::Json, payload::Payload};
