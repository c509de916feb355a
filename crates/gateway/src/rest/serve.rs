//! A request, from its path to its response.

use std::{fmt::Display, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use prost::Message as _;
use skyloom::{Codec, Status, contract::HttpVerb};

use super::{
    content::{Format, check_encoding, format, unsupported},
    health::health,
    lines::streamed,
    payload::{Asked, payload, raw},
    render::unary,
};
use crate::{
    call::{Replies, ensure_live, missing, request},
    exchange::{Body, Failure, RequestId, Response, connect_timeout, read},
    routes::{Found, Operation, RestRoute},
    state::State,
    template::{Slashes, decode},
    transcode::Types,
};

/// Serves a request that is not gRPC.
pub(crate) async fn serve<B>(state: &State, parts: &Parts, body: B, id: &RequestId) -> Result<Response, Failure>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    if let Some(answer) = health(state, parts).await {
        return answer;
    }
    let path = parts.uri.path();
    let table = state.table();
    if let Some(operation) = table.operation(path) {
        return match parts.method {
            Method::POST => rpc(state, operation, parts, body, id).await,
            Method::OPTIONS => Ok(options(&[HttpVerb::Post])),
            _ => Err(not_allowed(&parts.method, &[HttpVerb::Post])),
        };
    }
    decode(path, Slashes::Decode)
        .map_err(|error| Status::invalid_argument(format!("the path is malformed: {error}")))?;
    match table.rest(verb(&parts.method), path) {
        Found::Route(route, path) => {
            let asked = Asked { path, query: parts.uri.query(), headers: &parts.headers };
            rest(state, route, asked, parts, body, id).await
        }
        Found::NotAllowed(allowed) if parts.method == Method::OPTIONS => Ok(options(&allowed)),
        Found::NotAllowed(allowed) => Err(not_allowed(&parts.method, &allowed)),
        Found::Nothing => Err(missing(state, path, Status::not_found).into()),
    }
}

fn verb(method: &Method) -> Option<HttpVerb> {
    Some(match *method {
        Method::GET | Method::HEAD => HttpVerb::Get,
        Method::POST => HttpVerb::Post,
        Method::PUT => HttpVerb::Put,
        Method::PATCH => HttpVerb::Patch,
        Method::DELETE => HttpVerb::Delete,
        _ => return None,
    })
}

fn allow(allowed: &[HttpVerb]) -> HeaderValue {
    let mut names: Vec<&str> = allowed.iter().map(|verb| verb.as_str()).collect();
    if allowed.contains(&HttpVerb::Get) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    // The names are plain letters; the fall-back is never used.
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn options(allowed: &[HttpVerb]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, allow(allowed));
    response
}

fn not_allowed(method: &Method, allowed: &[HttpVerb]) -> Failure {
    let allow = allow(allowed);
    let method: String = method.as_str().chars().take(32).collect();
    let names = allow.to_str().unwrap_or_default();
    let message = format!("{method} is not allowed here, only {names}");
    Failure::not_allowed(allow, message)
}

/// `POST /{package.Service}/{Method}`: the Connect convention.
async fn rpc<B>(
    state: &State,
    operation: &Arc<Operation>,
    parts: &Parts,
    body: B,
    id: &RequestId,
) -> Result<Response, Failure>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    let transcoder = &operation.transcoder;
    let is_raw = matches!(transcoder.input(), Types::Raw);
    let format = if is_raw { Format::Json } else { format(&parts.headers)? };
    if format == Format::Protobuf && transcoder.codec() == Codec::Json {
        return Err(unsupported(format!("{} takes JSON, not protobuf", transcoder.name())));
    }
    if format == Format::Protobuf && operation.streaming {
        return Err(unsupported(format!("{} streams: send JSON, or use gRPC", transcoder.name())));
    }
    let body = body_of(state, operation, parts, body).await?;
    let payload = match format {
        Format::Json if is_raw => raw(&parts.headers, &body).encode_to_vec().into(),
        Format::Json => transcoder.encode_request(&body)?,
        Format::Protobuf => body,
    };
    answer(state, operation, payload, parts, id, format, None).await
}

async fn rest<B>(
    state: &State,
    route: &RestRoute,
    asked: Asked<'_>,
    parts: &Parts,
    body: B,
    id: &RequestId,
) -> Result<Response, Failure>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    let operation = &route.operation;
    if !route.takes_raw_body() && format(&parts.headers)? == Format::Protobuf {
        let message = format!("this path takes JSON; protobuf goes to POST /{}", operation.transcoder.name());
        return Err(unsupported(message));
    }
    let body = body_of(state, operation, parts, body).await?;
    let payload = payload(route, &asked, &body)?;
    answer(state, operation, payload, parts, id, Format::Json, route.response_body.as_deref()).await
}

async fn body_of<B>(state: &State, operation: &Operation, parts: &Parts, body: B) -> Result<Bytes, Failure>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    check_encoding(&parts.headers)?;
    ensure_live(operation)?;
    Ok(read(body, state.options.body_limit, state.options.body_read_timeout).await?)
}

async fn answer(
    state: &State,
    operation: &Arc<Operation>,
    payload: Bytes,
    parts: &Parts,
    id: &RequestId,
    format: Format,
    field: Option<&str>,
) -> Result<Response, Failure> {
    let timeout = connect_timeout(&parts.headers, state.options.max_timeout)?;
    let request = request(operation, payload, timeout, parts, id);
    if operation.streaming {
        let replies = Replies::open(state, request, timeout).await?;
        return Ok(streamed(Arc::clone(operation), replies, id.clone()).await?);
    }
    let reply = state.client.call(request).await?;
    Ok(unary(operation, reply, format, field)?)
}
