//! What a process was started with, as text.

use std::env;

/// The arguments of the command line without the program's name. What is no text in one is a replacement character, so
/// that whoever reads it says what is wrong with it.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned())
}

/// The variables of the environment, likewise.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    env::vars_os().map(move |(name, value)| (text(name), text(value)))
}
