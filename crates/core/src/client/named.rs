//! Methods and services by their types.

use std::{fmt, marker::PhantomData};

use super::Client;

/// Names a method of a service together with the types that it takes and answers with. `#[service]` makes
/// one for each handler, as a constant of the client: `GreeterClient::HELLO`. For whatever is about a method
/// and does not call it, such as a test that fakes it.
pub struct MethodRef<Q, R> {
    service: &'static str,
    queue: &'static str,
    version: u32,
    name: &'static str,
    types: Option<(&'static str, &'static str)>,
    descriptors: &'static [u8],
    messages: PhantomData<fn(Q) -> R>,
}

// Without bounds, so that a type that cannot travel is reported where the handler names it.
impl<Q, R> MethodRef<Q, R> {
    /// The method `name` of a service: its full name, its queue, its version.
    #[must_use]
    pub const fn new(service: &'static str, queue: &'static str, version: u32, name: &'static str) -> Self {
        Self { service, queue, version, name, types: None, descriptors: &[], messages: PhantomData }
    }

    /// The same, with the full names of its protobuf messages and the encoded `FileDescriptorSet` that
    /// describes them.
    #[must_use]
    pub const fn described(self, input: &'static str, output: &'static str, descriptors: &'static [u8]) -> Self {
        Self { types: Some((input, output)), descriptors, ..self }
    }

    /// The service's full name, such as `greeter.v1.Greeter`.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// The service's queue, such as `greeter.v1`.
    #[must_use]
    pub const fn queue(&self) -> &'static str {
        self.queue
    }

    /// The service's version.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The method's name on the wire, such as `Hello`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The full names of its protobuf messages, if the contract describes them.
    #[must_use]
    pub const fn types(&self) -> Option<(&'static str, &'static str)> {
        self.types
    }

    /// The encoded `FileDescriptorSet`; empty if there is none.
    #[must_use]
    pub const fn descriptors(&self) -> &'static [u8] {
        self.descriptors
    }
}

impl<Q, R> Clone for MethodRef<Q, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, R> Copy for MethodRef<Q, R> {}

/// As tools write it: `greeter.v1.Greeter/Hello`.
impl<Q, R> fmt::Display for MethodRef<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.name)
    }
}

impl<Q, R> fmt::Debug for MethodRef<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MethodRef({self})")
    }
}

/// The typed client of a service, as `#[service]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service's client",
    label = "not a client",
    note = "`#[service]` makes the client and names it after the service: that of `Orders` is `OrdersClient`"
)]
pub trait ServiceClient: Sized {
    /// Calls the service through this client.
    fn through(client: Client) -> Self;
}

/// A client that calls any service.
impl ServiceClient for Client {
    fn through(client: Client) -> Self {
        client
    }
}
