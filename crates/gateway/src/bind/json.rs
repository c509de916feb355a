//! Text into the fields of a JSON object, by its shape.

use serde_json::{Map, Value};
use skyloom::{Result, Status, contract::Shape};

use super::unfit::unfit;
use skyloom::transcode::hint;

/// What text is for a field that has parts of its own: an object, a map, or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parts<'a> {
    /// A list is given by its items, and anything else with parts cannot be given as text: the sentence says what it must
    /// be instead, such as `"sent in the body"`.
    Elsewhere(&'a str),
    /// It may be JSON.
    Json,
}

/// Sets the field of this name in a JSON object of this shape, or adds to it if it is an array; a dot in the name leads
/// into an object. Where the shape says nothing, text stays text, unless it is the JSON of something with parts and may be.
///
/// # Errors
/// A sentence with the name if there is no such field, or it cannot have this value.
pub fn bind_json(
    object: &mut Map<String, Value>,
    shape: &Shape,
    name: &str,
    text: &str,
    parts: Parts<'_>,
) -> Result<()> {
    let mut path = name.split('.').peekable();
    let (mut object, mut shape) = (object, shape);
    while let Some(step) = path.next() {
        let field = field_of(shape, step, name)?;
        if path.peek().is_none() {
            return put(object, field, step, Given { name, text, parts });
        }
        let inner = object.entry(step).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else {
            let message = format!("{step:?} in {name:?} is no object and has no fields of its own");
            return Err(Status::invalid_argument(message));
        };
        (object, shape) = (inner, field);
    }
    Ok(())
}

/// Whether there is a field at this path.
///
/// # Errors
/// A sentence with the path if there is none.
pub(crate) fn find_json(shape: &Shape, path: &[Box<str>]) -> Result<()> {
    let name = path.join(".");
    path.iter().try_fold(shape, |shape, step| field_of(shape, step, &name)).map(drop)
}

/// A value as it was given.
#[derive(Clone, Copy)]
struct Given<'a> {
    name: &'a str,
    text: &'a str,
    parts: Parts<'a>,
}

impl Given<'_> {
    /// What it is as JSON, if it is something with parts and may be.
    fn json(self) -> Option<Value> {
        let may_be = self.parts == Parts::Json && self.text.trim_start().starts_with(['{', '[']);
        may_be.then(|| serde_json::from_str(self.text).ok())?
    }

    /// What it is as JSON, if it may be, and nobody knows what it is to be. A whole number that is too large for a
    /// `Value` would not be the same one.
    fn guessed(self) -> Option<Value> {
        let value = (self.parts == Parts::Json).then(|| serde_json::from_str(self.text).ok())??;
        let is_rounded =
            matches!(&value, Value::Number(number) if number.is_f64()) && !self.text.contains(['.', 'e', 'E']);
        (!is_rounded).then_some(value)
    }
}

fn required(mut shape: &Shape) -> &Shape {
    while let Shape::Optional { inner } = shape {
        shape = inner;
    }
    shape
}

fn field_of<'a>(shape: &'a Shape, step: &str, name: &str) -> Result<&'a Shape> {
    match required(shape) {
        Shape::Any => Ok(&Shape::Any),
        Shape::Map { values } => Ok(values),
        Shape::Object { fields, .. } => {
            fields.iter().find(|field| field.name == step).map(|field| &field.shape).ok_or_else(|| {
                let hint = hint(step, fields.iter().map(|field| field.name.as_str()));
                Status::invalid_argument(format!("there is no field {name:?}{hint}"))
            })
        }
        _ => Err(Status::invalid_argument(format!("there is no field {name:?}"))),
    }
}

fn put(object: &mut Map<String, Value>, shape: &Shape, step: &str, given: Given<'_>) -> Result<()> {
    if let Shape::Array { items } = required(shape) {
        let more = match given.json() {
            Some(Value::Array(values)) => values,
            _ => vec![convert(items, given)?],
        };
        match object.entry(step).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(values) => values.extend(more),
            other => *other = Value::Array(more),
        }
        return Ok(());
    }
    object.insert(step.to_owned(), convert(shape, given)?);
    Ok(())
}

fn convert(shape: &Shape, given: Given<'_>) -> Result<Value> {
    let Given { name, text, parts } = given;
    let (value, expected) = match required(shape) {
        Shape::Any => (given.guessed().or_else(|| Some(Value::from(text))), "text"),
        Shape::String => (Some(Value::from(text)), "text"),
        Shape::Bool => (text.parse().ok().map(Value::Bool), "true or false"),
        Shape::Integer => (whole(text), "a whole number"),
        Shape::Ranged { least, most } => {
            let fits = |number: &i128| (i128::from(*least)..=i128::from(*most)).contains(number);
            let value = text.parse().ok().filter(fits).and_then(|_| whole(text));
            return value.ok_or_else(|| unfit(name, &format!("a whole number from {least} to {most}"), text));
        }
        Shape::Number => (text.parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number), "a number"),
        Shape::OneOf { names } if names.iter().any(|known| known == text) => (Some(Value::from(text)), ""),
        Shape::OneOf { names } => return Err(unfit(name, &format!("one of {}", names.join(", ")), text)),
        Shape::Null => (None, "left out, since it is always null"),
        shape => {
            let is_it = |value: &Value| value.is_array() == matches!(shape, Shape::Array { .. });
            let must = match parts {
                Parts::Elsewhere(must) => must,
                Parts::Json => "written as JSON or by its parts, such as a.b=1",
            };
            let value = given.json().filter(is_it);
            return value.ok_or_else(|| unfit(name, &format!("{must}, since it has parts of its own"), text));
        }
    };
    value.ok_or_else(|| unfit(name, expected, text))
}

