//! What a stream still has of work that is done. A server that was killed may have kept an acknowledgement and not that it
//! has removed the message: nobody gets that message any more, and it would count among what the queue holds for ever.

use std::time::Duration;

use serde_json::json;

use super::{
    api::{Purged, StreamInfo, StreamState},
    ask::AskError,
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
        let consumers = link.consumers(&stream).await?;
        // Markers acknowledge nothing, and are not durable.
        let durable = consumers.iter().filter(|consumer| consumer.config.durable_name.is_some());
        let done = durable.map(|consumer| consumer.ack_floor.stream_seq).min().unwrap_or(0);
        let StreamState { messages, first_seq, last_seq, .. } = info.state;
        // Who has acknowledged more than there ever was speaks of another life of the stream.
        if messages == 0 || done < first_seq || done > last_seq {
            return Ok(0);
        }
        let question = json!({ "seq": done + 1 });
        let Purged { purged } = link.api(&format!("STREAM.PURGE.{stream}"), Some(question)).await?;
        Ok(purged)
    }
}
