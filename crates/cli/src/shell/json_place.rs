//! Where in a JSON text that is not finished the cursor is.

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The field of this name.
    Field(String),
    /// An item of an array.
    Item,
}

/// What may be written at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The way to the object that a key is to be of, or to the value.
    pub(super) path: Vec<Step>,
    /// Whether a key is expected; otherwise a value.
    pub(super) is_key: bool,
    /// Where what is written of it begins, with its quote.
    pub(super) start: usize,
    /// What is written of it, without its quote.
    pub(super) typed: String,
    /// The keys that the object has already.
    pub(super) taken: Vec<String>,
}

enum Container {
    Object { keys: Vec<String>, key: Option<String> },
    Array,
}

/// The place at the end of the text; none if nothing can be completed there.
pub(super) fn place(text: &str) -> Option<Place> {
    let mut stack: Vec<Container> = Vec::new();
    let mut token: Option<(usize, String)> = None;
    let mut in_string = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if in_string {
            let (_, word) = token.as_mut()?;
            match c {
                _ if std::mem::take(&mut escaped) => word.push(c),
                '\\' => escaped = true,
                '"' => in_string = false,
                c => word.push(c),
            }
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                token = Some((at, String::new()));
            }
            '{' | '[' => {
                token = None;
                let object = || Container::Object { keys: Vec::new(), key: None };
                stack.push(if c == '{' { object() } else { Container::Array });
            }
            '}' | ']' => {
                token = None;
                stack.pop()?;
            }
            ':' => {
                let (_, word) = token.take()?;
                let Some(Container::Object { keys, key }) = stack.last_mut() else { return None };
                keys.push(word.clone());
                *key = Some(word);
            }
            ',' => {
                token = None;
                if let Some(Container::Object { key, .. }) = stack.last_mut() {
                    *key = None;
                }
            }
            c if c.is_whitespace() => {}
            c => match &mut token {
                Some((_, word)) => word.push(c),
                None => token = Some((at, c.to_string())),
            },
        }
    }
    let closed =
        token.as_ref().is_some_and(|(start, _)| text.get(*start..).unwrap_or_default().starts_with('"')) && !in_string;
    if closed {
        return None;
    }
    let (is_key, taken) = match stack.last()? {
        Container::Object { keys, key: None } => (true, keys.clone()),
        _ => (false, Vec::new()),
    };
    // After a key's or an item's value only a comma or the end can follow.
    let path = path(&stack);
    let (start, typed) = token.unwrap_or((text.len(), String::new()));
    let before = text.get(..start)?.trim_end();
    before.ends_with(['{', '[', ',', ':']).then_some(Place { path, is_key, start, typed, taken })
}

fn path(stack: &[Container]) -> Vec<Step> {
    let step = |container: &Container| match container {
        Container::Object { key, .. } => key.clone().map(Step::Field),
        Container::Array => Some(Step::Item),
    };
    stack.iter().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<(String, bool, usize, String)> {
        let place = place(text)?;
        let step = |step: &Step| match step {
            Step::Field(name) => name.clone(),
            Step::Item => "[]".to_owned(),
        };
        let path: Vec<String> = place.path.iter().map(step).collect();
        Some((path.join("."), place.is_key, place.start, place.typed))
    }

    #[test]
    fn the_cursor_is_at_a_key_or_at_a_value() {
        let some = |path: &str, is_key, start, typed: &str| Some((path.to_owned(), is_key, start, typed.to_owned()));
        for (text, expected) in [
            ("{", some("", true, 1, "")),
            ("{\"na", some("", true, 1, "na")),
            ("{na", some("", true, 1, "na")),
            ("{\"name\": \"A", some("name", false, 9, "A")),
            ("{\"name\": \"Ada\", ", some("", true, 16, "")),
            ("{\"a\": {\"b\": [{\"c", some("a.b.[]", true, 14, "c")),
            ("{\"a\": tr", some("a", false, 6, "tr")),
            ("{\"a\": [1, ", some("a.[]", false, 10, "")),
            ("{\"name\"", None),
            ("{\"name\": \"Ada\"", None),
            ("{\"name\": \"Ada\"}", None),
            ("}", None),
            (":", None),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
        assert_eq!(place("{\"a\": 1, \"b").unwrap().taken, ["a"]);
    }
}
