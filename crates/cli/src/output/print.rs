//! Standard output for results, standard error for what is said about them.

use std::io::{self, Write as _};

use serde::Serialize;

use super::{Table, prompt::adapted};
use crate::{
    failure::Failure,
    text::{printable_lines, why, without_numbers},
};

/// Writes to standard output, at once.
///
/// # Errors
/// [`Failure::OutputClosed`] if nobody reads it any more; other errors as they are.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    written(io::stdout().lock().write_all(text.as_bytes()))
}

/// Whether what was written to standard output has got there.
///
/// # Errors
/// As for [`print()`].
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result.and_then(|()| io::stdout().flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::OutputClosed),
        Err(error) => Err(Failure::failed(format!("could not write to standard output: {}", why(&error)))),
    }
}

/// Writes a value as JSON for other programs to read.
///
/// # Errors
/// As for [`print()`].
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::failed(format!("the result has no JSON: {error}")))?;
    text.push('\n');
    print(&text)
}

/// Writes a listing: as an array of objects, or as a table; an empty one is a sentence on standard
/// error, so that a pipe sees nothing.
///
/// # Errors
/// As for [`print()`].
pub(crate) fn list<T: Serialize>(
    as_json: bool,
    rows: &[T],
    table: impl FnOnce(&[T]) -> Table,
    if_empty: &str,
) -> Result<(), Failure> {
    if as_json {
        return json(rows);
    }
    if rows.is_empty() {
        note(if_empty);
        return Ok(());
    }
    print(&table(rows).to_string())
}

/// Says something about the result on standard error. At the prompt of `sky shell`, its commands are named as they are
/// written there. What a service has said may be a part of it, and does nothing to the terminal.
pub(crate) fn note(sentence: &str) {
    // If standard error is closed there is nowhere left to say so.
    let sentence = without_numbers(sentence);
    drop(writeln!(io::stderr().lock(), "sky: {}", printable_lines(&adapted(&sentence))));
}
