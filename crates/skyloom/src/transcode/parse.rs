//! Parses JSON with a seed, and says what is wrong with it.

use serde::de::DeserializeSeed;
use serde_json::error::Category;
use skyloom_core::{Result, Status};

/// Parses a text that `check_text` has passed. On failure it is parsed once more, to learn which
/// field is wrong; a text without mistakes does not pay for that.
pub fn parse_json<'de, S: DeserializeSeed<'de> + Clone>(text: &'de str, seed: S) -> Result<S::Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = seed.clone().deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    parsed.map_err(|error| describe(text, seed, &error))
}

fn describe<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S, error: &serde_json::Error) -> Status {
    if error.classify() != Category::Data {
        return Status::invalid_argument(format!("the body is not JSON: {error}"));
    }
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(text);
    // It fails as it did before; what is wanted is where.
    drop(seed.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track)).map(drop));
    let path = track.path();
    if path.iter().next().is_none() {
        return Status::invalid_argument(format!("the body is not as expected: {error}"));
    }
    Status::invalid_argument(format!("field \"{path}\" is not as expected: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, marker::PhantomData};

    use super::parse_json;

    type Map = PhantomData<BTreeMap<String, Vec<u32>>>;

    #[test]
    fn the_sentence_says_where_and_what() {
        assert!(parse_json(r#"{"a":[1,2]}"#, Map::default()).is_ok());
        for (text, expected) in [
            ("{\"a\":[1,", "the body is not JSON: EOF while parsing a value at line 1 column 8"),
            ("{\"a\":[1]} x", "the body is not JSON: trailing characters at line 1 column 11"),
            ("[]", "the body is not as expected: invalid type: sequence, expected a map at line 1 column 0"),
            (
                "{\"a\":[1,\"b\"]}",
                "field \"a[1]\" is not as expected: invalid type: string \"b\", expected u32 at line 1 column 11",
            ),
        ] {
            assert_eq!(parse_json(text, Map::default()).unwrap_err().message(), expected);
        }
    }
}
