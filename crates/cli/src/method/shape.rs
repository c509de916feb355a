//! The shape of a message, for people.

use skyloom::contract::Shape;

/// A shape without what only says that a value may be missing.
pub(crate) fn bare(mut shape: &Shape) -> &Shape {
    while let Shape::Optional { inner } = shape {
        shape = inner;
    }
    shape
}

/// What a value is.
pub(crate) fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Null => "null".to_owned(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Integer | Shape::Ranged { .. } => "whole number".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::String => "string".to_owned(),
        Shape::OneOf { names } => names.join(" | "),
        Shape::Optional { inner } => format!("{}, or nothing", kind(inner)),
        Shape::Array { items } => format!("list of {}", kind(items)),
        Shape::Map { values } => format!("map to {}", kind(values)),
        Shape::Object { name, .. } => name.clone(),
        _ => "anything".to_owned(),
    }
}

/// The fields of a message: `name (string), count (whole number)`.
pub(super) fn outlined(shape: &Shape) -> String {
    match bare(shape) {
        Shape::Object { fields, .. } if fields.is_empty() => "no fields".to_owned(),
        Shape::Object { fields, .. } => {
            let fields = fields.iter().map(|field| format!("{} ({})", field.name, kind(&field.shape)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => format!("{} in JSON", kind(other)),
    }
}
