//! Numbers as beanstalkd reads them.

/// A number of at most `max` at the beginning, after spaces, and what follows it.
pub(super) fn leading(text: &[u8], max: u64) -> Option<(u64, &[u8])> {
    let text = after_spaces(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    (number <= max).then_some((number, rest))
}

/// As [`leading`] for 32 bits.
pub(super) fn leading_u32(text: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = leading(text, u32::MAX.into())?;
    Some((u32::try_from(number).ok()?, rest))
}

/// A 32-bit number and nothing after it.
pub(super) fn whole_u32(text: &[u8]) -> Option<u32> {
    leading_u32(text).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

/// A number and nothing after it.
pub(super) fn whole(text: &[u8]) -> Option<u64> {
    leading(text, u64::MAX).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

/// A number as C's `strtol` and `strtoul` read it: after white space, perhaps with a sign, with
/// whatever behind it. Returns its sign and its digits' value, none if they do not fit; the outer
/// none: there are no digits.
pub(super) fn signed(text: &[u8]) -> Option<(bool, Option<u64>)> {
    let text = text.trim_ascii_start();
    // White space to C that Rust does not count: the vertical tab.
    let text = text.strip_prefix(b"\x0b").map_or(text, <[u8]>::trim_ascii_start);
    let (negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = std::str::from_utf8(text.get(..digits)?).ok().filter(|digits| !digits.is_empty())?;
    Some((negative, digits.parse().ok()))
}

/// Only spaces separate numbers.
pub(super) fn after_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{leading_u32, signed, whole, whole_u32};

    #[test]
    fn numbers_end_where_their_digits_end() {
        assert_eq!(leading_u32(b"  12 3"), Some((12, &b" 3"[..])));
        assert_eq!(whole_u32(b" 4294967295"), Some(u32::MAX));
        for bad in [&b""[..], b" ", b"-1", b"+1", b"4294967296", b"1 ", b"1x", b"\t1", b"99999999999999999999"] {
            assert_eq!(whole_u32(bad), None, "{bad:?}");
        }
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(whole(b"18446744073709551616"), None);
    }

    #[test]
    fn signs_are_read_as_c_does() {
        assert_eq!(signed(b" \t-12abc"), Some((true, Some(12))));
        assert_eq!(signed(b"+0"), Some((false, Some(0))));
        assert_eq!(signed(b"99999999999999999999"), Some((false, None)));
        assert_eq!(signed(b"-x"), None);
    }
}
