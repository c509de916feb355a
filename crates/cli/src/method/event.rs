//! What events look like.

use skyloom::{
    contract::Shape,
    registry::Snapshot,
    transcode::{Transcoder, outline},
};

/// The shapes that those who listen to a topic take its events for, in JSON.
pub(crate) fn event_shapes<'a>(snapshot: &'a Snapshot, topic: &'a str) -> impl Iterator<Item = Shape> + 'a {
    let hears = |topic| {
        snapshot
            .contracts
            .values()
            .filter(move |contract| contract.events.iter().any(|event| event.topic.as_str() == topic))
    };
    // Of a contract whose descriptors cannot be read nothing is known.
    hears(topic).filter_map(move |contract| Some(outline(Transcoder::new(contract).ok()?.event(topic)?.input())))
}
