//! What goes into a handler and what comes out, encoded.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Codec, Context, Envelope, Streaming};

/// A request or an event for a handler.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What is known about the call.
    pub context: Context,
    /// What the handler gets in place of the envelope that the call came in.
    replaced: Option<Arc<Envelope>>,
}

impl Incoming {
    /// What came with this context.
    #[inline]
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context, replaced: None }
    }

    /// The same with another envelope for the handler.
    #[must_use]
    pub fn with_envelope(self, envelope: Envelope) -> Self {
        Self { replaced: Some(Arc::new(envelope)), ..self }
    }

    /// The envelope that the handler gets.
    #[inline]
    #[must_use]
    pub fn envelope(&self) -> &Arc<Envelope> {
        self.replaced.as_ref().unwrap_or_else(|| self.context.envelope())
    }
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
