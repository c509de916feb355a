//! `sky doctor`: what is in the way of a cluster on this machine, and what to do.

mod finding;
mod version;
mod machine;
mod place;
mod broker;
mod project;
mod sections;
mod command;

pub(crate) use self::command::{DoctorArgs, doctor};
