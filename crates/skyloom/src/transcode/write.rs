//! Messages to JSON, by protobuf's own mapping.

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, SerializeOptions, Value};
use serde::ser::{Error, Serialize, SerializeMap, Serializer};

use super::well_known::{Form, TYPE, VALUE, carried};

/// For what prost-reflect writes.
const OPTIONS: SerializeOptions = SerializeOptions::new();

/// How many nanoseconds are a second.
const NANOS: i64 = 1_000_000_000;

/// How many messages may be within each other, those that a `google.protobuf.Any` carries included: as many as protobuf's own
/// readers take. What an `Any` carries is read by itself, so that nobody has counted them all before.
const DEPTH: usize = 100;

/// A message as JSON. Fields at their default are written, so that a caller sees every field that there is.
pub(super) struct Write<'a> {
    message: &'a DynamicMessage,
    /// How many messages may be within it.
    depth: usize,
}

impl<'a> Write<'a> {
    pub(super) fn of(message: &'a DynamicMessage) -> Self {
        Self { message, depth: DEPTH }
    }
}

/// A value as JSON.
struct One<'a> {
    value: &'a Value,
    kind: &'a Kind,
    depth: usize,
}

/// The key of a map.
struct Key<'a>(&'a MapKey);

impl Serialize for Write<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let Self { message, depth } = *self;
        let too_deep = || S::Error::custom(format_args!("more than {DEPTH} messages are within each other"));
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        match Form::of(&message.descriptor()) {
            Form::Fields => {
                let mut map = json.serialize_map(None)?;
                fields(message, depth, &mut map)?;
                map.end()
            }
            Form::Wrapper(field) => {
                let (value, kind) = (message.get_field(&field), field.kind());
                One { value: &value, kind: &kind, depth }.serialize(json)
            }
            Form::Any => write_any(message, depth, json),
            Form::Own => {
                check_parts(message).map_err(S::Error::custom)?;
                message.serialize_with_options(json, &OPTIONS)
            }
        }
    }
}

/// Writes the fields of a message, but those that are optional and not set.
fn fields<M: SerializeMap>(message: &DynamicMessage, depth: usize, map: &mut M) -> Result<(), M::Error> {
    for field in message.descriptor().fields() {
        if !field.supports_presence() || message.has_field(&field) {
            let (value, kind) = (message.get_field(&field), field.kind());
            map.serialize_entry(field.json_name(), &One { value: &value, kind: &kind, depth })?;
        }
    }
    for (field, value) in message.extensions() {
        map.serialize_entry(field.json_name(), &One { value, kind: &field.kind(), depth })?;
    }
    Ok(())
}

/// Refuses a time or a duration whose parts are none: prost would write another one.
fn check_parts(message: &DynamicMessage) -> Result<(), String> {
    let descriptor = message.descriptor();
    let part = |number| message.get_field_by_number(number);
    let seconds = part(1).and_then(|seconds| seconds.as_i64()).unwrap_or_default();
    let nanos = i64::from(part(2).and_then(|nanos| nanos.as_i32()).unwrap_or_default());
    let good = match descriptor.full_name() {
        "google.protobuf.Timestamp" => (0..NANOS).contains(&nanos),
        "google.protobuf.Duration" => nanos.abs() < NANOS && seconds.signum() * nanos.signum() >= 0,
        _ => true,
    };
    let name = descriptor.full_name();
    if good { Ok(()) } else { Err(format!("{seconds} seconds and {nanos} nanoseconds are no {name}")) }
}

/// Writes what an `Any` carries.
fn write_any<S: Serializer>(any: &DynamicMessage, depth: usize, json: S) -> Result<S::Ok, S::Error> {
    let mut map = json.serialize_map(None)?;
    let (url, data) = (any.get_field_by_number(1), any.get_field_by_number(2));
    let url = url.as_deref().and_then(Value::as_str).unwrap_or_default();
    let data = data.as_deref().and_then(Value::as_bytes).cloned().unwrap_or_default();
    if url.is_empty() && data.is_empty() {
        return map.end();
    }
    let carried = carried(&any.descriptor(), url).map_err(S::Error::custom)?;
    let form = Form::of(&carried);
    let name = carried.full_name().to_owned();
    let broken = |error| S::Error::custom(format_args!("what a google.protobuf.Any carries is no {name}: {error}"));
    let inner = DynamicMessage::decode(carried, data).map_err(broken)?;
    map.serialize_entry(TYPE, url)?;
    match form {
        Form::Fields => fields(&inner, depth, &mut map)?,
        _ => map.serialize_entry(VALUE, &Write { message: &inner, depth })?,
    }
    map.end()
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let depth = self.depth;
        let one = |value| One { value, kind: self.kind, depth };
        match self.value {
            Value::Bool(value) => json.serialize_bool(*value),
            Value::I32(number) => json.serialize_i32(*number),
            Value::U32(number) => json.serialize_u32(*number),
            // As text, because many readers of JSON have numbers of 53 bits.
            Value::I64(number) => json.collect_str(number),
            Value::U64(number) => json.collect_str(number),
            Value::F32(number) if number.is_finite() => json.serialize_f32(*number),
            Value::F32(number) => json.serialize_str(not_finite((*number).into())),
            Value::F64(number) if number.is_finite() => json.serialize_f64(*number),
            Value::F64(number) => json.serialize_str(not_finite(*number)),
            Value::String(text) => json.serialize_str(text),
            Value::Bytes(bytes) => json.collect_str(&Base64Display::new(bytes, &STANDARD)),
            Value::EnumNumber(number) => self.word(*number, json),
            Value::Message(message) => Write { message, depth }.serialize(json),
            Value::List(items) => json.collect_seq(items.iter().map(one)),
            Value::Map(entries) => {
                let kind = self.kind.as_message().map(|entry| entry.map_entry_value_field().kind());
                let kind = kind.as_ref().unwrap_or(self.kind);
                json.collect_map(entries.iter().map(|(key, value)| (Key(key), One { value, kind, depth })))
            }
        }
    }
}

impl One<'_> {
    /// The name of an enum's value, or its number if it has none.
    fn word<S: Serializer>(&self, number: i32, json: S) -> Result<S::Ok, S::Error> {
        let words = self.kind.as_enum();
        if words.is_some_and(|words| words.full_name() == "google.protobuf.NullValue") {
            return json.serialize_unit();
        }
        match words.and_then(|words| words.get_value(number)) {
            Some(value) => json.serialize_str(value.name()),
            None => json.serialize_i32(number),
        }
    }
}

/// What JSON has no number for.
fn not_finite(number: f64) -> &'static str {
    match number {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            MapKey::Bool(key) => json.collect_str(key),
            MapKey::I32(key) => json.collect_str(key),
            MapKey::I64(key) => json.collect_str(key),
            MapKey::U32(key) => json.collect_str(key),
            MapKey::U64(key) => json.collect_str(key),
            MapKey::String(key) => json.serialize_str(key),
        }
    }
}
