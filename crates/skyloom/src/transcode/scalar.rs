//! Values of protobuf's JSON that have no parts.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost_reflect::{EnumDescriptor, Kind, MapKey};
use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};

use super::{hint, number::Whole};

/// Padding may be missing, and bits that belong to no byte are of no interest.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ALPHABETS: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&alphabet::STANDARD, LENIENT), GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT)];

/// A seed for bytes in base64, of either alphabet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base64;

/// A seed for a value of an enum: its name, or its number, which may be one that the contract does not know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a>(pub(super) &'a EnumDescriptor);

/// A seed for the key of a map, which JSON has as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a>(pub(super) &'a Kind);

impl<'de> DeserializeSeed<'de> for Base64 {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<u8>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Base64 {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        let decoded = ALPHABETS.iter().find_map(|alphabet| alphabet.decode(text).ok());
        decoded.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> DeserializeSeed<'de> for Word<'_> {
    type Value = i32;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<i32, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for Word<'_> {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name or the number of a {}", self.0.name())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i32, E> {
        i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i32, E> {
        i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<i32, E> {
        self.0.get_value_by_name(name).map(|value| value.number()).ok_or_else(|| {
            let names: Vec<_> = self.0.values().map(|value| value.name().to_owned()).collect();
            let hint = hint(name, names.iter().map(String::as_str));
            E::custom(format_args!("{name:?} is not one of {}{hint}", names.join(", ")))
        })
    }

    /// The only value of `google.protobuf.NullValue`; where null is nothing, no enum sees it.
    fn visit_unit<E: Error>(self) -> Result<i32, E> {
        match self.0.full_name() {
            "google.protobuf.NullValue" => Ok(0),
            _ => Err(E::invalid_type(Unexpected::Unit, &self)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = MapKey;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<MapKey, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = MapKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of a map")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MapKey, E> {
        // What is cast is within the bounds of its type.
        Ok(match self.0 {
            Kind::Bool => match text.parse() {
                Ok(key) => MapKey::Bool(key),
                Err(_) => return Err(E::invalid_value(Unexpected::Str(text), &"true or false")),
            },
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(Whole::I32.visit_str(text)? as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(Whole::I64.visit_str(text)? as i64),
            Kind::Uint32 | Kind::Fixed32 => MapKey::U32(Whole::U32.visit_str(text)? as u32),
            Kind::Uint64 | Kind::Fixed64 => MapKey::U64(Whole::U64.visit_str(text)? as u64),
            _ => MapKey::String(text.to_owned()),
        })
    }
}
