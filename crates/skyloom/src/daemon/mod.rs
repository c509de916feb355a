//! `--daemon`: a process that puts itself into the background, for those who have no supervisor.

mod error;
mod pidfile;
mod report;
mod start;

pub(crate) use self::start::{HELP, start_if_asked, without_flags};
pub use self::{
    error::DaemonError,
    pidfile::Pidfile,
    report::{failed, ready},
    start::Daemon,
};
