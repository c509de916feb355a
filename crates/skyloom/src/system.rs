//! Why the system has refused something, in words for people.

use std::{
    borrow::Cow,
    io::{self, ErrorKind},
};

/// What the standard library puts before the number of an error, which says nothing to who reads a sentence.
const NUMBER: &str = " (os error ";

/// Why the system has refused, as the end of a sentence. What has words of its own keeps them.
#[must_use]
pub fn why(error: &io::Error) -> String {
    let plain = match (error.raw_os_error(), error.kind()) {
        (None, _) => return without_numbers(&error.to_string()).into_owned(),
        (_, ErrorKind::NotFound) => "there is no such file or folder",
        (_, ErrorKind::PermissionDenied) => "this user may not",
        (_, ErrorKind::IsADirectory) => "it is a folder",
        (_, ErrorKind::NotADirectory) => "a part of its path is no folder",
        (_, ErrorKind::ReadOnlyFilesystem) => "its file system is read-only",
        (_, ErrorKind::StorageFull) => "the disk is full",
        (_, ErrorKind::AddrNotAvailable) => "this host has no such address",
        _ => return without_numbers(&error.to_string()).into_owned(),
    };
    plain.to_owned()
}

/// A sentence without the numbers of the system's errors, which libraries put into theirs.
#[must_use]
pub fn without_numbers(sentence: &str) -> Cow<'_, str> {
    if !sentence.contains(NUMBER) {
        return Cow::Borrowed(sentence);
    }
    let mut parts = sentence.split(NUMBER);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => text.push_str(rest),
            _ => {
                text.push_str(NUMBER);
                text.push_str(part);
            }
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_quoted_without_its_numbers() {
        for (number, words) in
            [(2, "there is no such file or folder"), (13, "this user may not"), (21, "it is a folder")]
        {
            assert_eq!(why(&io::Error::from_raw_os_error(number)), words);
        }
        assert_eq!(why(&io::Error::from_raw_os_error(104)), "Connection reset by peer");
        assert_eq!(why(&io::Error::new(ErrorKind::NotFound, "no place")), "no place");
    }

    #[test]
    fn a_sentence_loses_numbers_and_nothing_else() {
        for (sentence, expected) in [
            (
                "no broker: refused (os error 111); start it, or (os error 2) not",
                "no broker: refused; start it, or not",
            ),
            ("a (os error x) b", "a (os error x) b"),
            ("a (os error ", "a (os error "),
            ("", ""),
        ] {
            assert_eq!(without_numbers(sentence), expected);
        }
    }
}
