//! What stands between the braces of a tag, and the conditions of `cargo-generate.toml`.

use super::value::{Value, Values};

/// The value of an output such as `crate_name | pascal_case`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn evaluate(text: &str, values: &Values) -> Result<String, String> {
    let mut parts = text.split('|').map(str::trim);
    let value = operand(parts.next().unwrap_or_default(), values)?.to_string();
    parts.try_fold(value, |value, filter| match filter {
        "pascal_case" => Ok(pascal_case(&value)),
        other => Err(format!("there is no filter {other:?}")),
    })
}

/// Whether a condition holds: comparisons joined by `and`, or joined by `or`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn holds(text: &str, values: &Values) -> Result<bool, String> {
    match (text.contains(" and "), text.contains(" or ")) {
        (true, true) => Err(format!("{text:?} mixes `and` with `or`, which people and tools read differently")),
        (true, false) => text.split(" and ").try_fold(true, |all, part| Ok(comparison(part, values)? && all)),
        _ => text.split(" or ").try_fold(false, |any, part| Ok(comparison(part, values)? || any)),
    }
}

/// `a`, `!a`, `a == "b"` or `a != "b"`.
fn comparison(text: &str, values: &Values) -> Result<bool, String> {
    if let Some((left, right)) = text.split_once("==") {
        return Ok(operand(left, values)? == operand(right, values)?);
    }
    if let Some((left, right)) = text.split_once("!=") {
        return Ok(operand(left, values)? != operand(right, values)?);
    }
    match text.trim().strip_prefix('!') {
        Some(negated) => Ok(!operand(negated, values)?.is_true()),
        None => Ok(operand(text, values)?.is_true()),
    }
}

/// A text in quotes, or a variable.
fn operand(text: &str, values: &Values) -> Result<Value, String> {
    let text = text.trim();
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Ok(Value::from(quoted));
    }
    values.get(text).cloned().ok_or_else(|| format!("there is no variable {text:?}"))
}

/// `OrderBook` of `order_book` and of `order-book`.
pub(super) fn pascal_case(name: &str) -> String {
    name.split(['-', '_'])
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<Vec<_>>()
        })
        .collect()
}

/// `order_book` of `OrderBook`, by the rule of `#[service]`, which makes a service's queue of its type's name: a word
/// begins with a capital that follows a small letter or a digit, or that a small letter follows.
pub(super) fn snake_case(camel: &str) -> String {
    let letters: Vec<char> = camel.chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let is_before_small = letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && before.is_some_and(|before| !before.is_ascii_uppercase() || is_before_small) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let values = [("crate_name", Value::from("order_book")), ("event", true.into()), ("broker", "nats".into())];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn outputs_are_variables_texts_and_filters() {
        let value = |text: &str| evaluate(text, &values());
        assert_eq!(value(" crate_name ").unwrap(), "order_book");
        assert_eq!(value("crate_name | pascal_case").unwrap(), "OrderBook");
        assert_eq!(value("\"{\"").unwrap(), "{");
        assert_eq!(value("craten_ame").unwrap_err(), "there is no variable \"craten_ame\"");
        assert_eq!(value("crate_name | shout").unwrap_err(), "there is no filter \"shout\"");
    }

    #[test]
    fn names_of_types_have_the_words_of_their_queues() {
        for (camel, snake) in [
            ("Orders", "orders"),
            ("OrderBook", "order_book"),
            ("S3Proxy", "s3_proxy"),
            ("HTTPServer", "http_server"),
            ("ABTest", "ab_test"),
            ("AB", "ab"),
        ] {
            assert_eq!(snake_case(camel), snake);
        }
    }

    #[test]
    fn conditions_compare_and_join() {
        for (text, expected) in [
            ("event", true),
            ("!event", false),
            ("broker == \"nats\"", true),
            ("broker != \"nats\"", false),
            ("event and broker == \"redis\"", false),
            ("broker == \"redis\" or event", true),
        ] {
            assert_eq!(holds(text, &values()), Ok(expected), "{text}");
        }
        assert!(holds("event and event or event", &values()).is_err());
        assert!(holds("evnt", &values()).is_err());
    }
}
