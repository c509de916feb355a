//! Run after run, until nothing more is learnt.

use serde::de::DeserializeOwned;

use super::{deserializer::Tracer, node::Node, progress::Progress};
use crate::contract::Shape;

/// How often an implementation is run. The longest enum takes a run for each variant; a list that is
/// longer than this is described as anything.
const MAX_RUNS: usize = 512;

/// The shape of a type, as far as its `Deserialize` implementation shows it.
pub(in crate::contract) fn trace<T: DeserializeOwned>() -> Shape {
    let (progress, mut root) = (Progress::default(), Node::Fresh);
    for _ in 0..MAX_RUNS {
        let before = progress.changes();
        // The value, or what the implementation had to say against the sample, is not needed.
        let _ = T::deserialize(Tracer::new(&progress, &mut root));
        if root.complete() || progress.changes() == before {
            break;
        }
    }
    root.into_shape()
}