fn whole(text: &str) -> Option<Value> {
    let signed = text.parse::<i64>().ok().map(Value::from);
    signed.or_else(|| text.parse::<u64>().ok().map(Value::from))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use skyloom::contract::{Field, Shape};

    use super::{Parts, bind_json};

    fn bound(pairs: &[(&str, &str)]) -> Result<Value, String> {
        bound_with(Parts::Elsewhere("sent in the body"), pairs)
    }

    fn bound_with(parts: Parts<'_>, pairs: &[(&str, &str)]) -> Result<Value, String> {
        let field = |name: &str, shape| Field { name: name.to_owned(), shape };
        let inner = Shape::Object { name: "Inner".into(), fields: vec![field("n", Shape::Integer)] };
        let fields = vec![
            field("s", Shape::String),
            field("i", Shape::Optional { inner: Box::new(Shape::Integer) }),
            field("small", Shape::Optional { inner: Box::new(Shape::Ranged { least: 0, most: 255 }) }),
            field("large", Shape::Ranged { least: i64::MIN, most: u64::MAX }),
            field("f", Shape::Number),
            field("b", Shape::Bool),
            field("list", Shape::Array { items: Box::new(Shape::Integer) }),
            field("words", Shape::Array { items: Box::new(Shape::String) }),
            field("inners", Shape::Array { items: Box::new(inner.clone()) }),
            field("grid", Shape::Array { items: Box::new(Shape::Array { items: Box::new(Shape::Integer) }) }),
            field("mood", Shape::OneOf { names: vec!["glad".into()] }),
            field("inner", inner),
            field("map", Shape::Map { values: Box::new(Shape::Bool) }),
            field("any", Shape::Any),
        ];
        let shape = Shape::Object { name: "T".into(), fields };
        let mut object = Map::new();
        for (name, text) in pairs {
            bind_json(&mut object, &shape, name, text, parts).map_err(|s| s.message().to_owned())?;
        }
        Ok(Value::Object(object))
    }

    #[test]
    fn text_becomes_what_the_shape_says() {
        let pairs = [
            ("s", "5"),
            ("i", "-3"),
            ("small", "255"),
            ("large", "18446744073709551615"),
            ("f", "1.5"),
            ("b", "true"),
            ("list", "1"),
            ("list", "2"),
            ("mood", "glad"),
            ("inner.n", "7"),
            ("map.x", "false"),
            ("any", "7"),
        ];
        let expected = json!({"s": "5", "i": -3, "small": 255, "large": u64::MAX, "f": 1.5, "b": true, "list": [1, 2], "mood": "glad",
            "inner": {"n": 7}, "map": {"x": false}, "any": "7"});
        assert_eq!(bound(&pairs).unwrap(), expected);
    }

    #[test]
    fn what_has_parts_is_json_where_it_may_be() {
        let json = |pairs: &[(&str, &str)]| bound_with(Parts::Json, pairs);
        let pairs = [
            ("inner", " {\"n\": 7}"),
            ("map", "{\"x\": true}"),
            ("list", "[1, 2]"),
            ("list", "3"),
            ("words", "[a]"),
            ("words", "[\"b\"]"),
            ("inners", "{\"n\": 1}"),
            ("inners", "[{\"n\": 2}]"),
            ("grid", "[[1], [2]]"),
            ("any", "{\"deep\": []}"),
            ("s", "{\"n\": 7}"),
        ];
        let expected = json!({"inner": {"n": 7}, "map": {"x": true}, "list": [1, 2, 3], "words": ["[a]", "b"],
            "inners": [{"n": 1}, {"n": 2}], "grid": [[1], [2]], "any": {"deep": []}, "s": "{\"n\": 7}"});
        assert_eq!(json(&pairs).unwrap(), expected);
        assert_eq!(json(&[("any", "7"), ("any", "{")]).unwrap(), json!({"any": "{"}));
        let must = "must be written as JSON or by its parts, such as a.b=1, since it has parts of its own, not";
        for (name, text) in [("inner", "[]"), ("inner", "{n:7}"), ("map", "5"), ("inners", "x"), ("grid", "7")] {
            assert_eq!(json(&[(name, text)]).unwrap_err(), format!("{name:?} {must} {text:?}"));
        }
        assert!(bound(&[("any", "{}"), ("list", "[1]")]).unwrap_err().contains("\"list\" must be a whole number"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (name, text, expected) in [
            ("i", "x", "\"i\" must be a whole number, not \"x\""),
            ("small", "-1", "\"small\" must be a whole number from 0 to 255, not \"-1\""),
            ("small", "256", "\"small\" must be a whole number from 0 to 255, not \"256\""),
            ("small", "2.5", "\"small\" must be a whole number from 0 to 255, not \"2.5\""),
            ("f", "inf", "\"f\" must be a number, not \"inf\""),
            ("b", "yes", "\"b\" must be true or false, not \"yes\""),
            ("mood", "sad", "\"mood\" must be one of glad, not \"sad\""),
            ("inner", "x", "\"inner\" must be sent in the body, since it has parts of its own, not \"x\""),
            ("lits", "1", "there is no field \"lits\"; did you mean \"list\"?"),
            ("inner.m", "1", "there is no field \"inner.m\"; did you mean \"n\"?"),
            ("s.x", "1", "there is no field \"s.x\""),
        ] {
            assert_eq!(bound(&[(name, text)]).unwrap_err(), expected);
        }
    }
}
