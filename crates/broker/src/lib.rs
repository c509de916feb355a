//! The embedded broker of Skyloom: a pure engine and the doors to it.

pub mod engine;
pub mod wire;
