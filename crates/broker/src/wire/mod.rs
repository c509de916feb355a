//! The native protocol as bytes: a hello, then length-prefixed frames in both directions. Pure;
//! `docs/wire.md` describes it for other languages.

mod error;

mod body;

mod primitives;

mod frame;

mod names;

mod refusal;

mod hello;

mod admin;

mod client_frame;

mod client_encode;

mod client_decode;

mod server_frame;

mod server_encode;

mod server_decode;

pub use self::{
    body::WriteBody,
    client_frame::ClientFrame,
    error::WireError,
    frame::{FRAME_ROOM, PREFIX, first_frame, frame_limit, split_frame},
    hello::{
        Accepted, ClientHello, MAGIC, MAX_CLIENT_HELLO, MAX_CLIENT_NAME, MIN_VERSION, ServerHello, VERSION,
        common_version,
    },
    names::Names,
    primitives::MAX_TEXT,
    server_frame::ServerFrame,
};
