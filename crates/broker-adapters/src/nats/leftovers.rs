//! What a stream still has of work that is done. A server that was killed may have kept an acknowledgement and not that it
//! has removed the message: nobody gets that message any more, and it would count among what the queue holds for ever.

use std::time::Duration;

use serde_json::json;

use super::{
    api::{ConsumerInfo, Purged, StreamInfo, StreamState},
    ask::AskError,
    consumers::Consumers,
    names::{Names, Target},
    work::Worker,
};

/// How often a worker looks.
pub(super) const LOOK: Duration = Duration::from_secs(15);

impl Worker {
    /// Removes from the stream what all who consume it have acknowledged.
    pub(super) async fn remove_leftovers(&self) {
        match self.leftovers().await {
            Ok(0) => {}
            Ok(removed) => {
                tracing::info!(channel = %self.channel, removed, "the server had kept messages that were done with");
            }
            Err(error) => tracing::debug!(channel = %self.channel, ?error, "it is not known what the server has kept"),
        }
    }

    async fn leftovers(&self) -> Result<u64, AskError> {
        let (link, stream) = (&self.handle.0, self.stream());
        let info: StreamInfo = link.api(&format!("STREAM.INFO.{stream}"), None).await?;
        let StreamState { messages, first_seq, last_seq, .. } = info.state;
        if messages == 0 {
            return Ok(0);
        }
        let done = match self.target {
            // Its workers share one consumer, and the server lets nobody else have what they are to get.
            Target::Queue(_) => {
                let workers = Names::workers(&self.channel);
                let info: ConsumerInfo = link.api(&format!("CONSUMER.INFO.{stream}.{workers}"), None).await?;
                info.ack_floor.stream_seq
            }
            _ => acknowledged(&link.consumers(&stream).await?),
        };
        // Who has acknowledged more than there ever was speaks of another life of the stream.
        if done < first_seq || done > last_seq {
            return Ok(0);
        }
        // An operator may have given the stream subjects of his own.
        let question = json!({ "seq": done + 1, "filter": link.names.subject(&self.target) });
        let Purged { purged } = link.api(&format!("STREAM.PURGE.{stream}"), Some(question)).await?;
        Ok(purged)
    }
}

/// Up to which number everybody who consumes a stream has acknowledged everything, be he one of ours or not; zero if
/// somebody may not be known.
fn acknowledged(consumers: &Consumers) -> u64 {
    let known = consumers.known.iter().filter(|consumer| !Names::is_marker(&consumer.name));
    let floor = known.map(|consumer| consumer.ack_floor.stream_seq).min();
    floor.filter(|_| consumers.is_complete).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumers(is_complete: bool, floors: &[(&str, u64)]) -> Consumers {
        let known = floors.iter().map(|(name, floor)| {
            let info = json!({ "name": name, "config": {}, "ack_floor": { "consumer_seq": 1, "stream_seq": floor } });
            serde_json::from_value(info).expect("it is read")
        });
        Consumers { known: known.collect(), is_complete }
    }

    #[test]
    fn what_one_has_not_acknowledged_is_not_done_with() {
        let floors = [("group=a", 9), ("group=b", 4), ("marker=group=a=1", 0)];
        assert_eq!(acknowledged(&consumers(true, &floors)), 4);
        assert_eq!(acknowledged(&consumers(true, &[("group=a", 9), ("foreign", 0)])), 0, "whoever he is");
        assert_eq!(acknowledged(&consumers(false, &floors)), 0, "one that is away may have acknowledged less");
        assert_eq!(acknowledged(&consumers(true, &[("marker=group=a=1", 3)])), 0);
    }
}
