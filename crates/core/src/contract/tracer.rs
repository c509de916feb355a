//! Learns a type's shape from its `Deserialize` implementation.

use serde::de::DeserializeOwned;

use super::Shape;

pub(super) fn trace<T: DeserializeOwned>() -> Shape {
    Shape::Any
}
