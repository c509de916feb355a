//! A message without content.

use serde::{Deserialize, Serialize};

/// A message without content, as JSON `{}`: what travels for a handler that takes no message or
/// answers with `()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Empty {}
