//! Names: how one is made of another, and which rules each must keep.

/// The longest name, as in the core's `MAX_NAME`.
const MAX_NAME: usize = 64;

/// `HelloWorld` of `hello_world`.
pub(crate) fn upper_camel(snake: &str) -> String {
    snake
        .split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<Vec<_>>()
        })
        .collect()
}

/// `hello_world` of `HelloWorld`, `http_server` of `HTTPServer`.
pub(crate) fn snake(camel: &str) -> String {
    let letters: Vec<char> = camel.chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let after = letters.get(index + 1);
        let starts_word = before.is_some_and(|before| {
            before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase)
        });
        if letter.is_ascii_uppercase() && starts_word {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A service's queue: the package if it already names the service, else the package with the
/// service's name before its version.
pub(crate) fn queue_of(full_name: &str, version: u32) -> String {
    let (package, service) = full_name.rsplit_once('.').unwrap_or(("", full_name));
    let service = snake(service);
    let (stem, version) = match package.rsplit_once('.').unwrap_or(("", package)) {
        (stem, last) if is_version(last) => (stem, last.to_owned()),
        _ => (package, format!("v{version}")),
    };
    let names_service = stem == service || stem.strip_suffix(&service).is_some_and(|rest| rest.ends_with('.'));
    match (stem.is_empty(), names_service) {
        (true, _) => format!("{service}.{version}"),
        (_, true) => format!("{stem}.{version}"),
        _ => format!("{stem}.{service}.{version}"),
    }
}

/// The version that a full name's package states: 1 of `greeter.v1.Greeter` and `a.v1beta2.B`. `v0` states none: versions
/// count from 1.
pub(crate) fn version_of(full_name: &str) -> Option<u32> {
    let package = full_name.rsplit_once('.')?.0;
    let last = package.rsplit('.').next()?;
    let digits = last.strip_prefix('v')?;
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok().filter(|version| *version > 0)
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// Why this is no name of a queue, a topic or a group; the core's own rules.
pub(crate) fn check_channel(name: &str) -> Result<(), &'static str> {
    let first = *name.as_bytes().first().ok_or("it is empty")?;
    if name.len() > MAX_NAME {
        return Err("it is longer than 64 characters");
    }
    if first == b'_' {
        return Err("names that start with _ are the framework's own");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)) {
        return Err("use only a-z, 0-9, dot, underscore and hyphen");
    }
    if !first.is_ascii_alphanumeric() {
        return Err("start it with a letter or a digit");
    }
    if name.contains("..") {
        return Err("two dots in a row are not allowed");
    }
    Ok(())
}

/// Why this is no name of a method or of a field; the core's own rules.
pub(crate) fn check_identifier(name: &str) -> Result<(), &'static str> {
    let first = *name.as_bytes().first().ok_or("it is empty")?;
    if name.len() > MAX_NAME {
        return Err("it is longer than 64 characters");
    }
    if !first.is_ascii_alphabetic() {
        return Err("start it with a letter");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("use only letters, digits and underscore");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check_channel, check_identifier, queue_of, snake, upper_camel, version_of};

    #[test]
    fn cases() {
        assert_eq!(upper_camel("hello"), "Hello");
        assert_eq!(upper_camel("say_hello_2"), "SayHello2");
        for (camel, expected) in
            [("Greeter", "greeter"), ("OrderBook", "order_book"), ("HTTPServer", "http_server"), ("V2Api", "v2_api")]
        {
            assert_eq!(snake(camel), expected);
        }
    }

    #[test]
    fn queues_of_full_names() {
        for (name, queue) in [
            ("greeter.v1.Greeter", "greeter.v1"),
            ("order_book.v2.OrderBook", "order_book.v2"),
            ("acme.greeter.v1.Greeter", "acme.greeter.v1"),
            ("shop.v1.Cart", "shop.cart.v1"),
            ("helloworld.Greeter", "helloworld.greeter.v1"),
            ("v1.Greeter", "greeter.v1"),
            ("shop.v1beta2.Cart", "shop.cart.v1beta2"),
            ("Greeter", "greeter.v1"),
        ] {
            assert_eq!(queue_of(name, 1), queue, "{name}");
        }
    }

    #[test]
    fn versions_of_full_names() {
        for (name, version) in [
            ("greeter.v1.Greeter", Some(1)),
            ("a.v12beta3.B", Some(12)),
            ("a.B", None),
            ("B", None),
            ("a.vx.B", None),
            ("a.v0.B", None),
        ] {
            assert_eq!(version_of(name), version, "{name}");
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in ["", "_x", "A", "a..b", "a/b", ".a", "a b", &"x".repeat(65)] {
            assert!(check_channel(name).is_err(), "{name}");
        }
        for name in ["", "1a", "a-b", "a.b", "ä", &"x".repeat(65)] {
            assert!(check_identifier(name).is_err(), "{name}");
        }
        assert_eq!(check_channel("links.visited-2_x"), Ok(()));
        assert_eq!(check_identifier("Hello_2"), Ok(()));
    }
}
