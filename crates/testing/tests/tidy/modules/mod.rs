//! The order of modules: each is listed after what it imports, so there is no cycle.

mod paths;
mod graph;
mod sorting;
mod order;

pub(crate) use self::order::check;
