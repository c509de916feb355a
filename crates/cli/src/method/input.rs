//! Where a message comes from: the command line, a file, or standard input.

use std::{
    fs::File,
    io::{self, Read},
};

use skyloom::contract::Shape;

use super::fields::{is_field, written};
use crate::{failure::Failure, text::why};

/// The largest message read, in bytes; the broker takes none that is larger.
const MAX_MESSAGE: u64 = 8 << 20;

/// The message of a command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MessageArgs {
    /// The message: JSON, @FILE, or - for standard input; or its fields, such as name=Ada item.count=3, a list by its
    /// items, and what has parts as JSON, too; an empty object if none is given
    #[arg(value_name = "JSON|NAME=VALUE", allow_negative_numbers = true)]
    message: Vec<String>,
    /// The message, if it has been read already.
    #[arg(skip)]
    read: Option<Input>,
}

/// A message's text and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// For error messages, such as `the message` or `hello.json`.
    pub(crate) origin: String,
    /// The text itself.
    pub(crate) text: String,
}

impl MessageArgs {
    /// Whether the message is written as its fields, so that its shape matters.
    pub(crate) fn has_fields(&self) -> bool {
        self.message.len() > 1 || self.message.iter().any(|word| is_field(word))
    }

    /// Reads the message already, unless it is written as its fields or comes from standard input: the message, if so.
    ///
    /// # Errors
    /// As for [`MessageArgs::read`].
    pub(crate) fn read_early(&mut self) -> Result<Option<&Input>, Failure> {
        if !self.has_fields() && self.message.first().is_some_and(|text| text != "-") {
            self.read = Some(self.read("", || Shape::Any)?);
        }
        Ok(self.read.as_ref())
    }

    /// Reads the message of this method or topic, whose shape is asked for if it is written as its fields.
    ///
    /// # Errors
    /// If the file cannot be read, is too large, or is not UTF-8, or a field is not one of the shape's.
    pub(crate) fn read(&self, of: &str, shape: impl FnOnce() -> Shape) -> Result<Input, Failure> {
        if let Some(read) = &self.read {
            return Ok(read.clone());
        }
        let message = |text: String| Input { origin: "the message".to_owned(), text };
        let (origin, bytes) = match self.message.as_slice() {
            [] => return Ok(message("{}".to_owned())),
            fields if self.has_fields() => return written(fields, of, &shape()).map(message).map_err(Failure::usage),
            [text, ..] if text == "-" => ("standard input".to_owned(), limited(io::stdin().lock())),
            [text, ..] => match text.strip_prefix('@') {
                Some(path) => (path.to_owned(), File::open(path).and_then(limited)),
                None => return Ok(message(text.clone())),
            },
        };
        let bytes = bytes.map_err(|error| Failure::usage(format!("cannot read {origin}: {}", why(&error))))?;
        if bytes.len() as u64 > MAX_MESSAGE {
            return Err(Failure::usage(format!(
                "{origin} is larger than {} MiB, the most that is sent",
                MAX_MESSAGE >> 20
            )));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Input { origin, text }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                Err(Failure::usage(format!("{origin} is not UTF-8: byte {at} begins no character")))
            }
        }
    }
}

/// Reads one byte more than is allowed at most, so that too much can be told from just enough.
fn limited(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_MESSAGE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> Result<Input, Failure> {
        MessageArgs { message: vec![message.to_owned()], read: None }.read("a.v1/B", || Shape::Any)
    }

    #[test]
    fn a_message_comes_from_the_command_line_or_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hello.json");
        std::fs::write(&path, "{\"name\":\"Ada\"}").unwrap();
        assert_eq!(read("[1]").unwrap().text, "[1]");
        assert_eq!(read(&format!("@{}", path.display())).unwrap().text, "{\"name\":\"Ada\"}");
        assert_eq!(MessageArgs { message: Vec::new(), read: None }.read("a.v1/B", || Shape::Any).unwrap().text, "{}");
    }

    #[test]
    fn a_file_that_is_no_message_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("latin1.json");
        std::fs::write(&path, b"\"caf\xe9\"").unwrap();
        let sentence = read(&format!("@{}", path.display())).unwrap_err().to_string();
        assert!(sentence.ends_with("latin1.json is not UTF-8: byte 4 begins no character"), "{sentence}");
        let big = directory.path().join("big.json");
        std::fs::write(&big, vec![b' '; (8 << 20) + 1]).unwrap();
        let sentence = read(&format!("@{}", big.display())).unwrap_err().to_string();
        assert!(sentence.ends_with("big.json is larger than 8 MiB, the most that is sent"), "{sentence}");
        assert!(read("@/nowhere/at/all").unwrap_err().to_string().starts_with("cannot read /nowhere/at/all: "));
    }
}
