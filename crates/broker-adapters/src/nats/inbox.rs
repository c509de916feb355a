//! Private inboxes, on core NATS.

use std::sync::Arc;

use async_nats::{Message, StatusCode, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{BrokerError, Inbox, InboxGuard, ReplySink},
};
use tokio::task::AbortHandle;

use super::{
    handle::Handle,
    link::{Link, Phase},
};
use crate::remote::{Notice, members};

/// Opens an inbox. The client subscribes anew after each reconnect.
pub(super) async fn open(handle: &Arc<Handle>, sink: Arc<dyn ReplySink>) -> Result<Inbox, BrokerError> {
    let link = &handle.0;
    if link.phase() == Phase::Closed {
        return Err(link.away());
    }
    let id = Guid::private();
    let subscriber = link.client.subscribe(format!("{}.*", link.names.inbox(id))).await;
    let subscriber = subscriber.map_err(|error| BrokerError::unavailable(format!("no inbox: {error}")))?;
    link.outbox().sinks.insert(id, Arc::clone(&sink));
    let reader = tokio::spawn(read(Arc::clone(link), subscriber, sink)).abort_handle();
    Ok(Inbox::new(id, Box::new(Guard { handle: Arc::clone(handle), id, reader })))
}

struct Guard {
    handle: Arc<Handle>,
    id: Guid,
    reader: AbortHandle,
}

impl InboxGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.reader.abort();
        let gone = self.handle.0.outbox().sinks.remove(&self.id);
        drop(gone);
    }
}

async fn read(link: Arc<Link>, mut replies: Subscriber, sink: Arc<dyn ReplySink>) {
    loop {
        let message = tokio::select! {
            message = replies.next() => message,
            () = link.closed() => return,
        };
        let Some(message) = message else { return };
        link.busy_poll.came();
        heard(&link, &*sink, message);
        while let Some(Some(message)) = replies.next().now_or_never() {
            heard(&link, &*sink, message);
        }
    }
}

fn heard(link: &Link, sink: &dyn ReplySink, message: Message) {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return unheard(link, sink, &message.subject);
    }
    for reply in members(message.payload).unwrap_or_default() {
        match Envelope::decode(reply) {
            Ok(reply) => {
                if reply.kind == Kind::Reply {
                    link.load().ended(reply.id);
                }
                match reply.status.as_ref().and_then(|_| Notice::read(&reply)) {
                    Some(error) => sink.refused(reply.id, error),
                    None => sink.reply(Arc::new(reply)),
                }
            }
            Err(error) => tracing::warn!(%error, "what came to an inbox is no envelope"),
        }
    }
}

/// Nobody listens where a call was sent to; the subject says which it was.
fn unheard(link: &Link, sink: &dyn ReplySink, subject: &str) {
    let Some((kind, call)) = subject.rsplit('.').next().and_then(|last| last.split_at_checked(1)) else { return };
    let (call, instance) = call.split_once('_').unwrap_or((call, ""));
    let calls = match kind {
        "b" => call.parse().map(|bundle| link.calls_of(bundle)).unwrap_or_default(),
        _ => call.parse::<Guid>().into_iter().collect(),
    };
    let error = match instance.parse() {
        Ok(instance) => BrokerError::Gone { instance },
        Err(_) => BrokerError::unavailable("nobody serves the queue, and core NATS keeps no work"),
    };
    for call in calls {
        link.load().ended(call);
        sink.refused(call, error.clone());
    }
}
