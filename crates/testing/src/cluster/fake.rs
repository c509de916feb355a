//! Fakes: services that a test makes up in a line.

use std::sync::Arc;

use skyloom::transcode::translator;
use skyloom_core::{
    Context, Payload, Result,
    client::{MethodRef, Reply},
    service::{Definition, Method},
};

/// Answers in a service's place; it has no state of its own.
#[derive(Debug)]
pub(super) struct Fake;

/// A fake that is being put together.
#[derive(Debug)]
pub(super) struct FakeParts {
    pub(super) queue: &'static str,
    pub(super) name: &'static str,
    pub(super) methods: Vec<&'static str>,
    pub(super) definition: Definition<Fake>,
}

impl FakeParts {
    /// A fake of the service that has this method, without methods yet.
    pub(super) fn of<Q, R>(method: &MethodRef<Q, R>) -> Self {
        let mut definition = Definition::new(method.service(), method.queue(), method.version());
        if !method.descriptors().is_empty() {
            definition = definition.descriptors(method.descriptors()).translator(translator);
        }
        Self { queue: method.queue(), name: method.service(), methods: Vec::new(), definition }
    }

    /// Adds a method.
    pub(super) fn method<Q, R, F, Fut>(mut self, method: &MethodRef<Q, R>, handler: F) -> Self
    where
        Q: Payload,
        R: Reply,
        F: Fn(Context, Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let handler = move |_: Arc<Fake>, context, request| handler(context, request);
        let mut made = Method::new::<Q, R, _, _>(method.name(), handler);
        if let Some((input, output)) = method.types() {
            made = made.types(input, output);
        }
        self.methods.push(method.name());
        Self { definition: self.definition.method(made), ..self }
    }
}
