//! [`Gateway`] itself.

use std::{fmt::Display, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header, request::Parts};
use hyper::body::Body as _;
use skyloom::{client::Client, registry::Registry};

use crate::{
    call::Inbound,
    exchange::{Body, Failure, Known, RequestId, Response, check, respond_with},
    follow::follow,
    grpc,
    options::GatewayOptions,
    rest,
    state::State,
};

/// REST, gRPC and JSON in front of the queues. Cheap to clone; it follows the registry for as long as
/// a clone exists.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(crate) state: Arc<State>,
}

impl Gateway {
    /// A gateway that calls services with this client and learns of them from this registry. It must
    /// be made within a Tokio runtime, where it follows the registry.
    #[must_use]
    pub fn new(client: Client, registry: Arc<dyn Registry>, options: GatewayOptions) -> Self {
        let state = Arc::new(State::new(client, options));
        tokio::spawn(follow(registry, Arc::downgrade(&state)));
        Self { state }
    }

    /// Resolves when the registry has been heard, so that the gateway knows what it serves.
    pub async fn known(&self) {
        self.state.first_table().await;
    }

    /// Answers a request. Dropping the future gives the call up.
    pub async fn handle<B>(&self, request: Request<B>) -> http::Response<Body>
    where
        B: hyper::body::Body<Data = Bytes>,
        B::Error: Display,
    {
        let (parts, body) = request.into_parts();
        self.handle_checked(&parts, body, |_, _| Ok(())).await
    }

    /// Answers a request that its protocol has rules for, too.
    pub(crate) async fn handle_checked<B>(
        &self,
        parts: &Parts,
        body: B,
        rules: impl FnOnce(&Parts, &Known<'_>) -> Result<(), Failure>,
    ) -> http::Response<Body>
    where
        B: hyper::body::Body<Data = Bytes>,
        B::Error: Display,
    {
        let state = &*self.state;
        let mut inbound = Inbound::new(state, parts);
        let checked = check(parts, &inbound.known, state.options.header_count);
        let checked = checked.and_then(|()| rules(parts, &inbound.known));
        let answer = match checked {
            Err(failure) => Err(failure),
            Ok(()) if grpc::is_grpc(inbound.known.content_type) => grpc::serve(&mut inbound, body).await,
            Ok(()) => rest::serve(&mut inbound, body).await,
        };
        let mut response = answer.unwrap_or_else(|failure| respond_with(&failure, &inbound.id));
        tracing::debug!(
            method = %parts.method,
            path = parts.uri.path(),
            status = response.status().as_u16(),
            id = inbound.id.as_str(),
            "answered"
        );
        response.headers_mut().insert(RequestId::HEADER, inbound.id.header());
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }
}

/// The same headers as with a body, and none.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
