//! The native protocol as bytes: a hello, then length-prefixed frames in both directions. Pure;
//! `docs/wire.md` describes it for other languages.

mod admin;
mod body;
mod client_decode;
mod client_encode;
mod client_frame;
mod error;
mod frame;
mod hello;
mod names;
mod primitives;
mod refusal;
mod server_decode;
mod server_encode;
mod server_frame;

pub use self::{
    body::WriteBody,
    client_frame::ClientFrame,
    error::WireError,
    frame::{FRAME_ROOM, first_frame, frame_limit, split_frame},
    hello::{
        Accepted, ClientHello, MAGIC, MAX_CLIENT_HELLO, MAX_CLIENT_NAME, MIN_VERSION, ServerHello, VERSION,
        common_version,
    },
    names::Names,
    primitives::MAX_TEXT,
    server_frame::ServerFrame,
};
