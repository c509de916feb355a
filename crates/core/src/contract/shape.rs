//! The shape of a JSON type.

use serde::{Deserialize, Serialize};

/// The shape of a JSON value, learnt from a Rust type's `Deserialize` implementation: enough to
/// convert text from a path or query, to name an unknown field, and to describe the service.
///
/// Whoever reads a contract may be older than the service. One that does not know a shape takes it for [`Shape::Any`],
/// and bounds that it does not know are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", from = "Written")]
#[non_exhaustive]
pub enum Shape {
    /// Anything: the type did not say.
    #[default]
    Any,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A whole number within the bounds of a type such as `u32`.
    #[serde(rename(serialize = "integer"))]
    Ranged {
        /// The least that it can be.
        least: i64,
        /// The most that it can be.
        most: u64,
    },
    /// Any number.
    Number,
    /// A string.
    String,
    /// One of these strings.
    OneOf {
        /// The strings.
        names: Vec<String>,
    },
    /// `null`, a missing field, or a value.
    Optional {
        /// The value's shape.
        inner: Box<Shape>,
    },
    /// An array.
    Array {
        /// The shape of its items.
        items: Box<Shape>,
    },
    /// An object with keys of the caller's choice.
    Map {
        /// The shape of its values.
        values: Box<Shape>,
    },
    /// An object with these fields.
    Object {
        /// The Rust type's name.
        name: String,
        /// Its fields in order.
        fields: Vec<Field>,
    },
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in JSON.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
}

/// A shape as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum Written {
    Null,
    Bool,
    Integer {
        least: Option<i64>,
        most: Option<u64>,
    },
    Number,
    String,
    OneOf {
        names: Vec<String>,
    },
    Optional {
        inner: Box<Shape>,
    },
    Array {
        items: Box<Shape>,
    },
    Map {
        values: Box<Shape>,
    },
    Object {
        name: String,
        fields: Vec<Field>,
    },
    /// One of a later version, too.
    #[serde(other)]
    Any,
}

impl From<Written> for Shape {
    fn from(written: Written) -> Self {
        match written {
            Written::Null => Self::Null,
            Written::Bool => Self::Bool,
            Written::Integer { least: Some(least), most: Some(most) } => Self::Ranged { least, most },
            Written::Integer { .. } => Self::Integer,
            Written::Number => Self::Number,
            Written::String => Self::String,
            Written::OneOf { names } => Self::OneOf { names },
            Written::Optional { inner } => Self::Optional { inner },
            Written::Array { items } => Self::Array { items },
            Written::Map { values } => Self::Map { values },
            Written::Object { name, fields } => Self::Object { name, fields },
            Written::Any => Self::Any,
        }
    }
}

impl Shape {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// The field of this name, if this is an object.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        match self {
            Self::Object { fields, .. } => fields.iter().find(|field| field.name == name),
            Self::Optional { inner } => inner.field(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Shape};

    fn read(text: &str) -> Shape {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_shape_is_read_as_it_was_written() {
        let field = |name: &str, shape| Field { name: name.to_owned(), shape };
        let boxed = Box::new;
        let fields = vec![
            field("any", Shape::Any),
            field("null", Shape::Null),
            field("bool", Shape::Bool),
            field("integer", Shape::Integer),
            field("ranged", Shape::Ranged { least: i64::MIN, most: u64::MAX }),
            field("number", Shape::Number),
            field("string", Shape::String),
            field("one_of", Shape::OneOf { names: vec!["glad".to_owned()] }),
            field("optional", Shape::Optional { inner: boxed(Shape::Array { items: boxed(Shape::Bool) }) }),
            field("map", Shape::Map { values: boxed(Shape::Number) }),
        ];
        let shape = Shape::Object { name: "All".to_owned(), fields };
        assert_eq!(read(&serde_json::to_string(&shape).unwrap()), shape);
    }

    #[test]
    fn bounds_are_beside_what_older_readers_know() {
        let written = serde_json::to_string(&Shape::Ranged { least: 0, most: 255 }).unwrap();
        assert_eq!(written, r#"{"type":"integer","least":0,"most":255}"#);
        assert_eq!(read(r#"{"type":"integer","least":0,"step":2}"#), Shape::Integer, "bounds of a later version");
    }

    #[test]
    fn a_shape_of_a_later_version_is_anything_and_leaves_the_rest_alone() {
        let text = r#"{"type":"object","name":"Order","fields":[
            {"name":"at","shape":{"type":"instant","zone":{"type":"string"}}},
            {"name":"count","shape":{"type":"integer"}}]}"#;
        let shape = read(text);
        assert_eq!(shape.field("at").unwrap().shape, Shape::Any);
        assert_eq!(shape.field("count").unwrap().shape, Shape::Integer);
    }
}
