//! A process in the foreground, as supervisors want it.

mod supervisor;

mod reload;

mod last_resort;

mod process;

pub use self::process::Foreground;
pub(crate) use self::reload::Hook;
