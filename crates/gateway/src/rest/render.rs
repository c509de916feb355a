//! A reply as the body of a response.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use prost_reflect::{Kind, ReflectMessage as _};
use serde_json::Value;
use skyloom::{Codec, HttpBody, Result, Status, client::Response as Reply};

use super::content::Format;
use crate::{
    exchange::{Body, Response, apply},
    routes::Operation,
};
use skyloom::transcode::{Types, find_field, json_of};

/// What raw bytes are if their sender does not say.
const UNTYPED: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A body and its type.
pub(super) type Rendered = (HeaderValue, Bytes);

/// The response to a call with one reply.
pub(super) fn unary(operation: &Operation, reply: Reply, format: Format, field: Option<&str>) -> Result<Response> {
    let (content_type, data) = render(operation, reply.codec, reply.payload, format, field)?;
    let mut headers = HeaderMap::with_capacity(4);
    let status = apply(&reply.headers, &mut headers).unwrap_or(StatusCode::OK);
    let mut response = Response::new(match status {
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => Body::empty(),
        _ => {
            if !headers.contains_key(header::CONTENT_TYPE) {
                headers.insert(header::CONTENT_TYPE, content_type);
            }
            Body::full(data)
        }
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// A reply as a body: raw bytes as they are, all else in the format that was asked for; with a
/// field's name only that field.
fn render(
    operation: &Operation,
    codec: Codec,
    payload: Bytes,
    format: Format,
    field: Option<&str>,
) -> Result<Rendered> {
    let transcoder = &operation.transcoder;
    if format == Format::Protobuf {
        return match codec {
            Codec::Protobuf => Ok((HeaderValue::from_static("application/proto"), payload)),
            Codec::Json => Err(Status::unimplemented(format!("{} answers with JSON: send JSON", transcoder.name()))),
        };
    }
    if codec == Codec::Protobuf && is_raw(operation, field) {
        return raw_of(operation, &payload, field).map(raw);
    }
    Ok((HeaderValue::from_static("application/json"), json(operation, codec, payload, field)?))
}

/// A reply as JSON; with a field's name only that field.
pub(super) fn json(operation: &Operation, codec: Codec, payload: Bytes, field: Option<&str>) -> Result<Bytes> {
    let transcoder = &operation.transcoder;
    match (codec, transcoder.output(), field) {
        (Codec::Protobuf, Types::Protobuf(_), Some(name)) => {
            let message = transcoder.reply_message(&payload)?;
            let field = find_field(&message.descriptor(), name).ok_or_else(|| no_field(name))?;
            pick(&json_of(&message)?, field.json_name())
        }
        (Codec::Json, _, Some(name)) => pick(&payload, name),
        (Codec::Json, _, None) => Ok(payload),
        _ => transcoder.decode_reply(codec, &payload),
    }
}

/// Whether a reply in protobuf, or this field of it, is raw bytes.
pub(super) fn is_raw(operation: &Operation, field: Option<&str>) -> bool {
    match (operation.transcoder.output(), field) {
        (Types::Raw, _) => true,
        (Types::Protobuf(descriptor), Some(name)) => {
            let kind = find_field(descriptor, name).map(|field| field.kind());
            matches!(kind, Some(Kind::Message(inner)) if inner.full_name() == HttpBody::FULL_NAME)
        }
        _ => false,
    }
}

/// The raw bytes that a reply in protobuf, or this field of it, is.
pub(super) fn raw_of(operation: &Operation, payload: &Bytes, field: Option<&str>) -> Result<HttpBody> {
    let transcoder = &operation.transcoder;
    let Some(name) = field.filter(|_| !matches!(transcoder.output(), Types::Raw)) else {
        return transcoder.raw_reply(payload);
    };
    let message = transcoder.reply_message(payload)?;
    let field = find_field(&message.descriptor(), name).ok_or_else(|| no_field(name))?;
    let encoded = message.get_field(&field).as_message().map(prost::Message::encode_to_vec).unwrap_or_default();
    transcoder.raw_reply(&encoded.into())
}

/// Raw bytes and their type.
pub(super) fn raw(body: HttpBody) -> Rendered {
    let given = Some(body.content_type).filter(|given| !given.is_empty());
    (given.and_then(|given| HeaderValue::try_from(given).ok()).unwrap_or(UNTYPED), body.data)
}

fn pick(object: &[u8], name: &str) -> Result<Bytes> {
    let broken = |error| Status::internal(format!("the reply is no JSON: {error}"));
    let mut object: Value = serde_json::from_slice(object).map_err(broken)?;
    let value = object.get_mut(name).map(Value::take).unwrap_or_default();
    Ok(value.to_string().into())
}

fn no_field(name: &str) -> Status {
    Status::internal(format!("the HTTP rule names the field {name:?}, which the reply lacks"))
}
