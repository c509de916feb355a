//! [`Entry`]: what a stream says of a message.

use ::redis::Value;
use bytes::Bytes;

/// One entry of a channel's stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number in the stream, which is the lease of whoever was given it.
    pub(super) id: Bytes,
    /// Field `e`: the envelope, or a bundle of them.
    pub(super) body: Bytes,
    /// Field `x`, or `l` of several and the entry's own time: when the time of each runs out, in ms of the server's
    /// clock.
    pub(super) expires: Vec<Option<u64>>,
    /// Field `a`: how often it was attempted before.
    pub(super) attempts: u32,
    /// Field `k`: the last of these attempts, as many in a row as were lost with their workers.
    pub(super) losses: u32,
    /// Field `r`: why the last attempt failed.
    pub(super) reason: String,
    /// Field `o`: it was claimed once by a worker who did not answer.
    pub(super) was_claimed: bool,
}

fn bytes(value: Value) -> Bytes {
    match value {
        Value::BulkString(bytes) => bytes.into(),
        Value::SimpleString(text) => text.into(),
        _ => Bytes::new(),
    }
}

fn number<T: std::str::FromStr>(bytes: &Bytes) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Times with a space between them, which begin at another; 0 is none.
fn times(bytes: &Bytes, from: u64) -> Vec<Option<u64>> {
    let mut times = Vec::with_capacity(1 + bytes.iter().filter(|byte| **byte == b' ').count());
    let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    times.extend(words.map(|word| Some(time(word).filter(|time| *time > 0)?.saturating_add(from))));
    times
}

fn time(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |time, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        time.checked_mul(10)?.checked_add(digit)
    })
}

/// The entries of the one stream that was read, each with its number and its fields.
pub(super) fn entries(answer: Value) -> Vec<(Bytes, Vec<(Bytes, Bytes)>)> {
    let Value::Array(streams) = answer else { return Vec::new() };
    let Some(Value::Array(stream)) = streams.into_iter().next() else { return Vec::new() };
    match stream.into_iter().nth(1) {
        Some(rows) => rows_of(rows),
        None => Vec::new(),
    }
}

/// Entries as `XRANGE` gives them.
pub(super) fn rows_of(rows: Value) -> Vec<(Bytes, Vec<(Bytes, Bytes)>)> {
    let Value::Array(rows) = rows else { return Vec::new() };
    let row = |row: Value| {
        let Value::Array(row) = row else { return None };
        let mut row = row.into_iter();
        let (id, Some(Value::Array(fields))) = (bytes(row.next()?), row.next()) else { return None };
        let mut fields = fields.into_iter();
        let pairs = std::iter::from_fn(|| Some((bytes(fields.next()?), bytes(fields.next()?))));
        Some((id, pairs.collect()))
    };
    rows.into_iter().filter_map(row).collect()
}

impl Entry {
    /// What the fields say; those that are unknown say nothing.
    pub(super) fn of(id: Bytes, fields: Vec<(Bytes, Bytes)>) -> Self {
        let made = id.split(|byte| *byte == b'-').next().and_then(|ms| number(&id.slice_ref(ms))).unwrap_or_default();
        let mut entry = Self { id, ..Self::default() };
        for (name, value) in fields {
            match &name[..] {
                b"e" => entry.body = value,
                b"x" => entry.expires = times(&value, 0),
                b"l" => entry.expires = times(&value, made),
                b"a" => entry.attempts = number(&value).unwrap_or_default(),
                b"k" => entry.losses = number(&value).unwrap_or_default(),
                b"r" => entry.reason = String::from_utf8_lossy(&value).into_owned(),
                b"o" => entry.was_claimed = true,
                _ => {}
            }
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn an_entry_is_read_and_what_is_unknown_is_passed_over() {
        let fields = ["e", "body", "x", "17", "later", "?", "a", "2", "k", "1", "r", "no luck"].map(text).to_vec();
        let row = Value::Array(vec![text("5-1"), Value::Array(fields)]);
        let nothing_left = Value::Array(vec![text("5-2"), Value::Nil]);
        let answer = Value::Array(vec![Value::Array(vec![text("stream"), Value::Array(vec![row, nothing_left])])]);
        let mut read = entries(answer);
        assert_eq!(read.len(), 1);
        let (id, fields) = read.remove(0);
        let (body, reason) = (Bytes::from("body"), "no luck".to_owned());
        let expires = vec![Some(17)];
        let expected = Entry { id: "5-1".into(), body, expires, attempts: 2, losses: 1, reason, was_claimed: false };
        assert_eq!(Entry::of(id, fields), expected);
        assert!(entries(Value::Nil).is_empty());
        let fields = vec![("l".into(), "17 0 18".into()), ("n".into(), "3".into())];
        let several = Entry::of("5-3".into(), fields);
        assert_eq!(several.expires, vec![Some(22), None, Some(23)]);
    }
}
