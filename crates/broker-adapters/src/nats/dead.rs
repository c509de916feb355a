//! Dead letters are written.

use async_nats::{HeaderMap, Request, Subject, header::NATS_MESSAGE_ID};
use bytes::Bytes;
use skyloom_core::{Channel, broker::BrokerError};

use super::{
    api::{AckSubject, Failed, Meaning},
    ask::refused,
    link::{ANSWER_TIME, Link},
};

/// The header with the reason of a dead letter.
pub(super) const REASON: &str = "skyloom-reason";

/// The header with the attempts of a dead letter.
pub(super) const ATTEMPTS: &str = "skyloom-attempts";

/// The header of an event that is only for one group: it was one of that group's dead letters.
pub(super) const ONLY: &str = "skyloom-group";

/// The longest reason that is kept, in bytes: a reason is a sentence.
const REASON_BYTES: usize = 512;

/// A reason as it fits into a header.
fn one_line(reason: &str) -> String {
    let mut line: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let end = (0..=REASON_BYTES.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    line.truncate(end);
    line
}

/// By what the server knows that a copy of a message is written again because nobody heard that it was kept: the channel,
/// and the number and the time of the message there.
pub(super) fn name_of(channel: &Channel, ack: &Subject) -> Option<String> {
    let AckSubject { number, stored, .. } = AckSubject::read(ack)?;
    Some(format!("{channel}#{number}@{}", stored.as_nanos()))
}

impl Link {
    /// Keeps a dead letter. It is not lost if this fails: the message is still where it was, to be acknowledged by `ack`.
    pub(super) async fn write_dead(
        &self,
        channel: &Channel,
        body: Bytes,
        attempts: u32,
        reason: &str,
        ack: Option<&Subject>,
    ) -> Result<(), BrokerError> {
        let mut headers = HeaderMap::new();
        if let Some(name) = ack.and_then(|ack| name_of(channel, ack)) {
            headers.insert(NATS_MESSAGE_ID, name);
        }
        headers.insert(REASON, one_line(reason).as_str());
        headers.insert(ATTEMPTS, attempts.to_string().as_str());
        let subject = self.names.dead(channel);
        for is_first in [true, false] {
            let request = Request::new().payload(body.clone()).headers(headers.clone()).timeout(Some(ANSWER_TIME));
            match self.client.send_request(subject.clone(), request).await {
                Ok(answer) => match serde_json::from_slice(&answer.payload) {
                    Ok(Failed { error: None }) => return Ok(()),
                    Ok(Failed { error: Some(error) }) if error.meaning() == Meaning::NotNow && is_first => {}
                    Ok(Failed { error: Some(error) }) => return Err(refused("the stream of dead letters", &error)),
                    Err(error) => return Err(BrokerError::lost(format!("its confirmation is garbled: {error}"))),
                },
                // Nobody keeps them yet.
                Err(error) if is_first => tracing::debug!(%error, "there may be no stream of dead letters yet"),
                Err(error) => return Err(BrokerError::lost(format!("a dead letter was not confirmed: {error}"))),
            }
            self.ensure_dead_stream().await?;
        }
        Err(BrokerError::unavailable("the stream of dead letters is not ready"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(one_line("a\r\nb"), "a  b");
        assert_eq!(one_line(&"ü".repeat(400)).chars().count(), REASON_BYTES / 2);
    }
}
