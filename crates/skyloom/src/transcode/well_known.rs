//! The messages of `google.protobuf` that have a JSON of their own.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

/// The member with the type of what a `google.protobuf.Any` carries, as a URL that ends with its name.
pub(super) const TYPE: &str = "@type";
/// The member with what it carries, if the JSON of that is not an object of its fields.
pub(super) const VALUE: &str = "value";

/// How the JSON of a message is made.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// An object of its fields.
    Fields,
    /// The JSON of this one field, such as that of a `google.protobuf.Int64Value`.
    Wrapper(FieldDescriptor),
    /// The JSON of the message that a `google.protobuf.Any` carries, and its type.
    Any,
    /// As prost-reflect knows it: a time, a duration, field names, or any JSON there is.
    Own,
}

impl Form {
    pub(super) fn of(message: &MessageDescriptor) -> Self {
        let Some(name) = message.full_name().strip_prefix("google.protobuf.") else { return Self::Fields };
        match name {
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
            | "BoolValue" | "StringValue" | "BytesValue" => message.get_field(1).map_or(Self::Fields, Self::Wrapper),
            "Any" => Self::Any,
            "Timestamp" | "Duration" | "FieldMask" | "Struct" | "Value" | "ListValue" => Self::Own,
            _ => Self::Fields,
        }
    }
}

/// The message that a URL names.
pub(super) fn carried(any: &MessageDescriptor, url: &str) -> Result<MessageDescriptor, String> {
    let name = url.rsplit_once('/').map(|(_, name)| name);
    let name = name.ok_or_else(|| format!("{url:?} names no type: it should end with a slash and a name"))?;
    any.parent_pool().get_message_by_name(name).ok_or_else(|| format!("the contract does not describe {name:?}"))
}

/// Whether it is the message without fields, which many write as `"value": {}`.
pub(super) fn is_empty(message: &MessageDescriptor) -> bool {
    message.full_name() == "google.protobuf.Empty"
}
