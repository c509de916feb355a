//! The port that a service registry implements.

mod instance;
mod port;

pub use self::{
    instance::{Filter, Instance},
    port::{Registration, Registry, RegistryError, Snapshot, Watch},
};
