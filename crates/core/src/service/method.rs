//! One method of a service.

use std::{fmt, future::ready, pin::Pin, sync::Arc, task, time::Duration};

use bytes::Bytes;
use futures_core::Stream;

use super::{Answer, Body, Incoming};
use crate::{
    Codec, Context, MethodName, Payload, Result, Status, Streaming,
    broker::BoxFuture,
    client::Reply,
    contract::{HttpBody, HttpRule, HttpVerb, MethodContract},
};

/// How a worker treats a method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodOptions {
    /// How long the handler may take, whatever the caller's budget; its wait for a turn is not counted.
    pub timeout: Option<Duration>,
    /// How many of its calls an instance runs at once; no limit of its own if none.
    pub concurrency: Option<u32>,
    /// Executed at most once: a lost worker is an unknown outcome, not a redelivery.
    pub once: bool,
}

impl MethodOptions {
    /// These, and the others where these say nothing.
    pub(super) fn or(self, others: &Self) -> Self {
        Self {
            timeout: self.timeout.or(others.timeout),
            concurrency: self.concurrency.or(others.concurrency),
            once: self.once || others.once,
        }
    }
}

pub(super) type Handler<S> = dyn Fn(Arc<S>, Incoming) -> BoxFuture<'static, Result<Answer>> + Send + Sync;

/// One method: its contract, its options, and the handler.
pub struct Method<S> {
    pub(super) name: &'static str,
    /// Empty if nobody need know it.
    pub(super) function: &'static str,
    pub(super) codec: Codec,
    pub(super) contract: MethodParts,
    pub(super) options: MethodOptions,
    pub(super) handler: Box<Handler<S>>,
}

/// A method's contract but for its checked name.
#[derive(Clone)]
pub(super) struct MethodParts {
    docs: &'static str,
    pub(super) idempotent: bool,
    http: Vec<HttpRule>,
    types: Option<(&'static str, &'static str)>,
    describe: fn(&MethodParts, MethodName, &MethodOptions) -> MethodContract,
}

impl<S: Send + Sync + 'static> Method<S> {
    /// A method that takes a `Q` and answers with an `R`.
    pub fn new<Q, R, F, Fut>(name: &'static str, handler: F) -> Self
    where
        Q: Payload,
        R: Reply,
        F: Fn(Arc<S>, Context, Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        Self {
            name,
            function: "",
            codec: Q::CODEC,
            contract: MethodParts {
                docs: "",
                idempotent: false,
                http: Vec::new(),
                types: None,
                describe: describe::<Q, R>,
            },
            options: MethodOptions::default(),
            handler: Box::new(move |service, incoming| match decode::<Q>(&incoming) {
                Ok(message) => {
                    let reply = handler(service, incoming.context, message);
                    Box::pin(async move { Answer::of(reply.await.map_err(Status::executed)?) })
                }
                Err(status) => Box::pin(ready(Err(status))),
            }),
        }
    }

    /// What the function that handles it is called: the name by which [`Definition::executed`] knows it.
    ///
    /// [`Definition::executed`]: super::Definition::executed
    #[must_use]
    pub fn function(mut self, name: &'static str) -> Self {
        self.function = name;
        self
    }

    /// What the author wrote about it.
    #[must_use]
    pub fn docs(mut self, docs: &'static str) -> Self {
        self.contract.docs = docs;
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// How many of its calls an instance runs at once.
    #[must_use]
    pub fn concurrency(mut self, limit: u32) -> Self {
        self.options.concurrency = Some(limit.max(1));
        self
    }

    /// Executed at most once.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.options.once = true;
        self
    }

    /// Executing it twice does no more than executing it once.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.contract.idempotent = true;
        self
    }

    /// Reached by REST.
    #[must_use]
    pub fn http(mut self, verb: HttpVerb, path: &'static str, body: HttpBody, response_body: &'static str) -> Self {
        let rule = HttpRule { verb, path: path.to_owned(), body, response_body: response_body.to_owned() };
        self.contract.http.push(rule);
        self
    }

    /// The full names of its protobuf messages.
    #[must_use]
    pub fn types(mut self, input: &'static str, output: &'static str) -> Self {
        self.contract.types = Some((input, output));
        self
    }

    /// Its contract.
    pub(super) fn describe(&self) -> Result<MethodContract> {
        Ok((self.contract.describe)(&self.contract, MethodName::new(self.name)?, &self.options))
    }
}

fn describe<Q: Payload, R: Reply>(parts: &MethodParts, name: MethodName, options: &MethodOptions) -> MethodContract {
    let types = parts.types.map(|(input, output)| (input.to_owned(), output.to_owned()));
    let (input, output) = types.unwrap_or_else(|| (Q::type_name(), R::Message::type_name()));
    MethodContract {
        name,
        codec: Q::CODEC,
        input,
        output,
        streaming: R::STREAMING,
        idempotent: parts.idempotent,
        timeout_ms: options.timeout.and_then(|timeout| u64::try_from(timeout.as_millis()).ok()),
        http: parts.http.clone(),
        docs: parts.docs.to_owned(),
        request: Q::shape(),
        reply: R::Message::shape(),
    }
}

pub(super) fn decode<Q: Payload>(incoming: &Incoming) -> Result<Q> {
    let envelope = incoming.envelope();
    if envelope.codec != Q::CODEC {
        let (takes, got) = (Q::CODEC.name(), envelope.codec.name());
        return Err(Status::invalid_argument(format!("{} takes {takes}, not {got}", envelope.method)));
    }
    Q::decode_shared(&envelope.payload)
}

impl Answer {
    /// A handler's reply, encoded: for a tower layer that answers in the handler's place.
    ///
    /// # Errors
    /// If the message has no encoding.
    pub fn of<R: Reply>(reply: R) -> Result<Self> {
        let body = match reply.into_outgoing() {
            crate::client::Outgoing::Message(message) => Body::Message(message.encode()?),
            crate::client::Outgoing::Stream(stream) => Body::Stream(Streaming::new(Encoded(stream))),
        };
        Ok(Self { codec: R::Message::CODEC, body })
    }
}

struct Encoded<M>(Streaming<M>);

impl<M: Payload> Stream for Encoded<M> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map(|next| next.map(|message| message.map_err(Status::executed)?.encode()))
    }
}

impl<S> fmt::Debug for Method<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method").field("name", &self.name).field("options", &self.options).finish_non_exhaustive()
    }
}
