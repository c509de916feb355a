//! A whole service.

use bytes::Bytes;

use super::{Event, MakeTranslator, Method, MethodOptions, translate::Translator};
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
    /// Functions that were said to be executed in some way, and that handle nothing.
    astray: Vec<&'static str>,
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
            astray: Vec::new(),
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

    /// How the method that this function handles is executed, where these options say something else than its own. It is
    /// what the `impl` of a contract's trait adds to the contract.
    #[must_use]
    pub fn executed(mut self, function: &'static str, options: MethodOptions) -> Self {
        match self.methods.iter_mut().find(|method| method.function == function) {
            Some(method) => method.options = options.or(&method.options),
            None => self.astray.push(function),
        }
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
    /// If a name breaks the rules, two methods have the same name, or a method is to be executed in a way that it cannot be.
    pub fn contract(&self) -> Result<Contract> {
        self.check_execution()?;
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

    fn check_execution(&self) -> Result<()> {
        if let Some(function) = self.astray.first() {
            let advice = "remove its `#[handler]`";
            return Err(Status::invalid_argument(format!("{}: {function} handles no method: {advice}", self.name)));
        }
        let repeated = self.methods.iter().find(|method| method.options.once && method.contract.idempotent);
        repeated.map_or(Ok(()), |method| {
            let advice = "remove `once` from its function, or the idempotency from the contract";
            let problem = format!("{}/{} is executed once, and idempotent by its contract", self.name, method.name);
            Err(Status::invalid_argument(format!("{problem}: {advice}")))
        })
    }
}
