//! Log lines of a process, on standard error.

mod stream;

mod journal;

mod control;

mod panics;

mod init;

pub(crate) use self::{control::log_control, init::last_words, panics::log_panics};
pub use self::{
    control::{LogError, filter, set_filter},
    init::{init, log_end},
    stream::Stderr,
};
