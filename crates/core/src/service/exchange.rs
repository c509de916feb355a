//! What goes into a handler and what comes out, encoded.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Codec, Context, Envelope, Streaming};

/// A request or an event for a handler.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What is known about the call.
    pub context: Context,
    /// The envelope it came in.
    pub envelope: Arc<Envelope>,
}

/// A handler's reply.
#[derive(Debug)]
pub struct Answer {
    /// How the payloads are encoded.
    pub codec: Codec,
    /// One message, or a stream of them.
    pub body: Body,
}

/// The payload of an answer.
#[derive(Debug)]
pub enum Body {
    /// One encoded message.
    Message(Bytes),
    /// A stream of encoded messages.
    Stream(Streaming<Bytes>),
}
