//! Completion of the command line: for shells, and for `sky shell`.

mod names;
mod attach;
mod command;
mod ask;

pub(crate) use self::{
    ask::answer,
    attach::{Source, with_names},
    command::{CompletionsArgs, completions},
    names::Names,
};
