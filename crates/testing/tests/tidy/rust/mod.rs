//! The rules for one Rust file at a time.

pub(crate) mod source;

mod exception;
mod folder_map;
mod leftover;
mod length;

use self::source::Source;
use crate::finding::Finding;

/// Everything that is wrong with this file by itself.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    [exception::check, folder_map::check, leftover::check, length::check]
        .into_iter()
        .flat_map(|rule| rule(source))
        .collect()
}
