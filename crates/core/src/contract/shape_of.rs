//! From a Rust type to its shape.

use serde::de::DeserializeOwned;

use super::{Shape, tracer};

impl Shape {
    /// The shape of a type, as far as its `Deserialize` implementation tells.
    #[must_use]
    pub fn of<T: DeserializeOwned>() -> Self {
        tracer::trace::<T>()
    }
}
