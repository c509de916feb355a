//! A service by name, queue and version.

use serde::{Deserialize, Serialize};

use crate::QueueName;

/// A service as instances and tools name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServiceRef {
    /// The full name, such as `greeter.v1.Greeter`.
    pub name: String,
    /// The queue, such as `greeter.v1`.
    pub queue: QueueName,
    /// The contract's version.
    pub version: u32,
}
