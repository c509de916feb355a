//! The order of modules: each is listed after what it imports, so there is no cycle.

mod graph;
mod order;
mod paths;
mod sorting;

pub(crate) use self::order::check;
