//! A process in the foreground, as supervisors want it.

mod supervisor;

mod reload;

mod deadline;

mod last_resort;

mod orphan;

mod open_files;

mod process;

#[doc(hidden)]
pub use self::orphan::RUN_BY;
pub use self::process::Foreground;
pub(crate) use self::{deadline::left, reload::Hook};
