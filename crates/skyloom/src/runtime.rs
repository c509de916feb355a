//! What `#[skyloom::main]` makes of a `main`.

use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

fn build(workers: Option<usize>) -> std::io::Result<Runtime> {
    match workers {
        Some(workers) => Builder::new_multi_thread().worker_threads(workers.max(1)).enable_all().build(),
        None => Builder::new_current_thread().enable_all().build(),
    }
}

/// Runs a program: one event loop, or as many threads as asked for. An error is printed and makes
/// the exit code 1.
pub fn run<T, E: std::fmt::Display>(workers: Option<usize>, program: impl Future<Output = Result<T, E>>) -> ExitCode {
    let result = match build(workers) {
        Ok(runtime) => runtime.block_on(program).map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(format!("cannot start the event loop: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            complain(&sentence);
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error why the program ends; a terminal that is gone is no reason to panic.
fn complain(sentence: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "error: {sentence}"));
}
