//! Running instances and how to choose among them.

use serde::{Deserialize, Serialize};

use crate::{Guid, ServiceRef};

/// One running process that serves one or more services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its GUID; `_inst.<guid>` reaches it.
    pub id: Guid,
    /// What it serves.
    pub services: Vec<ServiceRef>,
    /// The name of its host.
    pub host: String,
    /// Its region; empty if none was configured.
    pub region: String,
    /// Its process id.
    pub pid: u32,
    /// When it started, in seconds since the Unix epoch.
    pub started: u64,
}

/// Which instances are meant; what is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// A service's full name or its queue.
    pub service: Option<String>,
    /// The contract's version.
    pub version: Option<u32>,
    /// The region.
    pub region: Option<String>,
    /// The host.
    pub host: Option<String>,
}

impl Filter {
    /// Whether the instance is one of those that are meant.
    #[must_use]
    pub fn matches(&self, instance: &Instance) -> bool {
        let service = |served: &ServiceRef| {
            self.service.as_ref().is_none_or(|name| *name == served.name || name == served.queue.as_str())
                && self.version.is_none_or(|version| version == served.version)
        };
        let any_service = self.service.is_none() && self.version.is_none();
        (any_service || instance.services.iter().any(service))
            && self.region.as_ref().is_none_or(|region| *region == instance.region)
            && self.host.as_ref().is_none_or(|host| *host == instance.host)
    }
}
