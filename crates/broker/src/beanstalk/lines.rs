//! Finding the end of a command's line as beanstalkd does.

/// The longest line with its end, and as much as beanstalkd looks at a time.
pub(super) const LINE: usize = 224;

/// What stands at the beginning of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line of so many bytes, without its end.
    Whole(usize),
    /// No line: so many bytes belong to one that is too long.
    TooLong(usize),
    /// What may become a line.
    Part,
}

/// Looks for the end of the first line. Only the first carriage return counts; if no line feed
/// follows it, there is no line in the first 224 bytes.
pub(super) fn first(buffer: &[u8]) -> Line {
    let window = buffer.get(..LINE).unwrap_or(buffer);
    let searched = window.get(..window.len().saturating_sub(1)).unwrap_or_default();
    let end = searched.iter().position(|byte| *byte == b'\r');
    match end {
        Some(end) if window.get(end + 1) == Some(&b'\n') => Line::Whole(end),
        _ if window.len() == LINE => Line::TooLong(LINE),
        _ => Line::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, first};

    #[test]
    fn a_line_ends_with_both() {
        assert_eq!(first(b"quit\r\nquit\r\n"), Line::Whole(4));
        assert_eq!(first(b"\r\n"), Line::Whole(0));
        for part in [&b""[..], b"quit", b"quit\r", b"quit\n", b"a\rb\r\n"] {
            assert_eq!(first(part), Line::Part, "{part:?}");
        }
    }

    #[test]
    fn a_line_has_224_bytes_at_most() {
        let mut line = vec![b'a'; 222];
        line.extend(b"\r\n");
        assert_eq!(first(&line), Line::Whole(222));
        line.insert(0, b'a');
        assert_eq!(first(&line), Line::TooLong(224));
        assert_eq!(first(&[b'\r'; 224]), Line::TooLong(224));
    }
}
