//! `--daemon`: a process that puts itself into the background, for those who have no supervisor.

mod report;
mod start;

pub(crate) use self::start::{HELP, start_if_asked, without_flags};
pub use self::{
    report::{failed, ready},
    start::{Daemon, DaemonError, Pidfile},
};
