//! An envelope as the door holds it.

use std::{fmt, sync::Arc};

use bytes::BytesMut;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::wire::WriteBody;

/// The encoded envelope in one allocation of its own, so that a waiting message costs what it
/// weighs and handing it out costs no further one. The broker never looks inside.
///
/// As text, for the snapshot: hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Encoded(Arc<[u8]>);

impl Encoded {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Encoded {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl WriteBody for Encoded {
    fn write_body(&self, out: &mut BytesMut) {
        self.0.write_body(out);
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A message's content is nobody's business in a log.
        write!(f, "Encoded({} bytes)", self.0.len())
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
        let text: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hexadecimal;

        impl de::Visitor<'_> for Hexadecimal {
            type Value = Encoded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hexadecimal text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Encoded, E> {
                parse(text.as_bytes()).ok_or_else(|| E::invalid_value(de::Unexpected::Str("other text"), &self))
            }
        }

        deserializer.deserialize_str(Hexadecimal)
    }
}

fn parse(text: &[u8]) -> Option<Encoded> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(|bytes| Encoded(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::Encoded;

    #[test]
    fn every_byte_survives_its_text() {
        let bytes: Vec<u8> = (0..=255).collect();
        let encoded = Encoded::from(&bytes[..]);
        let text = serde_json::to_string(&encoded).unwrap();
        assert_eq!(serde_json::from_str::<Encoded>(&text).unwrap(), encoded);
        for damaged in ["\"0\"", "\"0g\"", "7"] {
            assert!(serde_json::from_str::<Encoded>(damaged).is_err(), "{damaged}");
        }
    }
}
