//! What a program says of itself.

use std::{
    io::{ErrorKind, Write as _},
    sync::OnceLock,
};

use skyloom_core::{Result, Status};

use crate::{
    arguments::{arguments, program},
    config::Settings,
    system::why,
};

/// The version of the package that the program is built from.
static VERSION: OnceLock<&str> = OnceLock::new();

/// Takes note of the program's version, as far as its build knows one.
pub(crate) fn is_version(version: Option<&'static str>) {
    if let Some(version) = version {
        // A program starts once.
        let _ = VERSION.set(version);
    }
}

/// Prints what the program is for and its flags if `--help` is among its arguments, its version if `--version` is.
/// Returns whether it has, so that the program ends. [`App::run`](crate::App::run) does so itself; a program that reads
/// its configuration before does it first of all.
///
/// ```no_run
/// # fn main() -> skyloom::Result<()> {
/// if skyloom::about("Shortens links.")? {
///     return Ok(());
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// If standard output cannot be written to.
pub fn about(what: &str) -> Result<bool> {
    let is_asked = |long: &str, short: &str| arguments().any(|argument| argument == long || argument == short);
    let text = if is_asked("--help", "-h") {
        format!("{what}\n\nFlags:\n{}", Settings::help())
    } else if is_asked("--version", "-V") {
        version()
    } else {
        return Ok(false);
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever closes standard output does not want to read it.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Status::unknown(format!("could not write to standard output: {}", why(&error))))
        }
        _ => Ok(true),
    }
}

fn version() -> String {
    let own = env!("CARGO_PKG_VERSION");
    let name = program();
    match VERSION.get() {
        Some(version) => format!("{name} {version} (skyloom {own})\n"),
        None => format!("{name} (skyloom {own})\n"),
    }
}
