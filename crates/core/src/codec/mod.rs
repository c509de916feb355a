//! Payload codecs: protobuf messages, and any serde type inside [`Json`].

mod json;
mod payload;
mod protobuf;

pub use self::{json::Json, payload::Payload};
