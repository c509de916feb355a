//! The envelope: a small header and an opaque payload. `proto/skyloom/envelope.proto` defines it.

mod decode;
mod encode;
mod headers;
mod message;
mod wire;

pub use self::{
    decode::DecodeEnvelopeError,
    headers::Headers,
    message::{Codec, Envelope, Kind},
};
