//! A message that is written as its fields: `name=Ada count=3`.

use serde_json::{Map, Value};
use skyloom::contract::Shape;
use skyloom_gateway::{Parts, bind_json};

use super::shape::outlined;

/// So deep may a name lead; no message is nested deeper.
const DEEPEST: usize = 100;

/// Whether a word is a field, `NAME=VALUE`, which no JSON can be.
pub(super) fn is_field(word: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || "_-.$".contains(c))
    };
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// The JSON of a message of this shape that is written as these fields. A dot leads into an object, and a list is
/// written by its items; or either is written as JSON. So is what the contract does not tell, or else it is text.
///
/// # Errors
/// What is wrong with a field, and which there are.
pub(super) fn written(words: &[String], of: &str, shape: &Shape) -> Result<String, String> {
    let wrong = |why: String| {
        let end = if why.ends_with('?') { "" } else { ";" };
        format!("{why}{end} {of} takes {}", outlined(shape))
    };
    let mut object = Map::new();
    for (at, word) in words.iter().enumerate() {
        let Some((name, text)) = word.split_once('=').filter(|_| is_field(word)) else {
            return Err(wrong(format!(
                "{word:?} is no field; write each as NAME=VALUE, or the whole message as one JSON"
            )));
        };
        if name.split('.').count() > DEEPEST {
            return Err(wrong(format!("a name leads deeper than {DEEPEST} objects")));
        }
        let earlier = || words.iter().take(at).filter_map(|word| Some(word.split_once('=')?.0));
        if let Some(whole) = earlier().find_map(|other| whole_of(name, other)) {
            return Err(wrong(format!("{whole:?} is given whole and by its parts; write one of the two")));
        }
        bind_json(&mut object, shape, name, text, Parts::Json).map_err(|status| wrong(status.message().to_owned()))?;
        if earlier().any(|other| other == name) && !is_list(&object, name) {
            return Err(wrong(format!("{name:?} is given twice")));
        }
    }
    Ok(Value::Object(object).to_string())
}

/// Which of two names leads to the other.
fn whole_of<'a>(name: &'a str, other: &'a str) -> Option<&'a str> {
    let is_part = |part: &str, of: &str| part.strip_prefix(of).is_some_and(|rest| rest.starts_with('.'));
    match (is_part(name, other), is_part(other, name)) {
        (true, _) => Some(other),
        (_, true) => Some(name),
        _ => None,
    }
}

fn is_list(object: &Map<String, Value>, name: &str) -> bool {
    let mut steps = name.split('.');
    let first = steps.next().and_then(|step| object.get(step));
    steps.try_fold(first, |value, step| value.map(|value| value.get(step))).flatten().is_some_and(Value::is_array)
}

#[cfg(test)]
mod tests {
    use skyloom::contract::Field;

    use super::*;

    fn shape() -> Shape {
        let field = |name: &str, shape| Field { name: name.to_owned(), shape };
        let item = Shape::Object { name: "Item".to_owned(), fields: vec![field("code", Shape::String)] };
        let fields = vec![
            field("name", Shape::String),
            field("count", Shape::Optional { inner: Box::new(Shape::Ranged { least: 0, most: 255 }) }),
            field("glad", Shape::Bool),
            field("tags", Shape::Array { items: Box::new(Shape::String) }),
            field("item", item),
        ];
        Shape::Object { name: "Order".to_owned(), fields }
    }

    fn json(words: &[&str]) -> Result<String, String> {
        written(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), "orders.v1.Orders/Place", &shape())
    }

    #[test]
    fn fields_are_written_by_the_types_of_the_contract() {
        let words = ["name=5 = five", "count=5", "glad=true", "tags=a", "tags=b", "item.code=x"];
        let expected = r#"{"name":"5 = five","count":5,"glad":true,"tags":["a","b"],"item":{"code":"x"}}"#;
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&json(&words).unwrap()), value(expected));
        assert_eq!(json(&[r#"item={"code":"x"}"#]).unwrap(), r#"{"item":{"code":"x"}}"#);
        assert_eq!(json(&["name="]).unwrap(), r#"{"name":""}"#);
        let words = ["name={\"a\": 1}", "item={\"code\": \"x\"}", "tags=[\"a\", \"b\"]", "tags=c"];
        let expected = r#"{"name":"{\"a\": 1}","tags":["a","b","c"],"item":{"code":"x"}}"#;
        assert_eq!(value(&json(&words).unwrap()), value(expected), "what has parts may be JSON");
    }

    #[test]
    fn what_is_no_field_is_named_with_those_that_there_are() {
        let all = "orders.v1.Orders/Place takes name (string), count (whole number, or nothing), glad (true or false), \
                   tags (list of string), item (Item)";
        for (words, why) in [
            (&["nme=Ada"][..], "there is no field \"nme\"; did you mean \"name\"?"),
            (&["count=three"], "\"count\" must be a whole number from 0 to 255, not \"three\";"),
            (&["name=a", "name=b"], "\"name\" is given twice;"),
            (&["item.code=a", "item.code=b"], "\"item.code\" is given twice;"),
            (&["name=a", "more"], "\"more\" is no field; write each as NAME=VALUE, or the whole message as one JSON;"),
            (
                &["item=x"],
                "\"item\" must be written as JSON or by its parts, such as a.b=1, since it has parts of its own, not \"x\";",
            ),
            (&["item={}", "item={}"], "\"item\" is given twice;"),
            (&["item={}", "item.code=x"], "\"item\" is given whole and by its parts; write one of the two;"),
            (&["item.code=x", "item={}"], "\"item\" is given whole and by its parts; write one of the two;"),
        ] {
            assert_eq!(json(words).unwrap_err(), format!("{why} {all}"));
        }
        let deep = format!("item{}=1", ".a".repeat(10_000));
        assert!(json(&[&deep]).unwrap_err().starts_with("a name leads deeper than 100 objects"));
    }

    #[test]
    fn fields_that_the_contract_does_not_tell_are_json_or_text() {
        let written = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
            written(&words, "a.v1/B", &Shape::Any)
        };
        let words = [
            "name=Ada",
            "count=3",
            "half=0.5",
            "glad=true",
            "none=null",
            "number=\"3\"",
            "list=[1,\"b\"]",
            "item.code=x",
            "item.size=-4",
            "at=2026-11-30",
            "vast=340282366920938463463374607431768211455",
            "empty=",
        ];
        let expected = r#"{"name":"Ada","count":3,"half":0.5,"glad":true,"none":null,"number":"3","list":[1,"b"],
            "item":{"code":"x","size":-4},"at":"2026-11-30","vast":"340282366920938463463374607431768211455","empty":""}"#;
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&written(&words).unwrap()), value(expected));
        let twice = written(&["name=a", "name=b"]).unwrap_err();
        assert_eq!(twice, "\"name\" is given twice; a.v1/B takes anything in JSON");
        let inside = written(&["name=a", "name.first=b"]).unwrap_err();
        assert!(inside.starts_with("\"name\" is given whole and by its parts"), "{inside}");
    }

    #[test]
    fn json_is_never_taken_for_a_field() {
        for word in ["{\"a\": \"b=c\"}", "\"a=b\"", "[\"a=b\"]", "-", "@a=b", "5", "true", "=x", "a b=c"] {
            assert!(!is_field(word), "{word}");
        }
        assert!(is_field("a=") && is_field("_a.b-c=d=e"));
    }
}
