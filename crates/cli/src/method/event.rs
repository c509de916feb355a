//! What events look like.

use std::sync::Arc;

use skyloom::{
    contract::{Contract, Shape},
    registry::Snapshot,
    transcode::{MethodTranscoder, Transcoder, outline},
};

/// The shapes that those who listen to a topic take its events for, in JSON.
pub(crate) fn event_shapes<'a>(snapshot: &'a Snapshot, topic: &'a str) -> impl Iterator<Item = Shape> + 'a {
    let events =
        snapshot.contracts.values().flat_map(|contract| contract.events.iter().map(move |event| (contract, event)));
    events.filter(move |(_, event)| event.topic.as_str() == topic).filter_map(|(contract, event)| {
        if event.message.is_empty() {
            return Some(event.shape.clone());
        }
        // Of a contract whose descriptors cannot be read nothing is known.
        let transcoder = Transcoder::new(contract).ok()?;
        Some(outline(transcoder.event(event.topic.as_str())?.input()))
    })
}

/// How those who listen to a topic read its events.
pub(crate) fn event_readers<'a>(snapshot: &'a Snapshot, topic: &'a str) -> impl Iterator<Item = MethodTranscoder> + 'a {
    let listens = move |contract: &&Arc<Contract>| contract.events.iter().any(|event| event.topic.as_str() == topic);
    let listening = snapshot.contracts.values().filter(listens);
    listening.filter_map(move |contract| Transcoder::new(contract).ok()?.event(topic).cloned())
}
