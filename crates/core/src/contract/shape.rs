//! The shape of a JSON type.

use serde::{Deserialize, Serialize};

/// The shape of a JSON value, learnt from a Rust type's `Deserialize` implementation: enough to
/// convert text from a path or query, to name an unknown field, and to describe the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
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
