//! The statistics and lists in an answer: one level of YAML, with or without quotes around what is text.

use std::str::FromStr;

use bytes::Bytes;

/// The body of an answer to one of the `stats` commands.
#[derive(Debug)]
pub(in super::super) struct Stats<'a>(&'a str);

impl<'a> Stats<'a> {
    /// The text of a body; empty if it is not UTF-8.
    pub(in super::super) fn of(body: &'a Bytes) -> Self {
        Self(std::str::from_utf8(body).unwrap_or_default())
    }

    /// The value of a key as text.
    pub(in super::super) fn text(&self, key: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(key)?.strip_prefix(':');
        self.0.lines().find_map(value).map(unquoted)
    }

    /// The value of a key as a number.
    pub(in super::super) fn number<T: FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }
}

/// The names in the body of an answer to one of the `list` commands.
pub(in super::super) fn names(body: &Bytes) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("- ")).map(unquoted)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_are_read() {
        let old = Bytes::from_static(b"---\nid: 3\ntube: a.b\nage: 0\n");
        let new = Bytes::from_static(b"---\nid: 3\ntube: \"a.b\"\nage: 0\n");
        for body in [old, new] {
            let stats = Stats::of(&body);
            assert_eq!((stats.number("id"), stats.text("tube")), (Some(3u64), Some("a.b")));
            assert_eq!(stats.number::<u32>("tub"), None);
        }
        let list = Bytes::from_static(b"---\n- default\n- \"x\"\n");
        assert_eq!(names(&list).collect::<Vec<_>>(), ["default", "x"]);
        assert_eq!(Stats::of(&Bytes::from_static(b"\xff")).text("id"), None);
    }
}
