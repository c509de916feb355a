//! The port that a service registry implements.

mod instance;
mod port;

pub use self::{
    instance::{Filter, Instance, ServiceRef},
    port::{Registration, Registry, RegistryError, Snapshot, Watch},
};
