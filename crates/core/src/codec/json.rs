//! JSON payloads.

use std::cell::Cell;

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
        written(&self.0).map_err(|error| Status::internal(format!("{} has no JSON: {error}", short_name::<T>())))
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

/// A buffer that is larger than this is not kept.
const KEPT: usize = 16 * 1024;

thread_local! {
    /// How long JSON is, is known when it is written. It is written here, so that a payload is given its memory once, and
    /// no more than it needs.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

fn written(value: &impl Serialize) -> serde_json::Result<Bytes> {
    // While a value that is written writes another, that one has a buffer of its own.
    let mut buffer = BUFFER.take();
    buffer.clear();
    serde_json::to_writer(&mut buffer, value)?;
    if buffer.capacity() > KEPT {
        return Ok(buffer.into());
    }
    let written = Bytes::copy_from_slice(&buffer);
    BUFFER.set(buffer);
    Ok(written)
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

    /// Writes another value while it is written.
    struct Nested(&'static str);

    impl Serialize for Nested {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let inner = Json(self.0.to_owned()).encode().map_err(serde::ser::Error::custom)?;
            serializer.collect_str(std::str::from_utf8(&inner).unwrap_or_default())
        }
    }

    #[test]
    fn what_is_written_is_whole_whatever_was_written_before_or_meanwhile() {
        let long = "x".repeat(2 * KEPT);
        for text in ["a long one", "short", long.as_str(), "again"] {
            assert_eq!(Json(text.to_owned()).encode().unwrap(), format!("{text:?}"));
        }
        assert_eq!(written(&("outer", Nested("inner"))).unwrap(), r#"["outer","\"inner\""]"#);
        assert_eq!(Json("after".to_owned()).encode().unwrap(), "\"after\"");
    }

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
