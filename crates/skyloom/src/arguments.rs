//! What a process was started with, as text.

use std::{env, path::Path};

/// The program's name, as it was started.
pub(crate) fn program() -> String {
    let path = env::args_os().next().unwrap_or_default();
    Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

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
