//! The envelope: a small header and an opaque payload. `proto/skyloom/envelope.proto` defines it.

mod headers;
mod extras;
mod message;
mod wire;
mod gather;
mod decode;
mod encode;

pub use self::{
    decode::DecodeEnvelopeError,
    extras::Extras,
    headers::Headers,
    message::{Codec, Envelope, Kind},
};
