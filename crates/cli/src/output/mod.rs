//! What is printed, and where to.

mod color;
mod table;
mod prompt;
mod print;

pub(crate) use self::{
    color::{ColorChoice, Paint},
    print::{json, list, note, print, written},
    prompt::at_prompt,
    table::{Table, left, right},
};
