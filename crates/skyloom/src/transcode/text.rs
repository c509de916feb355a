//! What must hold of a text before any parser sees it.

use skyloom_core::{Result, Status};

/// How deep objects and arrays may be nested; protobuf's own limit for messages is 100 too, and
/// every parser behind this recurses.
const MAX_NESTING: usize = 100;

/// Checks that the bytes are UTF-8 and not nested too deeply, in one pass without recursion.
pub fn check_text(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Status::invalid_argument(format!("the body is not UTF-8: byte {at} is no part of a character"))
    })?;
    // What opens few brackets cannot be deep, and counting them is much faster than telling strings apart.
    if brackets(bytes) > MAX_NESTING && deepest(bytes) > MAX_NESTING {
        let message = format!("the body is nested more than {MAX_NESTING} levels deep");
        return Err(Status::invalid_argument(message));
    }
    Ok(text)
}

/// How many brackets are opened, in strings or not.
fn brackets(bytes: &[u8]) -> usize {
    // In pieces whose count fits into a byte, so that the processor can count many bytes at once.
    let count = |piece: &[u8]| piece.iter().map(|byte| u8::from(matches!(byte, b'{' | b'['))).sum::<u8>();
    bytes.chunks(u8::MAX.into()).map(|piece| usize::from(count(piece))).sum()
}

/// How deep brackets outside of strings are nested.
fn deepest(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in bytes {
        if quoted {
            quoted = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{brackets, check_text, deepest};

    #[test]
    fn only_brackets_outside_of_strings_count() {
        assert_eq!(deepest(br#"{"a":[{}],"b":"[[[[\"[[","c":"\\"}"#), 3);
        assert_eq!(deepest(b"1"), 0);
        assert_eq!(brackets("{}[\"[".repeat(1000).as_bytes()), 3000);
    }

    #[test]
    fn what_is_too_deep_or_no_text_is_refused() {
        assert!(check_text("[".repeat(100).as_bytes()).is_ok());
        assert!(check_text(format!("\"{}\"", "[".repeat(10_000)).as_bytes()).is_ok());
        let deep = check_text("[".repeat(10_000).as_bytes()).unwrap_err();
        assert_eq!(deep.message(), "the body is nested more than 100 levels deep");
        let bad = check_text(b"{\"a\":\"\xff\"}").unwrap_err();
        assert_eq!(bad.message(), "the body is not UTF-8: byte 6 is no part of a character");
    }
}
