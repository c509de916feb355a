//! Panics as lines of the log.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{PanicHookInfo, set_hook, take_hook},
    sync::Once,
};

use tracing::Level;

use super::control::LOG;

static TAKEN: Once = Once::new();

/// From now on a panic is a line of the log, with its place, once there is a log of ours: the standard library would
/// write it as text among lines of JSON, and wait for ever for room where nobody reads standard error. A hook that the
/// program sets afterwards replaces this one, or has it called.
pub(crate) fn log_panics() {
    TAKEN.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            // Without a log, or with one that is told to be silent, nobody else would say why the process ends.
            if LOG.get().is_some() && tracing::enabled!(Level::ERROR) { log(panic) } else { before(panic) }
        }));
    });
}

fn log(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("without a message");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    // Taken only if RUST_BACKTRACE asks for it.
    let trace = Backtrace::capture();
    match trace.status() {
        BacktraceStatus::Captured => tracing::error!(place, thread, backtrace = %trace, "panicked: {message}"),
        _ => tracing::error!(place, thread, "panicked: {message}"),
    }
}
