//! `sky hold`: a listening socket that stays open while the program behind it is replaced.

mod child;

mod draining;

mod keeper;

mod command;

pub(crate) use self::command::{HoldArgs, hold};
