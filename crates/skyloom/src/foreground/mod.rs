//! A process in the foreground, as supervisors want it.

mod orphan;

mod supervisor;

mod reload;

mod deadline;

mod last_resort;

mod open_files;

mod process;

pub use self::process::Foreground;
pub(crate) use self::{deadline::left, reload::Hook};
#[doc(hidden)]
pub use self::{orphan::RUN_BY, supervisor::SECTION_TOLD};
