//! What the programs with the project's figures have in common: a table, rates measured in turns, and
//! the same program as another process.

mod table;

mod process;

pub use self::{
    process::{Process, ROLE, orders, ready},
    table::{Row, Target, in_turns, median, rate, rates},
};
