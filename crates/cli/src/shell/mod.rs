//! `sky shell`: a prompt for the cluster.

mod words;
mod json_place;
mod fields;
mod action;
mod candidates;
mod reader;
mod ears;
mod command;

pub(crate) use self::command::{ShellArgs, shell};
