//! `/healthz` and `/readyz`.

use std::time::Duration;

use http::{HeaderValue, Method, header, request::Parts};
use skyloom::{Channel, QueueName, Result, Status};

use crate::{
    exchange::{Body, Failure, Response},
    state::State,
};

/// How long the broker may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// The answer, if the path is one of the two: `/healthz` says that the process runs, `/readyz` that
/// it can serve: it is not being stopped, the registry has been heard, the broker answers.
pub(super) async fn health(state: &State, parts: &Parts) -> Option<Result<Response, Failure>> {
    let path = parts.uri.path();
    if !matches!(path, "/healthz" | "/readyz") {
        return None;
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        let allow = HeaderValue::from_static("GET, HEAD");
        return Some(Err(Failure::not_allowed(allow, format!("{path} can only be read"))));
    }
    let ready = if path == "/healthz" { Ok(()) } else { ready(state).await };
    Some(ready.map_err(Failure::from).map(|()| {
        let mut response = Response::new(Body::full("ok\n"));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    }))
}

async fn ready(state: &State) -> Result<()> {
    if *state.draining().borrow() {
        return Err(Status::unavailable("the gateway is being stopped"));
    }
    if state.table().is_none() {
        return Err(Status::unavailable("the gateway has not heard from the registry yet"));
    }
    // Any queue will do; one that does not exist is empty.
    let queue = Channel::Queue(QueueName::new("gateway")?);
    match tokio::time::timeout(PATIENCE, state.client.broker().depth(&queue)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Status::unavailable(error.to_string())),
        Err(_) => Err(Status::unavailable("the broker did not answer within 1 s")),
    }
}
