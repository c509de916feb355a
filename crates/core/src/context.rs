//! What a handler knows about the call that it serves.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    Envelope, Guid, Headers, Ledger, Text, TraceContext,
    client::{Client, Scope},
};

/// What a handler knows about the call that it serves, and a client whose calls inherit its
/// deadline, trace, principal and ledger. Cheap to clone.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    envelope: Arc<Envelope>,
    attempt: u32,
    deadline: Option<Instant>,
    client: Client,
    instance: Guid,
    /// Made when the handler first needs it: many handlers call nobody.
    scope: OnceLock<Arc<Scope>>,
    /// Made when the handler sets the first: few do.
    reply: OnceLock<Box<Mutex<Headers>>>,
}

impl Context {
    /// The context of a delivery.
    #[must_use]
    pub fn new(
        envelope: Arc<Envelope>,
        attempt: u32,
        deadline: Option<Instant>,
        client: &Client,
        instance: Guid,
    ) -> Self {
        let (scope, reply) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { envelope, attempt, deadline, client: client.clone(), instance, scope, reply }))
    }

    pub(crate) fn envelope(&self) -> &Arc<Envelope> {
        &self.0.envelope
    }

    /// The call's GUID; the same in every attempt.
    #[must_use]
    pub fn id(&self) -> Guid {
        self.0.envelope.id
    }

    /// The method's name, or an event's topic.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.0.envelope.method
    }

    /// Which attempt this is, 1 for the first. A later one may find what an earlier one has done.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// When the caller's time is used up; none for casts, events and streams.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// How much of the caller's time is left.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The caller's headers, names in lower case.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.0.envelope.headers()
    }

    /// Who is asking, as the gateway or the broker has stamped it.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        self.0.envelope.principal().map(Text::as_str)
    }

    /// The trace that the call belongs to.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.envelope.trace()
    }

    /// The instance that serves the call.
    #[must_use]
    pub fn instance(&self) -> Guid {
        self.0.instance
    }

    /// A client for calls on behalf of this one.
    #[must_use]
    pub fn client(&self) -> Client {
        self.0.client.scoped(Arc::clone(self.scope()))
    }

    /// What the calls of this handler have cost so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.0.scope.get().map_or_else(Ledger::default, |scope| scope.book.read())
    }

    /// Adds costs that the framework cannot see, such as a query of a database.
    pub fn add_to_ledger(&self, ledger: Ledger) {
        self.scope().book.add(ledger);
    }

    /// Sets the status of the HTTP response, if the call came through the gateway by REST.
    pub fn set_http_status(&self, status: u16) {
        self.set_reply_header(Headers::HTTP_STATUS, status.to_string());
    }

    /// Sets a header of the reply; the gateway makes it a header of the HTTP response.
    pub fn set_reply_header(&self, name: impl AsRef<str>, value: impl Into<Text>) {
        self.reply().set(name.as_ref().to_ascii_lowercase(), value);
    }

    /// The headers of the reply, for the worker that sends it.
    pub(crate) fn take_reply_headers(&self) -> Headers {
        if self.0.reply.get().is_none() { Headers::new() } else { std::mem::take(&mut self.reply()) }
    }

    fn scope(&self) -> &Arc<Scope> {
        let Inner { envelope, deadline, scope, .. } = &*self.0;
        scope.get_or_init(|| {
            Arc::new(Scope {
                deadline: *deadline,
                trace: envelope.trace().cloned(),
                principal: envelope.principal().cloned(),
                book: Arc::default(),
            })
        })
    }

    fn reply(&self) -> std::sync::MutexGuard<'_, Headers> {
        // Nothing panics while it is locked.
        self.0.reply.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&Context> for Client {
    fn from(context: &Context) -> Self {
        context.client()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Context");
        debug.field("id", &self.id()).field("method", &self.method()).field("attempt", &self.attempt());
        debug.finish_non_exhaustive()
    }
}
