//! Which field a parameter of a query names.

use std::borrow::Cow;

use prost_reflect::{Kind, MessageDescriptor};
use skyloom::{
    contract::Shape,
    transcode::{Types, find_field},
};

/// The field that a parameter names, however it is spelt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// Its path, as the contract spells it.
    pub(crate) path: Cow<'a, str>,
    /// Whether it may be given several times.
    pub(crate) many: bool,
}

impl<'a> Named<'a> {
    /// What a name means in a request of these types. What names no field stays as it is: to say so is for whoever
    /// binds it.
    pub(crate) fn of(types: &Types, name: &'a str) -> Self {
        let named = match types {
            Types::Protobuf(descriptor) => in_message(descriptor.clone(), name),
            Types::Json(shape) => Some(Self { path: Cow::Borrowed(name), many: is_array(shape, name) }),
            Types::Raw | Types::Unknown => None,
        };
        named.unwrap_or(Self { path: Cow::Borrowed(name), many: false })
    }

    /// Whether it is this field or a part of it.
    pub(crate) fn is_within(&self, field: &str) -> bool {
        let rest = self.path.strip_prefix(field);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

fn in_message(mut message: MessageDescriptor, name: &str) -> Option<Named<'_>> {
    let mut path = String::with_capacity(name.len());
    let mut many = false;
    let mut steps = name.split('.').peekable();
    while let Some(step) = steps.next() {
        let field = find_field(&message, step)?;
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(field.name());
        many = field.is_list();
        if steps.peek().is_some() {
            let Kind::Message(inner) = field.kind() else { return None };
            message = inner;
        }
    }
    Some(Named { path: Cow::Owned(path), many })
}

fn is_array(shape: &Shape, name: &str) -> bool {
    let mut shape = shape;
    for step in name.split('.') {
        let Some(field) = inner(shape, step) else { return false };
        shape = field;
    }
    matches!(required(shape), Shape::Array { .. })
}

fn inner<'a>(shape: &'a Shape, step: &str) -> Option<&'a Shape> {
    match required(shape) {
        Shape::Map { values } => Some(values),
        shape => shape.field(step).map(|field| &field.shape),
    }
}

fn required(mut shape: &Shape) -> &Shape {
    while let Shape::Optional { inner } = shape {
        shape = inner;
    }
    shape
}
