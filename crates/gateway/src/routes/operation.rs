//! A method as the gateway calls it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use prost_reflect::Kind;
use skyloom::{Channel, Text, contract::HttpBody};

use crate::template::{Piece, Variable};
use skyloom::transcode::{MethodTranscoder, Types, find_field};

/// A service in the table.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its full name.
    pub(crate) name: String,
    /// Its queue.
    pub(crate) channel: Channel,
    live: AtomicBool,
}

impl Service {
    pub(super) fn new(name: String, channel: Channel) -> Self {
        Self { name, channel, live: AtomicBool::new(false) }
    }

    /// Whether an instance of it runs, as far as the registry knows.
    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Relaxed)
    }

    pub(super) fn set_live(&self, live: bool) {
        self.live.store(live, Relaxed);
    }
}

/// A method as the gateway calls it.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) service: Arc<Service>,
    /// The method's name, ready to be sent.
    pub(crate) method: Text,
    pub(crate) transcoder: MethodTranscoder,
    pub(crate) streaming: bool,
    pub(crate) idempotent: bool,
    /// How long a call may take, if the caller does not say.
    pub(crate) timeout: Option<Duration>,
}

/// One way to reach a method by REST.
#[derive(Debug)]
pub(crate) struct RestRoute {
    pub(crate) operation: Arc<Operation>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) body: HttpBody,
    /// The field of the reply that becomes the response's body.
    pub(crate) response_body: Option<String>,
}

impl RestRoute {
    /// Whether the body is raw bytes: the request, or the field that the body is, is a
    /// `google.api.HttpBody`.
    pub(crate) fn takes_raw_body(&self) -> bool {
        match (self.operation.transcoder.input(), &self.body) {
            (Types::Raw, _) => true,
            (Types::Protobuf(descriptor), HttpBody::Field(name)) => {
                let kind = find_field(descriptor, name).map(|field| field.kind());
                matches!(kind, Some(Kind::Message(inner)) if inner.full_name() == skyloom::HttpBody::FULL_NAME)
            }
            _ => false,
        }
    }
}
