//! How a call ended, when it did not end well.

mod code;
mod convert;
mod kind;

pub use self::{
    code::Code,
    kind::{Detail, Outcome, Status},
};

/// A result whose error is a [`Status`].
pub type Result<T, E = Status> = std::result::Result<T, E>;
