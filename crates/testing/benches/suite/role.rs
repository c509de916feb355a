//! The roles that this program plays as another process.

use std::{path::Path, process::ExitCode};

use skyloom::Endpoints;
use skyloom_testing::figures::ROLE;

use super::{common, echo, http};

/// Plays the role that the process was started for, if it was.
pub(crate) fn play() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    let argument = std::env::args().nth(1).unwrap_or_default();
    match role.as_str() {
        "broker" => common::embedded::play(&argument),
        "worker" => common::worker::play(&Endpoints::new(argument)),
        "echo" => echo::serve(Path::new(&argument)),
        "hyper" => http::bare_hyper(),
        "one-process" => http::one_process(),
        "gateway" => http::gateway(&argument),
        other => panic!("no role {other}"),
    }
    Some(ExitCode::SUCCESS)
}
