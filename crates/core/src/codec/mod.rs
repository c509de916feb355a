//! Payload codecs: protobuf messages, and any serde type inside [`Json`].

mod http_body;
mod json;
mod payload;
mod protobuf;

pub use self::{http_body::HttpBody, json::Json, payload::Payload};
