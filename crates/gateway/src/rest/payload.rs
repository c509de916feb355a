//! The payload of a request that comes by REST.

use std::borrow::Cow;

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
    bind::{Parts, bind_json, bind_message, pairs},
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

/// So deep may the name of a parameter lead, as a body may be nested; what is deeper takes long to put together.
const DEEPEST: usize = 100;

/// A field of the request and the text that it gets.
type Binding<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The payload: the body by the rule, then the path's variables, then the query's parameters.
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

fn bindings<'a>(route: &'a RestRoute, asked: &Asked<'a>) -> Result<Vec<Binding<'a>>> {
    let mut bindings = Vec::new();
    for variable in &route.variables {
        let value = capture(asked.path, &route.pieces, variable)
            .map_err(|error| Status::invalid_argument(format!("the path is malformed: {error}")))?;
        bindings.push((joined(variable), value));
    }
    let from_path = bindings.len();
    for (name, value) in asked.query.map_or_else(|| Ok(Vec::new()), pairs)? {
        let is_bound = bindings.iter().take(from_path).any(|(bound, _)| *bound == name);
        let reason = match &route.body {
            _ if is_bound => "it comes from the path",
            _ if name.split('.').count() > DEEPEST => "it leads deeper than 100 levels",
            HttpBody::Whole => "everything but the path's variables belongs in the body",
            HttpBody::Field(field) if name.split('.').next() == Some(field) => "it is the body",
            _ => {
                bindings.push((name, value));
                continue;
            }
        };
        return Err(taken(&name, reason));
    }
    Ok(bindings)
}

/// A parameter that belongs elsewhere.
fn taken(name: &str, reason: &str) -> Status {
    let name: String = name.chars().take(64).collect();
    Status::invalid_argument(format!("the query may not set {name:?}: {reason}"))
}

/// A parameter of which one value alone can be taken.
fn twice(name: &str) -> Status {
    Status::invalid_argument(format!("{name:?} is given twice, and is no list"))
}

fn is_list(object: &Map<String, Value>, name: &str) -> bool {
    let mut steps = name.split('.');
    let first = steps.next().and_then(|step| object.get(step));
    steps.try_fold(first, |value, step| value.map(|value| value.get(step))).flatten().is_some_and(Value::is_array)
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
    for (at, (name, text)) in bindings.iter().enumerate() {
        bind_json(&mut object, shape, name, text, Parts::InBody)?;
        let is_again = bindings.iter().take(at).any(|(earlier, _)| earlier == name);
        if is_again && !is_list(&object, name) {
            return Err(twice(name));
        }
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
    each_once(descriptor, route, bindings)?;
    for (name, text) in bindings {
        bind_message(&mut message, name, name.split('.'), text)?;
    }
    Ok(message.encode_to_vec().into())
}

/// Checks that nothing is given twice that can only have one value, in whichever of its two spellings: not what comes
/// from the path or is the body, for others may rely on that, and not twice in the query.
fn each_once(descriptor: &MessageDescriptor, route: &RestRoute, bindings: &[Binding<'_>]) -> Result<()> {
    let body = match &route.body {
        HttpBody::Field(field) => find_field(descriptor, field),
        HttpBody::Whole | HttpBody::None => None,
    };
    let from_path = route.variables.len();
    let mut known = Vec::with_capacity(bindings.len());
    for (at, (name, _)) in bindings.iter().enumerate() {
        // What is no field is told of when it is bound.
        let Some(fields) = fields(descriptor, name) else { continue };
        if at >= from_path && body.is_some() && fields.first() == body.as_ref() {
            return Err(taken(name, "it is the body"));
        }
        match known.iter().find(|(_, earlier)| *earlier == fields).map(|(at, _)| *at) {
            Some(earlier) if earlier < from_path => return Err(taken(name, "it comes from the path")),
            Some(_) if !fields.last().is_some_and(FieldDescriptor::is_list) => return Err(twice(name)),
            _ => known.push((at, fields)),
        }
    }
    Ok(())
}

/// The fields that a name leads through.
fn fields(descriptor: &MessageDescriptor, name: &str) -> Option<Vec<FieldDescriptor>> {
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    for step in name.split('.') {
        let inner = fields.last().map(FieldDescriptor::kind);
        let message = match &inner {
            None => descriptor,
            Some(kind) => kind.as_message()?,
        };
        let field = find_field(message, step)?;
        fields.push(field);
    }
    Some(fields)
}

/// A message of nothing but strings, such as most that are asked for by path, encoded as it is
/// written on the wire; none if it takes more than that.
fn flat(descriptor: &MessageDescriptor, rule: &HttpBody, bindings: &[Binding<'_>]) -> Option<Bytes> {
    if *rule != HttpBody::None {
        return None;
    }
    let mut encoded = BytesMut::with_capacity(64);
    for (at, (name, text)) in bindings.iter().enumerate() {
        let field = find_field(descriptor, name).filter(|field| field.kind() == Kind::String && !field.is_list())?;
        // Of what excludes each other one may be given, and nothing twice: that takes a closer look.
        let is_again = |(earlier, _): &Binding<'_>| find_field(descriptor, earlier).as_ref() == Some(&field);
        if field.containing_oneof().is_some() || bindings.iter().take(at).any(is_again) {
            return None;
        }
        encode_key(field.number(), WireType::LengthDelimited, &mut encoded);
        encode_varint(text.len() as u64, &mut encoded);
        encoded.extend_from_slice(text.as_bytes());
    }
    Some(encoded.freeze())
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
