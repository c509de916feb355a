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
    unknown_field(descriptor, value, "").map_or(status, Status::invalid_argument)
}

/// The protobuf JSON mapping of a message, with every field that is not optional.
pub fn json_of(message: &DynamicMessage) -> Result<Vec<u8>> {
    let mut serializer = serde_json::Serializer::new(Vec::with_capacity(128));
    Write::of(message).serialize(&mut serializer).map_err(|error| {
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
