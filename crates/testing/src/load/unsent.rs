//! What casts and events are told while nothing can be sent.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Code, Codec, Outcome, Result, Status, TopicName,
    broker::Broker,
    client::{Client, Request},
};

use super::words::{queue, soon};

/// How much time each has.
const TIME: Duration = Duration::from_millis(200);

/// Whether it was sent depends on when the connection is known to be gone: what is sent after that certainly was not, and
/// says so within its own time, with a reason that has `place` in it.
///
/// # Panics
/// If it is not so.
pub async fn one_way_says_that_it_was_not_sent(broker: Arc<dyn Broker>, place: &str) {
    let client = Client::new(broker);
    client.set_timeout(TIME);
    for way in ["cast", "publish"] {
        let unsent = async {
            loop {
                match send(&client, way).await {
                    Err(status) if status.outcome() == Outcome::NotStarted => return status,
                    _ => {}
                }
            }
        };
        let status = soon(&format!("a {way} that was not sent"), unsent).await;
        assert_eq!(status.code(), Code::Unavailable, "{way}: {status}");
        assert!(status.message().contains(place), "{way}: {status}");
    }
}

async fn send(client: &Client, way: &str) -> Result<()> {
    let payload = Bytes::from_static(b"{}");
    if way == "cast" {
        return client.cast(Request::new(queue("unsent.v1"), "Any", Codec::Json, payload)).await;
    }
    let topic = TopicName::new("unsent.made").map_err(|error| Status::internal(error.to_string()))?;
    client.publish_encoded(&topic, Codec::Json, payload).await
}
