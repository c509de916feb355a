//! The roles that this program plays as another process.

use std::{path::Path, process::ExitCode};

use super::{echo, http, process::ROLE, processes};

/// Plays the role that the process was started for, if it was.
pub(crate) fn play() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    let argument = std::env::args().nth(1).unwrap_or_default();
    match role.as_str() {
        "broker" => processes::broker(&argument),
        "worker" => processes::worker(&argument),
        "echo" => echo::serve(Path::new(&argument)),
        "hyper" => http::bare_hyper(),
        "one-process" => http::one_process(),
        "gateway" => http::gateway(&argument),
        other => panic!("no role {other}"),
    }
    Some(ExitCode::SUCCESS)
}
