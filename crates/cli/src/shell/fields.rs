//! The fields and words that a method's contract has for a place in its message.

use skyloom::contract::Shape;

use super::json_place::{Place, Step};
use crate::method::{bare, kind};

/// Something that may be written: what, and a word about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// The JSON.
    pub(super) text: String,
    /// What it is, for a list of offers.
    pub(super) shown: String,
}

/// What may be written at a place of a message of this shape.
pub(super) fn offers(message: &Shape, place: &Place) -> Vec<Offer> {
    let Some(shape) = place.path.iter().try_fold(message, |shape, step| inside(shape, step)) else {
        return Vec::new();
    };
    if place.is_key { keys(shape, place) } else { values(shape, &place.typed) }
}

fn inside<'a>(shape: &'a Shape, step: &Step) -> Option<&'a Shape> {
    match (bare(shape), step) {
        (Shape::Object { fields, .. }, Step::Field(name)) => {
            fields.iter().find(|field| field.name == *name).map(|field| &field.shape)
        }
        (Shape::Map { values }, Step::Field(_)) => Some(values),
        (Shape::Array { items }, Step::Item) => Some(items),
        _ => None,
    }
}

fn keys(shape: &Shape, place: &Place) -> Vec<Offer> {
    let Shape::Object { fields, .. } = bare(shape) else { return Vec::new() };
    let wanted =
        fields.iter().filter(|field| field.name.starts_with(&place.typed) && !place.taken.contains(&field.name));
    wanted
        .map(|field| Offer {
            text: format!("\"{}\": {}", field.name, begun(&field.shape)),
            shown: format!("{}: {}", field.name, kind(&field.shape)),
        })
        .collect()
}

/// How a value of this shape begins.
fn begun(shape: &Shape) -> &'static str {
    match bare(shape) {
        Shape::String => "\"",
        Shape::Array { .. } => "[",
        Shape::Object { .. } | Shape::Map { .. } => "{",
        _ => "",
    }
}

fn values(shape: &Shape, typed: &str) -> Vec<Offer> {
    let words: Vec<String> = match bare(shape) {
        Shape::Bool => vec!["true".to_owned(), "false".to_owned()],
        Shape::OneOf { names } => names.iter().map(|name| format!("\"{name}\"")).collect(),
        _ if typed.is_empty() && !begun(shape).is_empty() => vec![begun(shape).to_owned()],
        _ => Vec::new(),
    };
    let fits = |word: &String| word.trim_start_matches('"').starts_with(typed);
    words.into_iter().filter(fits).map(|word| Offer { shown: word.clone(), text: word }).collect()
}

#[cfg(test)]
mod tests {
    use skyloom::contract::Field;

    use super::{super::json_place::place, *};

    fn shape() -> Shape {
        let field = |name: &str, shape| Field { name: name.to_owned(), shape };
        let mood = Shape::OneOf { names: vec!["glad".to_owned(), "sad".to_owned()] };
        let inner = vec![field("code", Shape::String), field("on", Shape::Bool)];
        let items = Shape::Object { name: "Item".to_owned(), fields: inner };
        let fields = vec![
            field("name", Shape::String),
            field("names", Shape::Array { items: Box::new(items) }),
            field("mood", Shape::Optional { inner: Box::new(mood) }),
            field("age", Shape::Integer),
        ];
        Shape::Object { name: "Person".to_owned(), fields }
    }

    fn offered(text: &str) -> Vec<String> {
        offers(&shape(), &place(text).unwrap()).into_iter().map(|offer| offer.text).collect()
    }

    #[test]
    fn fields_and_words_come_from_the_contract() {
        assert_eq!(offered("{"), ["\"name\": \"", "\"names\": [", "\"mood\": ", "\"age\": "]);
        assert_eq!(offered("{\"name\": \"Ada\", \"na"), ["\"names\": ["]);
        assert_eq!(offered("{\"mood\": \"s"), ["\"sad\""]);
        assert_eq!(offered("{\"names\": [{\"co"), ["\"code\": \""]);
        assert_eq!(offered("{\"names\": [{\"on\": t"), ["true"]);
        assert_eq!(offered("{\"age\": "), Vec::<String>::new());
        assert_eq!(offered("{\"nowhere\": {\"x"), Vec::<String>::new());
        let shown: Vec<_> = offers(&shape(), &place("{\"m").unwrap()).into_iter().map(|offer| offer.shown).collect();
        assert_eq!(shown, ["mood: glad | sad, or nothing"]);
    }
}
