//! Text as the value of a protobuf field.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

/// The messages of `google/protobuf/wrappers.proto`.
const WRAPPERS: [&str; 9] = [
    "DoubleValue",
    "FloatValue",
    "Int64Value",
    "UInt64Value",
    "Int32Value",
    "UInt32Value",
    "BoolValue",
    "StringValue",
    "BytesValue",
];

/// The value that a text stands for, or what was expected instead. Well-known types, such as
/// `google.protobuf.Timestamp`, are written as in their JSON.
pub(super) fn value(kind: &Kind, text: &str) -> Result<Value, String> {
    let parsed = match kind {
        Kind::String => Some(Value::String(text.to_owned())),
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse().ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => text.parse().ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => text.parse().ok().map(Value::U64),
        Kind::Float => text.parse().ok().filter(|number| fits(f32::is_infinite(*number), text)).map(Value::F32),
        Kind::Double => text.parse().ok().filter(|number| fits(f64::is_infinite(*number), text)).map(Value::F64),
        Kind::Bytes => bytes(text).map(|bytes| Value::Bytes(bytes.into())),
        Kind::Enum(descriptor) => number(descriptor, text).map(Value::EnumNumber),
        Kind::Message(descriptor) => message(descriptor, text).map(Value::Message),
    };
    parsed.ok_or_else(|| expected(kind))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].iter().find_map(|engine| engine.decode(text).ok())
}

/// Whether a number is what the text says: one with digits that is too large for its type becomes infinity.
fn fits(is_infinite: bool, text: &str) -> bool {
    !is_infinite || !text.contains(|letter: char| letter.is_ascii_digit())
}

fn number(descriptor: &EnumDescriptor, text: &str) -> Option<i32> {
    let by_name = descriptor.get_value_by_name(text).map(|value| value.number());
    by_name.or_else(|| text.parse().ok().filter(|number| descriptor.get_value(*number).is_some()))
}

fn message(descriptor: &MessageDescriptor, text: &str) -> Option<DynamicMessage> {
    let name = descriptor.full_name().strip_prefix("google.protobuf.")?;
    if let Some(field) = wrapped(descriptor) {
        let mut wrapper = DynamicMessage::new(descriptor.clone());
        wrapper.set_field(&field, value(&field.kind(), text).ok()?);
        return Some(wrapper);
    }
    let text = serde_json::Value::from(text);
    matches!(name, "Timestamp" | "Duration" | "FieldMask")
        .then(|| DynamicMessage::deserialize(descriptor.clone(), text).ok())
        .flatten()
}

/// The one field of a message that JSON writes as that field's value.
fn wrapped(descriptor: &MessageDescriptor) -> Option<FieldDescriptor> {
    let name = descriptor.full_name().strip_prefix("google.protobuf.")?;
    if WRAPPERS.contains(&name) { descriptor.get_field(1) } else { None }
}

fn expected(kind: &Kind) -> String {
    match kind {
        Kind::String => "text".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Float | Kind::Double => "a number".to_owned(),
        Kind::Bytes => "base64".to_owned(),
        Kind::Enum(descriptor) => {
            let values: Vec<_> = descriptor.values().map(|value| value.name().to_owned()).collect();
            format!("one of {}", values.join(", "))
        }
        Kind::Message(descriptor) => match descriptor.full_name() {
            "google.protobuf.Timestamp" => "a time such as 2026-01-31T12:00:00Z".to_owned(),
            "google.protobuf.Duration" => "a duration such as 1.5s".to_owned(),
            "google.protobuf.FieldMask" => "names of fields in lowerCamelCase such as title,askedBy.name".to_owned(),
            name => wrapped(descriptor)
                .map_or_else(|| format!("sent in the body, since it is a {name}"), |field| expected(&field.kind())),
        },
        Kind::Uint32 | Kind::Fixed32 | Kind::Uint64 | Kind::Fixed64 => "a whole number, not negative".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a whole number of 32 bits".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "a whole number of 64 bits".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DescriptorPool, Kind};

    use super::value;

    #[test]
    fn what_a_well_known_message_must_be_is_said_as_one_writes_it() {
        let pool = DescriptorPool::global();
        for (name, text, expected) in [
            ("BoolValue", "maybe", "true or false"),
            ("UInt32Value", "-1", "a whole number, not negative"),
            ("DoubleValue", "x", "a number"),
            ("FieldMask", "asked_by", "names of fields in lowerCamelCase such as title,askedBy.name"),
            ("Struct", "{}", "sent in the body, since it is a google.protobuf.Struct"),
        ] {
            let message = pool.get_message_by_name(&format!("google.protobuf.{name}")).unwrap();
            assert_eq!(value(&Kind::Message(message), text).unwrap_err(), expected, "{name}");
        }
    }
}
