//! A stream of replies as the body of a response.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::Frame;
use skyloom::{Result, Status, client::Response as Reply};

use super::render::{is_raw, json, raw, raw_of};
use crate::{
    call::Replies,
    exchange::{Body, Failure, Problem, RequestId, Response, apply},
    routes::Operation,
};

/// What is sent of each message of a stream.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) operation: Arc<Operation>,
    /// Only this field.
    pub(super) field: Option<Arc<str>>,
}

/// The response to a call with a stream of replies: a line of JSON for each, sent as it comes. A
/// stream that fails in the middle ends with the line `{"error": <problem>}`. Of a
/// `google.api.HttpBody` the bytes are sent as they are, with the type of the first.
pub(super) async fn streamed(asked: Asked, replies: Replies, id: RequestId) -> Result<Response> {
    let mut headers = HeaderMap::new();
    let status = apply(&replies.headers(), &mut headers);
    let (content_type, body) = if is_raw(&asked.operation, asked.field.as_deref()) {
        raw_stream(asked, replies).await?
    } else {
        (HeaderValue::from_static("application/x-ndjson"), json_stream(asked, replies, id))
    };
    headers.entry(header::CONTENT_TYPE).or_insert(content_type);
    let mut response = Response::new(body);
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    *response.headers_mut() = headers;
    Ok(response)
}

fn json_stream(asked: Asked, replies: Replies, id: RequestId) -> Body {
    Body::stream(stream::unfold(Some(replies), move |replies| {
        let (asked, id) = (asked.clone(), id.clone());
        async move {
            let mut replies = replies?;
            let reply = replies.next().await?;
            Some(match reply.and_then(|reply| line(&asked, reply)) {
                Ok(line) => (Ok(Frame::data(line)), Some(replies)),
                Err(status) => (Ok(Frame::data(last_line(status, &id))), None),
            })
        }
    }))
}

fn line(asked: &Asked, reply: Reply) -> Result<Bytes> {
    let json = json(&asked.operation, reply.codec, reply.payload, asked.field.as_deref())?;
    let mut line = BytesMut::with_capacity(json.len() + 1);
    // A JSON text has no line breaks but between its tokens, where a space means the same.
    line.extend(json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    line.put_u8(b'\n');
    Ok(line.freeze())
}

fn last_line(status: Status, id: &RequestId) -> Bytes {
    let failure = Failure::from(status);
    let mut line = serde_json::json!({ "error": Problem::new(&failure, id) }).to_string();
    line.push('\n');
    line.into()
}

async fn raw_stream(asked: Asked, mut replies: Replies) -> Result<(HeaderValue, Body)> {
    let body = |asked: &Asked, reply: Reply| raw_of(&asked.operation, &reply.payload, asked.field.as_deref());
    let first = match replies.next().await {
        Some(reply) => raw(body(&asked, reply?)?),
        None => raw(skyloom::HttpBody::default()),
    };
    let (content_type, data) = first;
    let rest = stream::unfold((replies, asked), move |(mut replies, asked)| async move {
        let reply = replies.next().await?;
        let data = reply.and_then(|reply| body(&asked, reply)).map(|body| body.data);
        Some((data.map(Frame::data), (replies, asked)))
    });
    let whole = futures_util::StreamExt::chain(stream::iter([Ok(Frame::data(data))]), rest);
    Ok((content_type, Body::stream(whole)))
}
