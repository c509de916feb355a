//! A whole service.

use bytes::Bytes;

use super::{Event, MakeTranslator, Method, translate::Translator};
use crate::{QueueName, Result, Status, contract::Contract};

/// What `#[service]` implements for the author's type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "put `#[service]` on its `impl` block"
)]
pub trait Described: Send + Sync + Sized + 'static {
    /// The service's names, methods and events.
    fn definition() -> Definition<Self>;
}

/// A service's names, methods and events.
#[derive(Debug)]
pub struct Definition<S> {
    name: &'static str,
    queue: &'static str,
    version: u32,
    docs: &'static str,
    descriptors: &'static [u8],
    pub(super) methods: Vec<Method<S>>,
    pub(super) events: Vec<Event<S>>,
    pub(super) translator: Translator,
}

impl<S: Send + Sync + 'static> Definition<S> {
    /// A service without methods: full name, queue and version.
    #[must_use]
    pub fn new(name: &'static str, queue: &'static str, version: u32) -> Self {
        Self {
            name,
            queue,
            version,
            docs: "",
            descriptors: &[],
            methods: Vec::new(),
            events: Vec::new(),
            translator: Translator::default(),
        }
    }

    /// What the author wrote about it.
    #[must_use]
    pub fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Its encoded `FileDescriptorSet`.
    #[must_use]
    pub fn descriptors(mut self, descriptors: &'static [u8]) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// What translates its messages, which are protobuf, for callers that speak JSON.
    #[must_use]
    pub fn translator(mut self, make: MakeTranslator) -> Self {
        self.translator = Translator::new(make);
        self
    }

    /// Adds a method.
    #[must_use]
    pub fn method(mut self, method: Method<S>) -> Self {
        self.methods.push(method);
        self
    }

    /// Adds a listener.
    #[must_use]
    pub fn event(mut self, event: Event<S>) -> Self {
        self.events.push(event);
        self
    }

    /// The service's contract.
    ///
    /// # Errors
    /// If a name breaks the rules or two methods have the same name.
    pub fn contract(&self) -> Result<Contract> {
        let methods = self.methods.iter().map(Method::describe).collect::<Result<Vec<_>>>()?;
        for (index, method) in methods.iter().enumerate() {
            if methods.iter().take(index).any(|earlier| earlier.name == method.name) {
                return Err(Status::invalid_argument(format!("{} has two methods named {}", self.name, method.name)));
            }
        }
        Ok(Contract {
            name: self.name.to_owned(),
            queue: QueueName::new(self.queue)?,
            version: self.version,
            docs: self.docs.to_owned(),
            methods,
            events: self.events.iter().map(Event::describe).collect::<Result<_>>()?,
            descriptors: Bytes::from_static(self.descriptors),
        })
    }
}
