//! A line as words.

use serde::de::IgnoredAny;

/// A word and where it is in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What it says, without quotes.
    pub(super) text: String,
    /// Its first byte in the line.
    pub(super) start: usize,
}

/// Splits a line as a shell does, at spaces and with quotes; JSON that begins a word, or the value of a field, is one
/// word without quotes.
///
/// # Errors
/// A sentence if a quote is not closed.
pub(super) fn split(line: &str) -> Result<Vec<Word>, String> {
    let (words, open) = scan(line);
    match open {
        Some(column) => Err(format!("the quote in column {} is not closed", column + 1)),
        None => Ok(words),
    }
}

/// The words up to the cursor, of which the last is not finished; it is empty after a space.
pub(super) fn split_unfinished(line: &str) -> Vec<Word> {
    let (mut words, _) = scan(line);
    let is_json = words.last().is_some_and(|word| is_json(&word.text) || begun_field(&word.text).is_some());
    if words.is_empty() || (line.ends_with(char::is_whitespace) && !is_json) {
        words.push(Word { text: String::new(), start: line.len() });
    }
    words
}

/// Whether a word is JSON that needs no quotes.
pub(super) fn is_json(text: &str) -> bool {
    text.starts_with(['{', '['])
}

/// The words, and the column of a quote that is not closed.
fn scan(line: &str) -> (Vec<Word>, Option<usize>) {
    let (mut words, mut rest) = (Vec::new(), line);
    loop {
        rest = rest.trim_start();
        let start = line.len() - rest.len();
        if rest.is_empty() {
            return (words, None);
        }
        if is_json(rest) {
            let end = json_end(rest);
            let (json, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            words.push(Word { text: json.trim_end().to_owned(), start });
            rest = after;
            continue;
        }
        if let Some(end) = field_end(rest) {
            let (field, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            words.push(Word { text: field.to_owned(), start });
            rest = after;
            continue;
        }
        let (text, after, open) = plain(rest);
        words.push(Word { text, start });
        if let Some(at) = open {
            return (words, Some(start + at));
        }
        rest = after;
    }
}

/// Where the JSON at the beginning ends; at the end of the line if it is none, so that its mistake is explained.
fn json_end(text: &str) -> usize {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.byte_offset(),
        _ => text.len(),
    }
}

/// Where a field ends whose value is JSON of something with parts, such as `item={"count": 1}`; at the end of the line if
/// it is not finished.
fn field_end(text: &str) -> Option<usize> {
    let (name, value) = json_field(text)?;
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<IgnoredAny>();
    match values.next()? {
        Ok(_) => Some(name.len() + 1 + values.byte_offset()),
        Err(error) => error.is_eof().then_some(text.len()),
    }
}

/// The name and the JSON of a field that is not finished, such as `item={"count": `.
pub(super) fn begun_field(text: &str) -> Option<(&str, &str)> {
    json_field(text).filter(|(_, value)| serde_json::from_str::<IgnoredAny>(value).is_err())
}

/// The name and the value of a field that is written as JSON of something with parts.
fn json_field(text: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| !name.contains(|c: char| c.is_whitespace() || "\"'\\".contains(c));
    text.split_once('=').filter(|(name, value)| is_name(name) && is_json(value))
}

/// A word without its quotes, what follows it, and where a quote begins that is not closed.
fn plain(text: &str) -> (String, &str, Option<usize>) {
    let (mut word, mut quote, mut escaped) = (String::new(), None, false);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            _ if std::mem::take(&mut escaped) => word.push(c),
            ('\\', None | Some(('"', _))) => escaped = true,
            (c, Some((open, _))) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('"' | '\'', None) => quote = Some((c, at)),
            (c, None) if c.is_whitespace() => return (word, text.get(at..).unwrap_or_default(), None),
            (c, None) => word.push(c),
        }
    }
    (word, "", quote.map(|(_, at)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn json_needs_no_quotes() {
        let line = r#"call greeter.v1/Hello {"name": "Ada \" L}"} --timeout 2s"#;
        assert_eq!(words(line), ["call", "greeter.v1/Hello", r#"{"name": "Ada \" L}"}"#, "--timeout", "2s"]);
        assert_eq!(words(r#"publish a.b [1, 2] -x"#), ["publish", "a.b", "[1, 2]", "-x"]);
        assert_eq!(words(r#"call x '{"a": 1}'"#), ["call", "x", r#"{"a": 1}"#]);
        let line = r#"call x item={"a": "b c"} tags=["d"] name='e f' g={h i"#;
        assert_eq!(words(line), ["call", "x", r#"item={"a": "b c"}"#, r#"tags=["d"]"#, "name=e f", "g={h", "i"]);
        // What is no JSON is taken to the end, so that the command says what is wrong with it.
        assert_eq!(words("call x {\"a\": nope} --timeout 2s"), ["call", "x", "{\"a\": nope} --timeout 2s"]);
    }

    #[test]
    fn words_are_split_as_in_a_shell() {
        assert_eq!(words(r#"  a 'b c' "d \"e" f\ g  "#), ["a", "b c", "d \"e", "f g"]);
        assert_eq!(words(""), Vec::<String>::new());
        assert_eq!(split("a 'b").unwrap_err(), "the quote in column 3 is not closed");
    }

    #[test]
    fn the_last_word_is_not_finished() {
        let last = |line: &str| split_unfinished(line).pop().unwrap();
        assert_eq!(last("call gre"), Word { text: "gre".to_owned(), start: 5 });
        assert_eq!(last("call "), Word { text: String::new(), start: 5 });
        assert_eq!(last(""), Word { text: String::new(), start: 0 });
        assert_eq!(last("call x {\"a\": "), Word { text: "{\"a\":".to_owned(), start: 7 });
        assert_eq!(last("call x a={\"b\": "), Word { text: "a={\"b\": ".to_owned(), start: 7 });
        assert_eq!(last("call x a={\"b\": 1} "), Word { text: String::new(), start: 18 });
    }
}
