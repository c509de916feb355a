//! The roles that this program plays as another process.

use std::{path::Path, process::ExitCode};

use skyloom::Endpoints;
use skyloom_testing::figures::ROLE;
use tokio::runtime::{Builder, Runtime};

use super::{common, echo, http};

fn event_loop() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Plays the role that the process was started for, if it was.
pub(crate) fn play() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    common::take_up_busy_poll();
    let argument = std::env::args().nth(1).unwrap_or_default();
    match role.as_str() {
        "broker" => common::embedded::play(&argument),
        "worker" => common::worker::play(&Endpoints::new(argument)),
        "echo" => echo::serve(Path::new(&argument)),
        "relay" => {
            let to = std::env::args().nth(2).unwrap_or_default();
            event_loop().block_on(echo::relay(Path::new(&argument), Path::new(&to)));
        }
        "hyper" => http::bare_hyper(),
        "one-process" => http::one_process(),
        "gateway" => http::gateway(&argument),
        other => panic!("no role {other}"),
    }
    Some(ExitCode::SUCCESS)
}
