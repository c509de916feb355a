//! JSON for services whose messages are protobuf.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;

use super::{Answer, Body, Incoming};
use crate::{Codec, Envelope, Result, Streaming, broker::BoxFuture, contract::Contract};

/// Translates the payloads of a service whose messages are protobuf, for callers that speak JSON.
pub trait Translate: Send + Sync {
    /// A request from its JSON.
    ///
    /// # Errors
    /// `InvalidArgument` if it is not what the method takes.
    fn request(&self, method: &str, json: &Bytes) -> Result<Bytes>;

    /// An event from its JSON.
    ///
    /// # Errors
    /// `InvalidArgument` if it is not what the listener takes.
    fn event(&self, topic: &str, json: &Bytes) -> Result<Bytes>;

    /// The JSON of a reply.
    ///
    /// # Errors
    /// If it has none.
    fn reply(&self, method: &str, payload: &Bytes) -> Result<Bytes>;
}

/// Makes a translator of a contract.
pub type MakeTranslator = fn(&Contract) -> Result<Arc<dyn Translate>>;

/// A translator that is made when the first caller needs it.
#[derive(Default)]
pub(super) struct Translator {
    make: Option<MakeTranslator>,
    made: OnceLock<Result<Arc<dyn Translate>>>,
}

impl Translator {
    pub(super) fn new(make: MakeTranslator) -> Self {
        Self { make: Some(make), made: OnceLock::new() }
    }

    /// The translator; none if the service's messages are not protobuf.
    pub(super) fn get(&self, contract: impl FnOnce() -> Result<Contract>) -> Option<Result<Arc<dyn Translate>>> {
        let make = self.make?;
        Some(self.made.get_or_init(|| make(&contract()?)).clone())
    }
}

impl fmt::Debug for Translator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Translator").finish_non_exhaustive()
    }
}

/// Runs a handler of protobuf messages for a caller that has sent JSON; the answer is JSON as well.
pub(super) fn translated(
    translator: Result<Arc<dyn Translate>>,
    incoming: Incoming,
    handler: impl FnOnce(Incoming) -> BoxFuture<'static, Result<Answer>>,
) -> BoxFuture<'static, Result<Answer>> {
    let method = incoming.envelope().method.clone();
    let request = translator.and_then(|translator| {
        let payload = translator.request(&method, &incoming.envelope().payload)?;
        Ok((translator, payload))
    });
    let (translator, payload) = match request {
        Ok(request) => request,
        Err(status) => return Box::pin(std::future::ready(Err(status))),
    };
    let answer = handler(in_protobuf(incoming, payload));
    Box::pin(async move {
        let body = match answer.await?.body {
            Body::Message(payload) => Body::Message(translator.reply(&method, &payload)?),
            Body::Stream(messages) => {
                let reply = move |payload: Bytes| translator.reply(&method, &payload);
                Body::Stream(Streaming::new(Replies { messages, reply }))
            }
        };
        Ok(Answer { codec: Codec::Json, body })
    })
}

/// Runs a listener to events in protobuf for one that is JSON.
pub(super) fn translated_event(
    translator: Result<Arc<dyn Translate>>,
    incoming: Incoming,
    handler: impl FnOnce(Incoming) -> BoxFuture<'static, Result<Answer>>,
) -> BoxFuture<'static, Result<Answer>> {
    let envelope = incoming.envelope();
    match translator.and_then(|translator| translator.event(&envelope.method, &envelope.payload)) {
        Ok(payload) => handler(in_protobuf(incoming, payload)),
        Err(status) => Box::pin(std::future::ready(Err(status))),
    }
}

/// The same with a payload that was translated.
fn in_protobuf(incoming: Incoming, payload: Bytes) -> Incoming {
    let envelope = Envelope { codec: Codec::Protobuf, payload, ..Envelope::clone(incoming.envelope()) };
    incoming.with_envelope(envelope)
}

struct Replies<F> {
    messages: Streaming<Bytes>,
    reply: F,
}

impl<F: Fn(Bytes) -> Result<Bytes> + Unpin> Stream for Replies<F> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.messages).poll_next(cx).map(|next| next.map(|message| (self.reply)(message?)))
    }
}
