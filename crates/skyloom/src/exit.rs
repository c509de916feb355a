//! The exit codes of a process, which tell its supervisor whether to start it anew.

use skyloom_core::{Code, Status};

/// The exit code for a failure that may go away by itself, so that a supervisor that looks at it starts the process
/// anew: that of daemontools and qmail.
pub const TEMPORARY: u8 = 111;

/// The exit code for a mistake in the configuration or on the command line: starting the process anew changes
/// nothing.
pub const MISTAKE: u8 = 2;

/// The exit code for any other failure.
pub const FAILED: u8 = 1;

/// The exit code for a status, by what it says about trying again: `google/rpc/code.proto` tells `UNAVAILABLE`, for which
/// to try again, from `FAILED_PRECONDITION`, for which somebody has to mend something first.
#[must_use]
pub fn code_of_status(status: &Status) -> u8 {
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Aborted => TEMPORARY,
        Code::InvalidArgument | Code::FailedPrecondition => MISTAKE,
        _ => FAILED,
    }
}
