//! What the runs so far have shown of one value.

use crate::contract::{Field, Shape};

/// What is known of a value.
#[derive(Debug, Default)]
pub(super) enum Node {
    /// Nothing yet.
    #[default]
    Fresh,
    /// All there is to know.
    Known(Shape),
    /// A value or none.
    Optional(Box<Node>),
    /// Any number of values.
    Array(Box<Node>),
    /// A fixed number of values.
    Tuple(Vec<Node>),
    /// Values under keys of the caller's choice.
    Map(Box<Node>),
    /// Values under these keys.
    Object {
        /// The type's name.
        name: &'static str,
        /// The fields.
        fields: Vec<Entry>,
    },
    /// One of these names, as far as they were checked: a name may still turn out to hold a value.
    Names {
        /// The names.
        names: &'static [&'static str],
        /// How many are known to be mere names.
        checked: usize,
    },
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: &'static str,
    /// Its value.
    pub(super) node: Node,
    /// Whether nothing more can be learnt.
    pub(super) done: bool,
}

impl Entry {
    /// A field of which only the name is known.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, node: Node::Fresh, done: false }
    }
}

impl Node {
    /// Whether nothing more can be learnt.
    pub(super) fn complete(&self) -> bool {
        match self {
            Self::Fresh => false,
            Self::Known(_) => true,
            Self::Optional(inner) | Self::Array(inner) | Self::Map(inner) => inner.complete(),
            Self::Tuple(items) => items.iter().all(Self::complete),
            Self::Object { fields, .. } => fields.iter().all(|field| field.done),
            Self::Names { names, checked } => *checked == names.len(),
        }
    }

    /// What was learnt.
    pub(super) fn into_shape(self) -> Shape {
        match self {
            Self::Fresh => Shape::Any,
            Self::Known(shape) => shape,
            Self::Optional(inner) => Shape::Optional { inner: Box::new(inner.into_shape()) },
            Self::Array(items) => Shape::Array { items: Box::new(items.into_shape()) },
            Self::Tuple(items) => Shape::Array { items: Box::new(common(items)) },
            Self::Map(values) => Shape::Map { values: Box::new(values.into_shape()) },
            Self::Object { name, fields } => {
                let field = |entry: Entry| Field { name: entry.name.to_owned(), shape: entry.node.into_shape() };
                Shape::Object { name: name.to_owned(), fields: fields.into_iter().map(field).collect() }
            }
            Self::Names { names, checked } if checked == names.len() => {
                Shape::OneOf { names: names.iter().map(|name| (*name).to_owned()).collect() }
            }
            Self::Names { .. } => Shape::Any,
        }
    }
}

/// The narrowest shape that all items have.
fn common(items: Vec<Node>) -> Shape {
    items.into_iter().map(Node::into_shape).reduce(wider).unwrap_or_default()
}

/// The narrowest shape that is both.
fn wider(one: Shape, other: Shape) -> Shape {
    match (one, other) {
        (Shape::Ranged { least, most }, Shape::Ranged { least: lower, most: upper }) => {
            Shape::Ranged { least: least.min(lower), most: most.max(upper) }
        }
        (Shape::Integer, Shape::Ranged { .. }) | (Shape::Ranged { .. }, Shape::Integer) => Shape::Integer,
        (one, other) if one == other => one,
        _ => Shape::Any,
    }
}
