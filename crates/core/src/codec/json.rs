//! JSON payloads.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::payload::{Payload, short_name};
use crate::{Codec, Result, Status, contract::Shape};

/// A payload that travels as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned + Send + 'static> Payload for Json<T> {
    const CODEC: Codec = Codec::Json;

    fn encode(&self) -> Result<Bytes> {
        serde_json::to_vec(&self.0)
            .map(Bytes::from)
            .map_err(|error| Status::internal(format!("{} has no JSON: {error}", short_name::<T>())))
    }

    fn decode(bytes: Bytes) -> Result<Self> {
        Self::decode_shared(&bytes)
    }

    fn decode_shared(bytes: &Bytes) -> Result<Self> {
        // An empty body stands for an empty object, so that a method without parameters can be
        // called without one.
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|error| Status::invalid_argument(format!("not the JSON of a {}: {error}", short_name::<T>())))
    }

    fn type_name() -> String {
        short_name::<T>()
    }

    fn shape() -> Shape {
        Shape::of::<T>()
    }
}
