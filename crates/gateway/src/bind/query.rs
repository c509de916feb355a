//! Takes a query apart.

use std::borrow::Cow;

use skyloom::{Result, Status};

use crate::template::{Slashes, decode};

/// The most parameters of a query; with 16 KiB of headers there is no honest need for more.
const MAX_PARAMETERS: usize = 256;
/// The most parts of a parameter's name, which are messages within messages: as deep as a body may be nested. Whatever
/// encodes and drops what is deeper goes as deep into its stack.
const MAX_PARTS: usize = 100;

/// The parameters of a query, as HTML forms write it: `a=1&b=two+words`.
pub(crate) fn pairs(query: &str) -> Result<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts
        .take(MAX_PARAMETERS + 1)
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((checked(text(name)?)?, text(value)?))
        })
        .collect::<Result<Vec<_>>>()?;
    if pairs.len() > MAX_PARAMETERS {
        return Err(Status::invalid_argument(format!("the query has more than {MAX_PARAMETERS} parameters")));
    }
    Ok(pairs)
}

fn checked(name: Cow<'_, str>) -> Result<Cow<'_, str>> {
    if name.split('.').count() > MAX_PARTS {
        let message = format!("the name of one of the query's parameters has more than {MAX_PARTS} parts");
        return Err(Status::invalid_argument(message));
    }
    Ok(name)
}

fn text(part: &str) -> Result<Cow<'_, str>> {
    let bad = |error| Status::invalid_argument(format!("the query is malformed: {error}"));
    if !part.contains('+') {
        return decode(part, Slashes::Decode).map_err(bad);
    }
    let spaced = part.replace('+', " ");
    decode(&spaced, Slashes::Decode).map(|decoded| Cow::Owned(decoded.into_owned())).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn a_query_is_taken_apart() {
        let expected = [("a", "1"), ("b.c", "two words"), ("d", "&=+"), ("e", "")];
        let found = pairs("a=1&b.c=two+words&&d=%26%3D%2B&e").unwrap();
        assert!(found.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).eq(expected), "{found:?}");
        assert!(pairs("").unwrap().is_empty());
    }

    #[test]
    fn hostile_queries_are_refused() {
        assert!(pairs("a=%f").unwrap_err().message().contains("two hexadecimal digits"));
        assert!(pairs("%ff=1").unwrap_err().message().contains("not UTF-8"));
        assert!(pairs(&"a=1&".repeat(257)).unwrap_err().message().contains("more than 256"));
        assert!(pairs(&format!("{}a=1", "a.".repeat(99))).is_ok());
        for dot in [".", "%2E"] {
            let deep = format!("{}a=1", format!("a{dot}").repeat(100));
            assert!(pairs(&deep).unwrap_err().message().contains("more than 100 parts"));
        }
    }
}
