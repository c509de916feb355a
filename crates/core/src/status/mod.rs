//! How a call ended, when it did not end well.

mod code;
mod kind;
mod convert;
mod result;

pub use self::{
    code::Code,
    kind::{Detail, Outcome, Status},
    result::Result,
};
