//! Services that are built from their sources.

mod metadata;
mod program;
mod compile;
mod fingerprint;
mod folders;
mod watcher;
mod sources;

pub(super) use self::{
    compile::Show,
    sources::{Sources, Unfound, Wanted},
    watcher::Watcher,
};
