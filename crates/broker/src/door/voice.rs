//! Clients of other protocols than the native one.

use std::fmt;

use bytes::BytesMut;

use super::encoded::Encoded;
use crate::engine::{Input, Output};

/// How one client of another protocol is told of things.
pub(crate) trait Voice: fmt::Debug + Send {
    /// Writes what an output means to the client. Returns what the engine is to hear in turn.
    fn say(&mut self, output: Output<Encoded>, out: &mut BytesMut) -> Option<Input<Encoded>>;
}
