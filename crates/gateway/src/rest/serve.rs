//! A request, from its path to its response.

use std::{fmt::Display, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use prost::Message as _;
use skyloom::{
    Code, Codec, Status,
    contract::{HttpBody, HttpVerb},
};

use super::{
    content::{Format, check_encoding, format, unsupported},
    health::health,
    lines::{self, streamed},
    payload::{Asked, payload, raw},
    render::unary,
};
use crate::{
    call::{Inbound, Replies, Routes, ensure_live, nothing},
    exchange::{Body, Failure, Response, connect_timeout, read},
    routes::{Found, Operation, RestRoute},
    template::{Slashes, decode},
};
use skyloom::transcode::Types;

/// What a contract can have a rule for.
const EVERY_VERB: [HttpVerb; 5] = [HttpVerb::Get, HttpVerb::Post, HttpVerb::Put, HttpVerb::Patch, HttpVerb::Delete];

/// Serves a request that is not gRPC.
pub(crate) async fn serve<B>(inbound: &mut Inbound<'_>, body: B) -> Result<Response, Failure>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    let (state, parts) = (inbound.state, inbound.parts);
    if let Some(answer) = health(state, parts).await {
        return answer;
    }
    // What the gateway as a whole takes: RFC 9110, section 9.3.7.
    if parts.method == Method::OPTIONS && parts.uri.path() == "*" {
        return Ok(options(&EVERY_VERB));
    }
    let routes =
        Routes::of(state, || connect_timeout(inbound.known.connect_timeout, state.options.max_timeout)).await?;
    let mut serving = Serving { inbound, routes: &routes };
    let path = parts.uri.path();
    if let Some(operation) = routes.table.operation(path) {
        return match parts.method {
            Method::POST => serving.rpc(operation, body).await,
            Method::OPTIONS => Ok(options(&[HttpVerb::Post])),
            _ => Err(not_allowed(&parts.method, &[HttpVerb::Post])),
        };
    }
    decode(path, Slashes::Decode)
        .map_err(|error| Status::invalid_argument(format!("the path is malformed: {error}")))?;
    match routes.table.rest(verb(&parts.method), path) {
        Found::Route(route, path) => {
            let asked = Asked { path, query: parts.uri.query(), content_type: serving.inbound.known.content_type };
            serving.rest(route, asked, body).await
        }
        Found::NotAllowed(allowed) if parts.method == Method::OPTIONS => Ok(options(&allowed)),
        Found::NotAllowed(allowed) => Err(not_allowed(&parts.method, &allowed)),
        Found::Nothing => Err(nothing(state, &routes.table, path, Code::NotFound).into()),
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

/// A request and the routes for it.
struct Serving<'a, 'b> {
    inbound: &'a mut Inbound<'b>,
    routes: &'a Routes,
}

impl Serving<'_, '_> {
    /// `POST /{package.Service}/{Method}`: the Connect convention.
    async fn rpc<B>(&mut self, operation: &Arc<Operation>, body: B) -> Result<Response, Failure>
    where
        B: hyper::body::Body<Data = Bytes>,
        B::Error: Display,
    {
        let content_type = self.inbound.known.content_type;
        let transcoder = &operation.transcoder;
        let is_raw = matches!(transcoder.input(), Types::Raw);
        let format = if is_raw { Format::Json } else { format(content_type)? };
        if format == Format::Protobuf && transcoder.codec() == Codec::Json {
            return Err(unsupported(format!("{} takes JSON, not protobuf", transcoder.name())));
        }
        if format == Format::Protobuf && operation.streaming {
            return Err(unsupported(format!("{} streams: send JSON, or use gRPC", transcoder.name())));
        }
        let body = self.body_of(operation, body).await?;
        let payload = match format {
            Format::Json if is_raw => raw(content_type, &body).encode_to_vec().into(),
            Format::Json => transcoder.encode_request(&body)?,
            Format::Protobuf => body,
        };
        self.answer(operation, payload, format, None).await
    }

    /// A path by the contract's rules.
    async fn rest<B>(&mut self, route: &RestRoute, asked: Asked<'_>, body: B) -> Result<Response, Failure>
    where
        B: hyper::body::Body<Data = Bytes>,
        B::Error: Display,
    {
        let operation = &route.operation;
        // Without a body its type means nothing.
        if route.body != HttpBody::None
            && !route.takes_raw_body()
            && format(self.inbound.known.content_type)? == Format::Protobuf
        {
            let message = format!("this path takes JSON; protobuf goes to POST /{}", operation.transcoder.name());
            return Err(unsupported(message));
        }
        let body = self.body_of(operation, body).await?;
        let payload = payload(route, &asked, &body)?;
        self.answer(operation, payload, Format::Json, route.response_body.as_deref()).await
    }

    async fn body_of<B>(&self, operation: &Operation, body: B) -> Result<Bytes, Failure>
    where
        B: hyper::body::Body<Data = Bytes>,
        B::Error: Display,
    {
        check_encoding(self.inbound.known.content_encoding)?;
        ensure_live(operation)?;
        let options = &self.inbound.state.options;
        Ok(read(body, options.body_limit, options.body_read_timeout).await?)
    }

    async fn answer(
        &mut self,
        operation: &Arc<Operation>,
        payload: Bytes,
        format: Format,
        field: Option<&str>,
    ) -> Result<Response, Failure> {
        let Inbound { state, known, .. } = *self.inbound;
        let timeout = self.routes.left(connect_timeout(known.connect_timeout, state.options.max_timeout)?);
        let request = self.inbound.request(operation, payload, timeout);
        if operation.streaming {
            let replies = Replies::open(state, request, timeout).await?;
            let asked = lines::Asked { operation: Arc::clone(operation), field: field.map(Arc::from) };
            return Ok(streamed(asked, replies, self.inbound.id.clone()).await?);
        }
        let reply = state.client.call(request).await?;
        Ok(unary(operation, reply, format, field)?)
    }
}
