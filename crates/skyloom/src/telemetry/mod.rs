//! Log lines of a process, on standard error.

mod stream;

mod journal;

mod control;

mod init;

pub(crate) use self::{control::log_control, init::last_words};
pub use self::{
    control::{LogError, filter, set_filter},
    init::init,
};
