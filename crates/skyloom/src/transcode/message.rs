//! JSON to protobuf messages and back, by their descriptors.

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _};
use serde::Serialize as _;
use serde_json::Value;
use skyloom_core::{Result, Status};

use super::{find_field, hint, one_field::OneField, parse_json, read::Read, write::Write};

/// Parses the protobuf JSON mapping of a message. Unknown fields are refused.
pub fn parse_message(descriptor: &MessageDescriptor, text: &str) -> Result<DynamicMessage> {
    let whole = || serde_json::from_str(text).unwrap_or_default();
    parse_json(text, Read(descriptor)).map_err(|status| explained(descriptor, &whole(), status))
}

/// Parses the JSON of one field, by the name that the contract has for it, as a message that has
/// nothing else.
pub fn parse_field(descriptor: &MessageDescriptor, name: &str, text: &str) -> Result<DynamicMessage> {
    let whole = || serde_json::json!({ name: serde_json::from_str::<Value>(text).unwrap_or_default() });
    parse_json(text, OneField { message: descriptor, name }).map_err(|status| explained(descriptor, &whole(), status))
}

fn explained(descriptor: &MessageDescriptor, value: &Value, status: Status) -> Status {
    let why = unknown_field(descriptor, value, "").or_else(|| misfit(descriptor, value, ""));
    why.map_or(status, Status::invalid_argument)
}

/// The protobuf JSON mapping of a message, with every field that is not optional.
pub fn json_of(message: &DynamicMessage) -> Result<Vec<u8>> {
    let mut serializer = serde_json::Serializer::new(Vec::with_capacity(128));
    Write(message).serialize(&mut serializer).map_err(|error| {
        let name = message.descriptor().full_name().to_owned();
        Status::internal(format!("the reply, a {name}, has no JSON: {error}"))
    })?;
    Ok(serializer.into_inner())
}

/// Says which field the message does not have, if there is one; messages with a JSON mapping of
/// their own are left out.
fn unknown_field(descriptor: &MessageDescriptor, value: &Value, path: &str) -> Option<String> {
    let object = value.as_object()?;
    if descriptor.full_name().starts_with("google.protobuf.") {
        return None;
    }
    object.iter().find_map(|(key, value)| {
        let Some(field) = find_field(descriptor, key) else {
            let names: Vec<_> = descriptor.fields().map(|field| field.json_name().to_owned()).collect();
            let hint = hint(key, names.iter().map(String::as_str));
            return Some(format!("there is no field \"{path}{key}\" in {}{hint}", descriptor.full_name()));
        };
        let inner = format!("{path}{key}.");
        match (field.kind(), value) {
            (Kind::Message(entry), Value::Object(entries)) if field.is_map() => {
                let Kind::Message(message) = entry.map_entry_value_field().kind() else { return None };
                entries.iter().find_map(|(key, value)| unknown_field(&message, value, &format!("{inner}{key}.")))
            }
            (Kind::Message(message), Value::Array(items)) => {
                items.iter().find_map(|item| unknown_field(&message, item, &inner))
            }
            (Kind::Message(message), value) => unknown_field(&message, value, &inner),
            _ => None,
        }
    })
}

/// Says which number of the message its field, one of whole numbers, cannot hold, if there is one.
fn misfit(descriptor: &MessageDescriptor, value: &Value, path: &str) -> Option<String> {
    let mut entries = value.as_object()?.iter();
    entries.find_map(|(key, value)| misfit_in(&find_field(descriptor, key)?, value, &format!("{path}{key}")))
}

fn misfit_in(field: &FieldDescriptor, value: &Value, path: &str) -> Option<String> {
    match (field.kind(), value) {
        (Kind::Message(entry), Value::Object(entries)) if field.is_map() => {
            let field = entry.map_entry_value_field();
            entries.iter().find_map(|(key, value)| misfit_in(&field, value, &format!("{path}.{key}")))
        }
        (_, Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(at, item)| misfit_in(field, item, &format!("{path}[{at}]")))
        }
        (Kind::Message(message), value) => misfit(&message, value, &format!("{path}.")),
        (kind, value) => {
            let (least, most) = bounds(&kind)?;
            let expected = format!("expected a whole number from {least} to {most}");
            let is_held = is_held(value, least, most)?;
            (!is_held).then(|| format!("field \"{path}\" is not as expected: invalid value: {value}, {expected}"))
        }
    }
}

/// Whether a number, which may be written as a text, is a whole one within these bounds; none if it is no number.
fn is_held(value: &Value, least: i128, most: i128) -> Option<bool> {
    let whole = match value {
        Value::String(text) => Some(text.parse().ok()?),
        value => value.as_number()?.as_i128(),
    };
    // One with a fraction or an exponent may be whole, too.
    let is_whole = |number: f64| number.fract() == 0.0 && (least as f64..=most as f64).contains(&number);
    Some(whole.map_or_else(|| value.as_f64().is_some_and(is_whole), |number| (least..=most).contains(&number)))
}

/// The least and the most that a field of whole numbers holds.
fn bounds(kind: &Kind) -> Option<(i128, i128)> {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Some((i32::MIN.into(), i32::MAX.into())),
        Kind::Uint32 | Kind::Fixed32 => Some((0, u32::MAX.into())),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Some((i64::MIN.into(), i64::MAX.into())),
        Kind::Uint64 | Kind::Fixed64 => Some((0, u64::MAX.into())),
        _ => None,
    }
}
