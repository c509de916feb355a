//! [`RegistryLink`]: the registry's part of a broker connection.

use std::{fmt, sync::Arc};

use skyloom_core::{
    Guid,
    broker::{Ack, BoxFuture, BrokerError},
    contract::Contract,
    registry::Instance,
};

use super::RegistryView;

/// A broker connection that registers instances and follows the registry. What is registered on it
/// lives as long as it does, and is registered anew after each reconnect.
pub trait RegistryLink: fmt::Debug + Send + Sync + 'static {
    /// Makes an instance and its contracts known.
    fn register(&self, instance: Instance, contracts: Vec<Contract>) -> Ack;

    /// Forgets an instance.
    fn deregister(&self, instance: Guid) -> Ack;

    /// Forgets the contract of a service of which no instance is registered. Returns whether it was known.
    fn forget(&self, service: &str) -> BoxFuture<'static, Result<bool, BrokerError>>;

    /// What this connection knows of the registry. The first use asks the broker to tell it, and
    /// to go on telling it.
    fn follow(&self) -> Arc<RegistryView>;
}
