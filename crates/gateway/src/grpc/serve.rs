//! A gRPC call, from its path to its trailers.

use std::fmt::Display;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use hyper::body::Frame;
use skyloom::{Code, Codec, Result, Status, client::Response as Reply};

use super::{
    ending::{failure, success},
    frame::{PREFIX, frame, too_large, unframe},
};
use crate::{
    call::{Inbound, Replies, Routes, ensure_live, nothing},
    exchange::{Body, Failure, Response, Unreadable, apply, grpc_timeout, read, text},
};

/// Whether a request is gRPC: `application/grpc`, perhaps with a codec. (gRPC-Web is another protocol.)
pub(crate) fn is_grpc(content_type: Option<&HeaderValue>) -> bool {
    let rest = content_type.and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
}

/// Serves a gRPC request.
pub(crate) async fn serve<B>(inbound: &mut Inbound<'_>, body: B) -> Result<Response, Failure>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    if inbound.parts.version != Version::HTTP_2 {
        let status = Status::failed_precondition("gRPC needs HTTP/2: connect with prior knowledge");
        return Err(Failure::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, status));
    }
    if inbound.parts.method != Method::POST {
        return Err(Failure::not_allowed(HeaderValue::from_static("POST"), "gRPC calls are made with POST".to_owned()));
    }
    Ok(call(inbound, body).await.unwrap_or_else(|status| {
        let mut response = with_type(Body::empty());
        response.headers_mut().extend(failure(&status));
        response
    }))
}

fn with_type(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity"));
    response
}

async fn call<B>(inbound: &mut Inbound<'_>, body: B) -> Result<Response>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Display,
{
    let Inbound { state, parts, known, .. } = *inbound;
    check_codec(known.content_type)?;
    let path = parts.uri.path();
    let timeout = || grpc_timeout(known.grpc_timeout, state.options.max_timeout);
    let routes = Routes::of(state, timeout).await?;
    // A method that does not exist is "unimplemented" to gRPC.
    let missing = || nothing(state, &routes.table, path, Code::Unimplemented);
    let operation = routes.table.operation(path).ok_or_else(missing)?;
    let name = operation.transcoder.name();
    if operation.transcoder.codec() == Codec::Json {
        let message = format!("{name} takes JSON, which gRPC does not carry: POST it to /{name}");
        return Err(Status::unimplemented(message));
    }
    ensure_live(operation)?;
    let timeout = routes.left(timeout()?);
    let limit = state.options.body_limit;
    let body = read(body, limit + PREFIX, state.options.body_read_timeout).await.map_err(|error| match error {
        Unreadable::TooLarge(_) => too_large(limit),
        other => Failure::from(other).status,
    })?;
    let request = inbound.request(operation, unframe(body, limit)?, timeout);
    if operation.streaming {
        let replies = Replies::open(state, request, timeout).await?;
        return Ok(streamed(replies));
    }
    let reply = state.client.call(request).await?;
    let mut headers = HeaderMap::new();
    apply(&reply.headers, &mut headers);
    let mut response = with_type(Body::with_trailers(framed(&reply)?, success()));
    merge(&mut response, headers);
    Ok(response)
}

fn check_codec(content_type: Option<&HeaderValue>) -> Result<()> {
    let codec =
        text(content_type).strip_prefix("application/grpc").unwrap_or_default().split(';').next().unwrap_or_default();
    match codec.trim() {
        "" | "+proto" => Ok(()),
        _ => Err(Status::unimplemented("only protobuf is understood: send application/grpc+proto")),
    }
}

/// Adds what a handler has set; the content's type is the protocol's own.
fn merge(response: &mut Response, mut headers: HeaderMap) {
    headers.remove(header::CONTENT_TYPE);
    response.headers_mut().extend(headers);
}

fn framed(reply: &Reply) -> Result<Bytes> {
    match reply.codec {
        Codec::Protobuf => frame(&reply.payload),
        Codec::Json => Err(Status::unimplemented("the method answers with JSON, which gRPC does not carry")),
    }
}

fn streamed(replies: Replies) -> Response {
    let mut headers = HeaderMap::new();
    apply(&replies.headers(), &mut headers);
    let frames = stream::unfold(Some(replies), |replies| async {
        let mut replies = replies?;
        Some(match replies.next().await.map(|reply| reply.and_then(|reply| framed(&reply))) {
            Some(Ok(data)) => (Ok(Frame::data(data)), Some(replies)),
            Some(Err(status)) => (Ok(Frame::trailers(failure(&status))), None),
            None => (Ok(Frame::trailers(success())), None),
        })
    });
    let mut response = with_type(Body::stream(frames));
    merge(&mut response, headers);
    response
}
