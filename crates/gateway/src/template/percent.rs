//! Percent-decoding as `google/api/http.proto` wants it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What becomes of `%2F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slashes {
    /// It becomes a slash: the value of a variable of one segment.
    Decode,
    /// It stays as it is: in a variable of several segments it is no separator.
    Keep,
}

/// Text that is not percent-encoded UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadEscape {
    /// A percent sign that no two hexadecimal digits follow.
    #[error("a % that is not followed by two hexadecimal digits; write %25 for the sign itself")]
    Digits,
    /// The bytes are no text.
    #[error("not UTF-8 once its escapes are decoded")]
    Text,
}

/// Decodes the escapes of a part of a path or a query.
pub(crate) fn decode(text: &str, slashes: Slashes) -> Result<Cow<'_, str>, BadEscape> {
    if !text.as_bytes().contains(&b'%') {
        return Ok(Cow::Borrowed(text));
    }
    check_digits(text)?;
    if slashes == Slashes::Decode {
        return percent_decode_str(text).decode_utf8().map_err(|_| BadEscape::Text);
    }
    let part = |text: &str| percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| BadEscape::Text);
    let mut decoded = String::with_capacity(text.len());
    let mut start = 0;
    for (at, _) in text.match_indices('%') {
        let Some(escape) = text.get(at..at + 3).filter(|escape| escape.eq_ignore_ascii_case("%2F")) else { continue };
        decoded.push_str(&part(text.get(start..at).unwrap_or_default())?);
        decoded.push_str(escape);
        start = at + 3;
    }
    decoded.push_str(&part(text.get(start..).unwrap_or_default())?);
    Ok(Cow::Owned(decoded))
}

fn check_digits(text: &str) -> Result<(), BadEscape> {
    let mut escapes = text.as_bytes().split(|b| *b == b'%').skip(1);
    let well_formed = |after: &[u8]| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if escapes.all(well_formed) { Ok(()) } else { Err(BadEscape::Digits) }
}

#[cfg(test)]
mod tests {
    use super::{BadEscape, Slashes, decode};

    #[test]
    fn escapes_become_text() {
        for (text, expected) in [("plain", "plain"), ("a%20b", "a b"), ("%E2%82%AC", "€"), ("a%2Fb", "a/b"), ("", "")]
        {
            assert_eq!(decode(text, Slashes::Decode).unwrap(), expected);
        }
    }

    #[test]
    fn an_escaped_slash_of_a_path_stays() {
        assert_eq!(decode("a%2fb%2Fc%20d", Slashes::Keep).unwrap(), "a%2fb%2Fc d");
        assert_eq!(decode("%E2%82%AC%2F%41", Slashes::Keep).unwrap(), "€%2FA");
    }

    #[test]
    fn what_is_no_escape_or_no_text_is_refused() {
        for text in ["%", "%4", "%zz", "a%2", "%%41"] {
            assert_eq!(decode(text, Slashes::Decode), Err(BadEscape::Digits), "{text}");
        }
        for slashes in [Slashes::Decode, Slashes::Keep] {
            assert_eq!(decode("%ff%2F", slashes), Err(BadEscape::Text));
        }
    }
}
