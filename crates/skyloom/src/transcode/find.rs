//! The field that a name means.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

/// The field of this name: as the contract spells it, or in lowerCamelCase as JSON does.
pub fn find_field(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}
