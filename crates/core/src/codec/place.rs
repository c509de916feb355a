//! Where in a JSON text a mistake is.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Deserializer, Track};

/// How many characters of a place are shown; a caller may send any.
const SHOWN: usize = 100;

/// The place of the value for which this text is no `T`, such as `lines[2].count`; nothing if it is the whole text. It is
/// read once more to learn that, so that a text without mistakes does not pay for it.
pub(super) fn place_of<T: DeserializeOwned>(text: &[u8]) -> Option<String> {
    let mut track = Track::new();
    let mut json = serde_json::Deserializer::from_slice(text);
    // It fails as it did before; what is wanted is where.
    drop(T::deserialize(Deserializer::new(&mut json, &mut track)).map(drop));
    let path = track.path();
    path.iter().next()?;
    let place = path.to_string();
    Some(match place.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &place[..end]),
        None => place,
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32};

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it is only ever refused")]
    struct Order {
        count: NonZeroU32,
        #[serde(default)]
        from: Option<IpAddr>,
        #[serde(default)]
        lines: Vec<Line>,
        #[serde(default)]
        more: BTreeMap<String, Order>,
    }

    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Line;

    impl TryFrom<String> for Line {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            if text.is_empty() { Err("a line is not empty".to_owned()) } else { Ok(Self) }
        }
    }

    #[test]
    fn a_mistake_is_at_the_value_that_has_it() {
        for (text, place) in [
            ("{\"count\":0}", Some("count")),
            ("{\"count\": {}}", Some("count")),
            ("{\"count\": 1, \"from\": \"1.2.3\"}", Some("from")),
            ("{\"count\":1,\"lines\":[\"a\",\"\",\"b\"]}", Some("lines[1]")),
            ("{\"count\":1,\"more\":{\"a\":{\"count\":1},\"b\":{\"count\":-1}}}", Some("more.b.count")),
            ("{\"count\":1,\"more\":{\"a\":{}}}", Some("more.a")),
            ("{}", None),
            ("[]", None),
        ] {
            assert_eq!(place_of::<Order>(text.as_bytes()).as_deref(), place, "{text}");
        }
    }

    #[test]
    fn a_long_place_is_cut() {
        let key = "\u{e4}".repeat(2 * SHOWN);
        let place = place_of::<BTreeMap<String, u8>>(format!("{{\"{key}\":300}}").as_bytes());
        assert_eq!(place, Some(format!("{}...", "\u{e4}".repeat(SHOWN))));
    }
}
