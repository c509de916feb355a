//! What is sent to a service.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use skyloom::{Outcome, Result, Status, client::Request};

use crate::{
    exchange::{RequestId, forwarded, trace},
    routes::{Operation, Table},
};

/// Refuses a call of a service that has no running instance, so that its caller need not wait for
/// the deadline to learn of it. Should the registry be wrong, trying again is safe.
pub(crate) fn ensure_live(operation: &Operation) -> Result<()> {
    if operation.service.is_live() {
        return Ok(());
    }
    let message = format!("{} has no running instance now: try again later", operation.service.name);
    Err(Status::unavailable(message).with_outcome(Outcome::NotStarted))
}

/// Why there is no method at this path, `/{package.Service}/{Method}`.
pub(crate) fn missing(table: &Table, path: &str) -> String {
    let short = |text: &str| text.chars().take(128).collect::<String>();
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if service.contains('.') && !method.contains('/') => {
            table.missing(&short(service), &short(method))
        }
        _ => format!("there is nothing at {:?}", short(path)),
    }
}

/// The request for an operation with this payload.
pub(crate) fn request(
    operation: &Operation,
    payload: Bytes,
    timeout: Option<Duration>,
    parts: &Parts,
    id: &RequestId,
) -> Request {
    let channel = operation.service.channel.clone();
    let mut request = Request::new(channel, operation.method.clone(), operation.transcoder.codec(), payload);
    request.headers = forwarded(parts, id);
    request.trace = Some(trace(&parts.headers));
    request.timeout = timeout.or(operation.timeout);
    request.idempotent = operation.idempotent;
    request
}
