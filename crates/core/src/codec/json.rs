//! JSON payloads.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    payload::{Payload, short_name},
    place::place_of,
};
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
        serde_json::from_slice(text).map(Self).map_err(|error| mistake::<T>(text, &error))
    }

    fn type_name() -> String {
        short_name::<T>()
    }

    fn shape() -> Shape {
        Shape::of::<T>()
    }
}

/// Says which value is not as its type wants it, and why.
fn mistake<T: DeserializeOwned>(text: &[u8], error: &serde_json::Error) -> Status {
    let name = short_name::<T>();
    let place = if error.is_data() { place_of::<T>(text) } else { None };
    Status::invalid_argument(match place {
        Some(place) => format!("not the JSON of a {name}: field {place:?} is not as expected: {error}"),
        None => format!("not the JSON of a {name}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, num::NonZeroU32};

    use super::*;

    #[test]
    fn a_value_that_its_type_refuses_is_named_with_the_reason() {
        let said = |text: &'static str| {
            let read = Json::<BTreeMap<String, NonZeroU32>>::decode(Bytes::from_static(text.as_bytes()));
            read.unwrap_err().message().to_owned()
        };
        assert_eq!(
            said("{\"count\":0}"),
            "not the JSON of a BTreeMap: field \"count\" is not as expected: invalid value: integer \
             `0`, expected a nonzero u32 at line 1 column 10"
        );
        assert!(said("[]").starts_with("not the JSON of a BTreeMap: invalid type: sequence"));
        assert!(
            said("{\"count\":").ends_with(": EOF while parsing a value at line 1 column 9"),
            "{}",
            said("{\"count\":")
        );
    }
}
