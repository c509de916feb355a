//! The payload of a request that comes by REST.

use std::{borrow::Cow, collections::HashSet};

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint},
};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value as ProtoValue};
use serde_json::{Map, Value};
use skyloom::{
    HttpBody as RawBody, Result, Status,
    contract::{HttpBody, Shape},
};

use crate::{
    bind::{Named, Parts, bind_json, bind_message, pairs},
    exchange::{Failure, text},
    routes::{RestRoute, capture},
    template::Variable,
};
use skyloom::transcode::{Check, Types, check_text, find_field, parse_field, parse_json, parse_message};

/// What a request says beside its body.
pub(super) struct Asked<'a> {
    /// The path without its leading slash and its custom verb.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) content_type: Option<&'a HeaderValue>,
}

/// A field of the request and the text that it gets.
type Binding<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The payload: the body by the rule, then the query's parameters, then the path's variables.
pub(super) fn payload(route: &RestRoute, asked: &Asked<'_>, body: &Bytes) -> Result<Bytes, Failure> {
    let transcoder = &route.operation.transcoder;
    if matches!(transcoder.input(), Types::Raw) {
        return Ok(raw(asked.content_type, body).encode_to_vec().into());
    }
    if route.body == HttpBody::None && !body.trim_ascii().is_empty() {
        let message = format!("{} takes no body here: use the path and the query", transcoder.name());
        return Err(Status::invalid_argument(message).into());
    }
    let bindings = bindings(route, asked)?;
    match transcoder.input() {
        Types::Json(_) if bindings.is_empty() && route.body == HttpBody::Whole => Ok(transcoder.encode_request(body)?),
        Types::Json(shape) => Ok(json(shape, &route.body, &bindings, body)?),
        Types::Protobuf(descriptor) => Ok(message(descriptor, route, asked, &bindings, body)?),
        Types::Raw | Types::Unknown => Err(transcoder.undescribed("request").into()),
    }
}

/// A body as it is, with its type.
pub(super) fn raw(content_type: Option<&HeaderValue>, body: &Bytes) -> RawBody {
    RawBody::new(text(content_type), body.clone())
}

/// The query's parameters and then the path's variables, which have the last word.
fn bindings<'a>(route: &'a RestRoute, asked: &Asked<'a>) -> Result<Vec<Binding<'a>>> {
    let mut bindings = match asked.query {
        Some(query) => parameters(route, query)?,
        None => Vec::new(),
    };
    for variable in &route.variables {
        let value = capture(asked.path, &route.pieces, variable)
            .map_err(|error| Status::invalid_argument(format!("the path is malformed: {error}")))?;
        bindings.push((joined(variable), value));
    }
    Ok(bindings)
}

fn parameters<'a>(route: &RestRoute, query: &'a str) -> Result<Vec<Binding<'a>>> {
    let parameters = pairs(query)?;
    let types = route.operation.transcoder.input();
    let own = |name: &str| Named::of(types, name).path.into_owned();
    let from_path: Vec<String> = route.variables.iter().map(|variable| own(&joined(variable))).collect();
    let body = match &route.body {
        HttpBody::Field(field) => Some(own(field)),
        HttpBody::None | HttpBody::Whole => None,
    };
    let mut seen = HashSet::new();
    for (name, _) in &parameters {
        let named = Named::of(types, name);
        let reason = match &body {
            _ if from_path.iter().any(|field| named.is_within(field)) => "it comes from the path",
            _ if route.body == HttpBody::Whole => "everything but the path's variables belongs in the body",
            Some(field) if named.is_within(field) => "it is the body",
            _ if named.many || seen.insert(named.path) => continue,
            _ => "it is given twice, and has one value",
        };
        let name: String = name.chars().take(64).collect();
        return Err(Status::invalid_argument(format!("the query may not set {name:?}: {reason}")));
    }
    Ok(parameters)
}

fn joined(variable: &Variable) -> Cow<'_, str> {
    match variable.field.as_slice() {
        [one] => Cow::Borrowed(one),
        path => Cow::Owned(path.join(".")),
    }
}

