//! What events look like.

use skyloom::{
    contract::Shape,
    registry::Snapshot,
    transcode::{Transcoder, outline},
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
