//! What is printed, and where to.

mod color;
mod table;
mod print;

pub(crate) use self::{
    color::{ColorChoice, Paint},
    print::{json, list, note, print},
    table::{Table, left, right},
};
