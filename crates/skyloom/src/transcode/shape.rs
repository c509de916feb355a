//! Checks JSON against the shape of a type, without building anything from it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use skyloom_core::contract::{Field, Shape};

use super::hint;

/// A seed that accepts exactly what has the shape.
#[derive(Clone, Copy)]
pub struct Check<'a>(pub &'a Shape);

impl<'a> Check<'a> {
    fn inner(self) -> &'a Shape {
        let mut shape = self.0;
        while let Shape::Optional { inner } = shape {
            shape = inner;
        }
        shape
    }

    /// Whether a whole number is one that fits.
    fn whole<E: Error>(self, number: i128, found: Unexpected<'_>) -> Result<(), E> {
        match self.inner() {
            Shape::Integer | Shape::Number => Ok(()),
            Shape::Ranged { least, most } if (i128::from(*least)..=i128::from(*most)).contains(&number) => Ok(()),
            Shape::Ranged { .. } => Err(E::invalid_value(found, &self)),
            _ => Err(self.wrong(found)),
        }
    }

    fn wrong<E: Error>(self, found: Unexpected<'_>) -> E {
        E::invalid_type(found, &self)
    }
}

/// Whether this is how a whole number comes that only 128 bits hold. The parser rounds it, which nobody sees: the text
/// itself is what is sent.
fn is_wide(number: f64) -> bool {
    let (least, most) = (i128::MIN as f64, u128::MAX as f64);
    let is_narrow = number > i64::MIN as f64 && number < u64::MAX as f64;
    number.fract() == 0.0 && !is_narrow && (least..=most).contains(&number)
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.inner() {
            Shape::Any => json.deserialize_ignored_any(IgnoredAny).map(drop),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inner() {
            Shape::Null => f.write_str("null"),
            Shape::Bool => f.write_str("true or false"),
            Shape::Integer => f.write_str("a whole number"),
            Shape::Ranged { least, most } => write!(f, "a whole number from {least} to {most}"),
            Shape::Number => f.write_str("a number"),
            Shape::String => f.write_str("a string"),
            Shape::OneOf { names } => write!(f, "one of {}", names.join(", ")),
            Shape::Array { .. } => f.write_str("an array"),
            Shape::Map { .. } => f.write_str("an object"),
            Shape::Object { name, .. } => write!(f, "an object, a {name}"),
            _ => f.write_str("any value"),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        matches!(self.inner(), Shape::Bool).then_some(()).ok_or_else(|| self.wrong(Unexpected::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.whole(value.into(), Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.whole(value.into(), Unexpected::Unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let fits = match self.inner() {
            Shape::Number => true,
            Shape::Integer => is_wide(value),
            _ => false,
        };
        fits.then_some(()).ok_or_else(|| self.wrong(Unexpected::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.inner() {
            Shape::String => Ok(()),
            Shape::OneOf { names } if names.iter().any(|name| name == value) => Ok(()),
            Shape::OneOf { names } => {
                let hint = hint(value, names.iter().map(String::as_str));
                Err(E::custom(format_args!("{value:?} is not one of {}{hint}", names.join(", "))))
            }
            _ => Err(self.wrong(Unexpected::Str(value))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        let fits = matches!(self.0, Shape::Null | Shape::Optional { .. });
        fits.then_some(()).ok_or_else(|| self.wrong(Unexpected::Unit))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Shape::Array { items } = self.inner() else { return Err(self.wrong(Unexpected::Seq)) };
        while sequence.next_element_seed(Check(items))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self.inner() {
            Shape::Object { fields, .. } => {
                while let Some(shape) = map.next_key_seed(Key(fields))? {
                    map.next_value_seed(Check(shape))?;
                }
                Ok(())
            }
            Shape::Map { values } => {
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value_seed(Check(values))?;
                }
                Ok(())
            }
            _ => Err(self.wrong(Unexpected::Map)),
        }
    }
}

/// The shape of the field that a key names.
#[derive(Clone, Copy)]
struct Key<'a>(&'a [Field]);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = &'a Shape;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<&'a Shape, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = &'a Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<&'a Shape, E> {
        let known = self.0.iter().find(|field| field.name == name).map(|field| &field.shape);
        known.ok_or_else(|| {
            let hint = hint(name, self.0.iter().map(|field| field.name.as_str()));
            E::custom(format_args!("there is no field {name:?}{hint}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use skyloom_core::contract::{Field, Shape};

    use super::{super::parse_json, Check};

    fn person() -> Shape {
        let field = |name: &str, shape| Field { name: name.to_owned(), shape };
        let fields = vec![
            field("name", Shape::String),
            field("age", Shape::Optional { inner: Box::new(Shape::Integer) }),
            field("tags", Shape::Array { items: Box::new(Shape::String) }),
            field("mood", Shape::OneOf { names: vec!["glad".into(), "sad".into()] }),
            field("scores", Shape::Map { values: Box::new(Shape::Number) }),
            field("level", Shape::Ranged { least: -128, most: 127 }),
            field("extra", Shape::Any),
        ];
        Shape::Object { name: "Person".into(), fields }
    }

    #[test]
    fn what_has_the_shape_passes() {
        let shape = person();
        for text in [
            "{}",
            r#"{"name":"Ada","age":null,"tags":["a","b"],"mood":"sad","scores":{"x":1,"y":1.5},"extra":[{"z":{}}]}"#,
            r#"{"n\u0061me":"Ada","age":36}"#,
            r#"{"level":-128}"#,
            r#"{"level":127}"#,
            r#"{"age":340282366920938463463374607431768211455}"#,
            r#"{"age":-170141183460469231731687303715884105728}"#,
        ] {
            parse_json(text, Check(&shape)).unwrap();
        }
    }

    #[test]
    fn what_has_not_is_named() {
        let shape = person();
        for (text, expected) in [
            (r#"{"nam":"Ada"}"#, "there is no field \"nam\"; did you mean \"name\"?"),
            (r#"{"name":5}"#, "field \"name\" is not as expected: invalid type: integer `5`, expected a string"),
            (
                r#"{"age":1.5}"#,
                "field \"age\" is not as expected: invalid type: floating point `1.5`, expected a whole",
            ),
            (
                r#"{"level":128}"#,
                "field \"level\" is not as expected: invalid value: integer `128`, expected a whole number from -128 to 127",
            ),
            (
                r#"{"age":3402823669209384634633746074317682114550}"#,
                "field \"age\" is not as expected: invalid type: fl",
            ),
            (r#"{"level":18446744073709551616}"#, "expected a whole number from -128 to 127"),
            (r#"{"level":-129}"#, "integer `-129`, expected a whole number from -128 to 127"),
            (r#"{"level":"1"}"#, "invalid type: string \"1\", expected a whole number from -128 to 127"),
            (r#"{"name":null}"#, "field \"name\" is not as expected: invalid type: null, expected a string"),
            (r#"{"tags":["a",1]}"#, "field \"tags[1]\" is not as expected"),
            (r#"{"mood":"gald"}"#, "\"gald\" is not one of glad, sad; did you mean \"glad\"?"),
            (r#"{"scores":{"x":true}}"#, "field \"scores.x\" is not as expected"),
            (r#"["Ada"]"#, "invalid type: sequence, expected an object, a Person"),
        ] {
            let error = parse_json(text, Check(&shape)).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