fn json(shape: &Shape, rule: &HttpBody, bindings: &[Binding<'_>], body: &Bytes) -> Result<Bytes> {
    let text = check_text(body)?;
    let mut object = match rule {
        HttpBody::None => Map::new(),
        HttpBody::Whole if text.trim().is_empty() => Map::new(),
        HttpBody::Whole => {
            parse_json(text, Check(shape))?;
            match serde_json::from_str(text)? {
                Value::Object(object) => object,
                _ => return Err(Status::invalid_argument("the body must be a JSON object")),
            }
        }
        HttpBody::Field(_) if text.trim().is_empty() => Map::new(),
        HttpBody::Field(field) => {
            parse_json(text, Check(shape.field(field).map_or(&Shape::Any, |field| &field.shape)))?;
            Map::from_iter([(field.clone(), serde_json::from_str(text)?)])
        }
    };
    for (name, text) in bindings {
        bind_json(&mut object, shape, name, text, Parts::Elsewhere("sent in the body"))?;
    }
    let encoded = serde_json::to_vec(&object);
    encoded.map(Bytes::from).map_err(|error| Status::internal(format!("the request has no JSON: {error}")))
}

fn message(
    descriptor: &MessageDescriptor,
    route: &RestRoute,
    asked: &Asked<'_>,
    bindings: &[Binding<'_>],
    body: &Bytes,
) -> Result<Bytes> {
    if let Some(encoded) = flat(descriptor, &route.body, bindings) {
        return Ok(encoded);
    }
    let mut message = match &route.body {
        HttpBody::None => DynamicMessage::new(descriptor.clone()),
        HttpBody::Field(field) => with_field(descriptor, field, asked.content_type, body)?,
        HttpBody::Whole => match check_text(body)? {
            text if text.trim().is_empty() => DynamicMessage::new(descriptor.clone()),
            text => parse_message(descriptor, text)?,
        },
    };
    for (name, text) in bindings {
        bind_message(&mut message, name, name.split('.'), text)?;
    }
    Ok(message.encode_to_vec().into())
}

/// A message of nothing but strings, such as most that are asked for by path, encoded as it is
/// written on the wire; none if it takes more than that.
fn flat(descriptor: &MessageDescriptor, rule: &HttpBody, bindings: &[Binding<'_>]) -> Option<Bytes> {
    if *rule != HttpBody::None {
        return None;
    }
    let mut encoded = BytesMut::with_capacity(64);
    for (name, text) in bindings {
        let field = find_field(descriptor, name).filter(is_plain)?;
        encode_key(field.number(), WireType::LengthDelimited, &mut encoded);
        encode_varint(text.len() as u64, &mut encoded);
        encoded.extend_from_slice(text.as_bytes());
    }
    Some(encoded.freeze())
}

/// Whether a field takes any text, whatever else is set.
fn is_plain(field: &FieldDescriptor) -> bool {
    let is_choice = field.containing_oneof().is_some_and(|choice| !choice.is_synthetic());
    field.kind() == Kind::String && !field.is_list() && !is_choice
}

/// A message with one field from the body: JSON, or raw bytes if the field is a `google.api.HttpBody`.
fn with_field(
    descriptor: &MessageDescriptor,
    name: &str,
    content_type: Option<&HeaderValue>,
    body: &Bytes,
) -> Result<DynamicMessage> {
    let field = find_field(descriptor, name).ok_or_else(|| {
        Status::internal(format!("the HTTP rule names the field {name:?}, which {} lacks", descriptor.full_name()))
    })?;
    let mut message = DynamicMessage::new(descriptor.clone());
    match field.kind() {
        Kind::Message(inner) if inner.full_name() == RawBody::FULL_NAME => {
            let raw = raw(content_type, body).encode_to_vec();
            let raw = DynamicMessage::decode(inner, raw.as_slice())
                .map_err(|error| Status::internal(format!("google.api.HttpBody is not what it should be: {error}")))?;
            message.set_field(&field, ProtoValue::Message(raw));
        }
        Kind::Message(inner) if !field.is_list() && !field.is_map() => {
            let text = check_text(body)?;
            if !text.trim().is_empty() {
                message.set_field(&field, ProtoValue::Message(parse_message(&inner, text)?));
            }
        }
        _ => {
            let text = check_text(body)?;
            if !text.trim().is_empty() {
                return parse_field(descriptor, name, text);
            }
        }
    }
    Ok(message)
}
