//! `sky dead`: what was buried or has used up its attempts.

mod letter;
mod command;

pub(crate) use self::command::{DeadArgs, dead};
