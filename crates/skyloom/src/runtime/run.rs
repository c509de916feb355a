//! A program from its start to its exit code.

use std::{process::ExitCode, time::Duration};

use tokio::runtime::{Builder, Runtime};

use super::reason::{code, sentence};
use crate::{
    about::is_version,
    exit::TEMPORARY,
    foreground::left,
    system::why,
    telemetry::{last_words, log_panics},
};

/// How long the end of a program waits for what it has given to `spawn_blocking`; then that is cut off.
const BLOCKING: Duration = Duration::from_secs(5);

fn build(workers: Option<usize>) -> std::io::Result<Runtime> {
    match workers {
        Some(workers) => Builder::new_multi_thread().worker_threads(workers.max(1)).enable_all().build(),
        None => Builder::new_current_thread().enable_all().build(),
    }
}

/// Runs a program: one event loop, or as many threads as asked for. An error is printed and makes
/// the exit code. The version is that of the program's package.
pub fn run<T, E>(
    workers: Option<usize>,
    version: Option<&'static str>,
    program: impl Future<Output = Result<T, E>>,
) -> ExitCode
where
    E: std::fmt::Display + 'static,
{
    is_version(version);
    // Before the program can set a hook of its own.
    log_panics();
    #[cfg(feature = "daemon")]
    let pidfile = match crate::daemon::start_if_asked() {
        Ok(pidfile) => pidfile,
        Err(error) => return end(&error.to_string(), error.exit_code()),
    };
    let runtime = match build(workers) {
        Ok(runtime) => runtime,
        Err(error) => return end(&format!("cannot start the event loop: {}", why(&error)), TEMPORARY),
    };
    let ended = runtime.block_on(program);
    // It may be waited for within the time that the process has for its end, and not beyond.
    runtime.shutdown_timeout(left().map_or(BLOCKING, |left| left.min(BLOCKING)));
    // Whoever hears of the end may start the program again at once.
    #[cfg(feature = "daemon")]
    drop(pidfile);
    match ended {
        Ok(_) => {
            // Whatever has come to its end without an error has not failed, ready or not.
            #[cfg(feature = "daemon")]
            crate::daemon::ready();
            ExitCode::SUCCESS
        }
        Err(error) => end(&sentence(&error), code(&error)),
    }
}

/// Says why the process ends.
fn end(sentence: &str, code: u8) -> ExitCode {
    last_words(sentence);
    #[cfg(feature = "daemon")]
    crate::daemon::failed(code, sentence);
    ExitCode::from(code)
}
