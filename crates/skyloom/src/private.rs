//! What the macros and the code generator refer to. Not for anybody else.

pub use bytes;
#[cfg(feature = "proto")]
pub use prost;
pub use skyloom_core as core;

pub use crate::runtime::run;
#[cfg(feature = "proto")]
pub use crate::transcode::translator;
