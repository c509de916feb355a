//! Numbers in protobuf's JSON: as numbers, or as text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};
use serde_json::Number;

/// A seed for a whole number within bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    least: i128,
    most: i128,
}

/// A seed for a number with a fraction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Real {
    Single,
    Double,
}

impl Whole {
    pub(super) const I32: Self = Self { least: i32::MIN as i128, most: i32::MAX as i128 };
    pub(super) const I64: Self = Self { least: i64::MIN as i128, most: i64::MAX as i128 };
    pub(super) const U32: Self = Self { least: 0, most: u32::MAX as i128 };
    pub(super) const U64: Self = Self { least: 0, most: u64::MAX as i128 };

    fn within<E: Error>(self, number: i128, found: Unexpected<'_>) -> Result<i128, E> {
        if (self.least..=self.most).contains(&number) { Ok(number) } else { Err(E::invalid_value(found, &self)) }
    }
}

/// The number that a text is, by the grammar of JSON.
fn number(text: &str) -> Option<Number> {
    let is_blank = |byte: u8| byte.is_ascii_whitespace();
    if text.bytes().any(is_blank) { None } else { serde_json::from_str(text).ok() }
}

/// Whether a number is written with neither fraction nor exponent, so that it is exact however large it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

impl<'de> DeserializeSeed<'de> for Whole {
    type Value = i128;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<i128, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for Whole {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.least, self.most)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i128, E> {
        self.within(number.into(), Unexpected::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i128, E> {
        self.within(number.into(), Unexpected::Unsigned(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i128, E> {
        let found = Unexpected::Float(number);
        if number.fract() == 0.0 { self.within(number as i128, found) } else { Err(E::invalid_value(found, &self)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i128, E> {
        let wrong = || E::invalid_value(Unexpected::Str(text), &self);
        let number = number(text).ok_or_else(wrong)?;
        if is_plain(text) {
            return self.within(text.parse().map_err(|_| wrong())?, Unexpected::Str(text));
        }
        self.visit_f64(number.as_f64().ok_or_else(wrong)?)
    }
}

impl<'de> DeserializeSeed<'de> for Real {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<f64, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for Real {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "a number of 32 bits, \"NaN\", \"Infinity\" or \"-Infinity\"",
            Self::Double => "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
        })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        let fits = match self {
            Self::Single => (number as f32).is_finite(),
            Self::Double => number.is_finite(),
        };
        if fits { Ok(number) } else { Err(E::invalid_value(Unexpected::Float(number), &self)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => match number(text).and_then(|number| number.as_f64()) {
                Some(number) => self.visit_f64(number),
                None => Err(E::invalid_value(Unexpected::Str(text), &self)),
            },
        }
    }
}
