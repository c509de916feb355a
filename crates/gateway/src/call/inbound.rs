//! A request on its way in.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use skyloom::{Extras, client::Request};

use crate::{
    exchange::{Known, RequestId, forwarded, room, trace},
    routes::Operation,
    state::State,
};

/// A request on its way in, all but its body.
pub(crate) struct Inbound<'a> {
    pub(crate) state: &'a State,
    pub(crate) parts: &'a Parts,
    pub(crate) known: Known<'a>,
    pub(crate) id: RequestId,
    /// What is passed on shares this, since many small buffers would cost more than all else.
    buffer: BytesMut,
}

impl<'a> Inbound<'a> {
    pub(crate) fn new(state: &'a State, parts: &'a Parts) -> Self {
        let mut buffer = room();
        let known = Known::of(&parts.headers);
        let id = RequestId::of(known.request_id, &mut buffer);
        Self { state, parts, known, id, buffer }
    }

    /// The request for an operation with this payload.
    pub(crate) fn request(&mut self, operation: &Operation, payload: Bytes, timeout: Option<Duration>) -> Request {
        let channel = operation.service.channel.clone();
        let mut request = Request::new(channel, operation.method.clone(), operation.transcoder.codec(), payload);
        let headers = forwarded(self.parts, &self.known, &self.id, &mut self.buffer);
        request.extras = Extras::new().with_headers(headers).with_trace(Some(trace(&self.known)));
        request.timeout = timeout.or(operation.timeout);
        request.idempotent = operation.idempotent;
        request
    }
}
