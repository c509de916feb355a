//! Words in which the rules are told.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Channel, Envelope, Guid, Kind, QueueName,
    broker::{Ack, Admin, Broker, BrokerError, ConsumeOptions, Consumer, Delivery, EnqueueOptions, Inbox, Settlement},
};

use super::probe::{Heard, Probe};

/// What must happen happens within this, however slow the machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// What must not happen would have happened within this.
pub(crate) const QUIET: Duration = Duration::from_millis(150);

/// Awaits what must happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: it did not happen within {SOON:?}"),
    }
}

/// Awaits an operation that must be accepted.
pub(crate) async fn accepted(what: &str, ack: Ack) {
    if let Err(error) = soon(what, ack).await {
        panic!("{what}: {error}");
    }
}

pub(crate) fn queue(name: &str) -> Channel {
    Channel::Queue(QueueName::new(name).expect("the rule names a valid queue"))
}

/// One-way work with a number as its payload.
pub(crate) fn work(number: u32) -> Envelope {
    let mut envelope = Envelope::new(Kind::Cast, Guid::call());
    envelope.payload = Bytes::copy_from_slice(&number.to_le_bytes());
    envelope
}

pub(crate) fn number(envelope: &Envelope) -> u32 {
    u32::from_le_bytes(envelope.payload[..].try_into().expect("the payload is a number"))
}

/// A call with a number as its payload.
pub(crate) fn call(inbox: &Inbox, number: u32) -> Envelope {
    let (kind, reply_to) = (Kind::Call, Some(inbox.id()));
    Envelope { kind, reply_to, budget: Some(SOON), ..work(number) }
}

/// A reply of this kind to a request, with a number as its payload.
pub(crate) fn reply(request: &Envelope, kind: Kind, number: u32) -> Envelope {
    Envelope { id: request.id, kind, ..work(number) }
}

/// Puts numbered work on a queue.
pub(crate) async fn put(broker: &Arc<dyn Broker>, channel: &Channel, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        accepted("enqueue", broker.enqueue(channel, work(number).into(), EnqueueOptions::default())).await;
    }
}

pub(crate) async fn consume(broker: &Arc<dyn Broker>, channel: &Channel, options: ConsumeOptions) -> Consumer {
    soon("consume", broker.consume(channel.clone(), options)).await.expect("the channel can be consumed")
}

pub(crate) async fn inbox(broker: &Arc<dyn Broker>) -> (Arc<Probe>, Inbox) {
    let probe = Probe::new();
    let inbox = soon("open an inbox", broker.open_inbox(probe.clone())).await.expect("an inbox can be opened");
    (probe, inbox)
}

pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    soon("a delivery", consumer.next()).await.expect("the stream of deliveries goes on")
}

/// The next delivery and its number, settled.
pub(crate) async fn take(consumer: &mut Consumer) -> u32 {
    let delivery = next(consumer).await;
    let number = number(delivery.envelope());
    accepted("settle", delivery.settle(Settlement::Done)).await;
    number
}

pub(crate) async fn nothing_comes(consumer: &mut Consumer) {
    match tokio::time::timeout(QUIET, consumer.next()).await {
        Ok(Some(delivery)) => panic!("nothing was to be delivered, and {delivery:?} was"),
        Ok(None) => panic!("nothing was to be delivered, and the stream of deliveries has ended"),
        Err(_) => {}
    }
}

/// The next reply of an inbox.
pub(crate) async fn answer(probe: &Probe) -> Envelope {
    match soon("a reply", probe.next()).await {
        Some(Heard::Reply(reply)) => Arc::unwrap_or_clone(reply),
        other => panic!("a reply was to come, and {other:?} came"),
    }
}

pub(crate) async fn silent(probe: &Probe) {
    if let Ok(heard) = tokio::time::timeout(QUIET, probe.next()).await {
        panic!("nothing was to be heard, and {heard:?} was");
    }
}

/// How a call was refused, be it by its [`Ack`] or through its inbox.
pub(crate) async fn refusal(probe: &Probe, call: Guid, ack: Ack) -> BrokerError {
    if let Err(error) = soon("the answer to an enqueue", ack).await {
        return error;
    }
    refused(probe, call).await
}

/// How a call is refused, if it is at once.
pub(crate) async fn told_at_once(probe: &Probe, ack: Ack) -> Option<BrokerError> {
    if let Err(error) = soon("the answer to an enqueue", ack).await {
        return Some(error);
    }
    match tokio::time::timeout(QUIET, probe.next()).await {
        Ok(Some(Heard::Refused(_, error))) => Some(error),
        Ok(other) => panic!("a refusal was to come, or nothing, and {other:?} came"),
        Err(_) => None,
    }
}

/// How a call that was accepted is refused through its inbox.
pub(crate) async fn refused(probe: &Probe, call: Guid) -> BrokerError {
    match soon("a refusal", probe.next()).await {
        Some(Heard::Refused(refused, error)) if refused == call => error,
        other => panic!("call {call} was to be refused, and {other:?} came"),
    }
}

/// How an inbox hears that nothing more comes.
pub(crate) async fn lost(probe: &Probe) -> BrokerError {
    match soon("the end of the inbox", probe.next()).await {
        Some(Heard::Lost(error)) => error,
        other => panic!("the inbox was to be lost, and {other:?} came"),
    }
}

/// What a broker that does not claim an ability must answer.
pub(crate) fn assert_unsupported(result: Result<(), BrokerError>) {
    assert!(matches!(result, Err(BrokerError::Unsupported { .. })), "what is not claimed is refused: {result:?}");
}

/// The operator's view of a broker that keeps dead letters.
pub(crate) fn admin(broker: &Arc<dyn Broker>) -> &dyn Admin {
    broker.admin().expect("a broker that keeps dead letters lets an operator see them")
}
