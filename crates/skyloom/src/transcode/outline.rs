//! The JSON of a message, as a shape.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use skyloom_core::contract::{Field, Shape};

use super::Types;

/// Messages that contain themselves are followed so deep.
const DEEPEST: usize = 6;

/// What the JSON of a method's message looks like, whichever way its contract came first; deeper than six messages
/// anything.
#[must_use]
pub fn outline(types: &Types) -> Shape {
    match types {
        Types::Json(shape) => shape.clone(),
        Types::Protobuf(descriptor) => message(descriptor, 0),
        Types::Raw | Types::Unknown => Shape::Any,
    }
}

fn message(descriptor: &MessageDescriptor, depth: usize) -> Shape {
    let inner = |name: &str| descriptor.get_field_by_name(name).map_or(Shape::Any, |field| value(&field, depth + 1));
    match descriptor.full_name() {
        "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask" => Shape::String,
        "google.protobuf.Empty" => Shape::Object { name: descriptor.full_name().to_owned(), fields: Vec::new() },
        name if name.starts_with("google.protobuf.") && name.ends_with("Value") && name != "google.protobuf.Value" => {
            match inner("value") {
                Shape::Any => Shape::Any,
                shape => Shape::Optional { inner: Box::new(shape) },
            }
        }
        name if name.starts_with("google.protobuf.") => Shape::Any,
        _ if depth >= DEEPEST => Shape::Any,
        name => {
            let field =
                |field: FieldDescriptor| Field { name: field.json_name().to_owned(), shape: shape(&field, depth) };
            Shape::Object { name: name.to_owned(), fields: descriptor.fields().map(field).collect() }
        }
    }
}

fn shape(field: &FieldDescriptor, depth: usize) -> Shape {
    if field.is_map() {
        let values = match field.kind() {
            Kind::Message(entry) => value(&entry.map_entry_value_field(), depth + 1),
            _ => Shape::Any,
        };
        Shape::Map { values: Box::new(values) }
    } else if field.is_list() {
        Shape::Array { items: Box::new(value(field, depth + 1)) }
    } else {
        value(field, depth + 1)
    }
}

fn value(field: &FieldDescriptor, depth: usize) -> Shape {
    match field.kind() {
        Kind::Bool => Shape::Bool,
        Kind::Double | Kind::Float => Shape::Number,
        Kind::String | Kind::Bytes => Shape::String,
        Kind::Enum(words) => Shape::OneOf { names: words.values().map(|word| word.name().to_owned()).collect() },
        Kind::Message(descriptor) => message(&descriptor, depth),
        _ => Shape::Integer,
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn a_message_has_the_shape_of_its_json() {
        let pool = DescriptorPool::global();
        let descriptor = pool.get_message_by_name("google.protobuf.Duration").unwrap();
        assert_eq!(outline(&Types::Protobuf(descriptor)), Shape::String);
        let wrapper = pool.get_message_by_name("google.protobuf.Int32Value").unwrap();
        assert_eq!(outline(&Types::Protobuf(wrapper)), Shape::Optional { inner: Box::new(Shape::Integer) });
        assert_eq!(outline(&Types::Unknown), Shape::Any);
    }
}
