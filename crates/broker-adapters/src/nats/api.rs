//! What JetStream is asked and what it answers, as JSON.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// An error of JetStream.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ApiError {
    #[serde(default)]
    pub(super) err_code: u32,
    #[serde(default)]
    pub(super) description: String,
}

/// What an error means to us; the numbers are the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The stream has no room.
    Full,
    TooLarge,
    /// There is no such stream, consumer or message.
    Missing,
    /// There is one of this name with another configuration.
    Differs,
    /// The server, or the account, has no room, be it for a message or for what was asked to be reserved.
    NoRoom,
    /// It may work in a moment: a leader is being elected.
    NotNow,
    Other,
}

impl ApiError {
    pub(super) fn meaning(&self) -> Meaning {
        match self.err_code {
            10_077 if !self.description.contains("maximum") => Meaning::NotNow,
            10_077 | 10_026 | 10_122 => Meaning::Full,
            10_054 => Meaning::TooLarge,
            10_014 | 10_037 | 10_043 | 10_059 => Meaning::Missing,
            10_058 | 10_013 | 10_105 | 10_148 => Meaning::Differs,
            10_002 | 10_023 | 10_028 | 10_047 => Meaning::NoRoom,
            10_004 | 10_005 | 10_008 | 10_009 | 10_118 | 10_119 => Meaning::NotNow,
            _ => Meaning::Other,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Failed {
    pub(super) error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamInfo {
    pub(super) config: StreamConfig,
    #[serde(default)]
    pub(super) state: StreamState,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamConfig {
    pub(super) name: String,
    #[serde(default)]
    pub(super) subjects: Vec<String>,
    #[serde(default)]
    pub(super) retention: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamState {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) first_ts: String,
    pub(super) subjects: Option<std::collections::HashMap<String, u64>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamList {
    #[serde(default)]
    pub(super) total: usize,
    #[serde(default)]
    pub(super) streams: Option<Vec<StreamInfo>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConsumerInfo {
    pub(super) name: String,
    #[serde(default)]
    pub(super) created: String,
    pub(super) config: ConsumerConfig,
    #[serde(default)]
    pub(super) delivered: Sequences,
    /// Up to here everything is acknowledged.
    #[serde(default)]
    pub(super) ack_floor: Sequences,
    #[serde(default)]
    pub(super) num_ack_pending: u64,
    #[serde(default)]
    pub(super) num_waiting: u64,
    #[serde(default)]
    pub(super) num_pending: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConsumerConfig {
    /// In nanoseconds.
    #[serde(default)]
    pub(super) ack_wait: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sequences {
    pub(super) consumer_seq: u64,
    pub(super) stream_seq: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConsumerList {
    #[serde(default)]
    pub(super) total: usize,
    #[serde(default)]
    pub(super) consumers: Option<Vec<ConsumerInfo>>,
    /// Those of which a cluster that has lost a node can tell nothing.
    #[serde(default)]
    pub(super) missing: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Purged {
    #[serde(default)]
    pub(super) purged: u64,
}

/// A message that a stream has.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    pub(super) message: KeptMessage,
}

#[derive(Debug, Deserialize)]
pub(super) struct KeptMessage {
    pub(super) hdrs: Option<String>,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(i64::MAX as u64)
}

/// How a stream is bounded and kept.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    pub(super) messages: usize,
    /// None if the server's own room is the limit.
    pub(super) bytes: Option<usize>,
    pub(super) storage: &'static str,
    pub(super) replicas: usize,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retention {
    /// A queue: each message until a worker has acknowledged it.
    WorkQueue,
    /// A topic: each message until every group has acknowledged it.
    Interest,
    /// Dead letters: each message until somebody deletes it.
    Limits,
}

impl Retention {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::WorkQueue => "workqueue",
            Self::Interest => "interest",
            Self::Limits => "limits",
        }
    }
}

pub(super) fn stream(name: &str, subjects: &[String], retention: Retention, keeping: &Keeping) -> Value {
    json!({
        "name": name,
        "subjects": subjects,
        "retention": retention.word(),
        "discard": "new",
        "max_msgs": keeping.messages,
        "max_bytes": keeping.bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        "max_age": 0,
        "max_consumers": -1,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
        "storage": keeping.storage,
        "num_replicas": keeping.replicas,
        "allow_direct": true,
    })
}

/// After so long without a request for work the server removes an ephemeral consumer: its last worker was lost
/// without a word, and nobody else is to be hindered by what it leaves behind.
const ABANDONED: Duration = Duration::from_secs(300);

/// The durable consumer that the workers of a channel share.
pub(super) fn workers(
    stream: &str,
    name: &str,
    subject: &str,
    ack_wait: Duration,
    retention: Retention,
    ephemeral: bool,
) -> Value {
    json!({
        "stream_name": stream,
        "config": {
            "durable_name": name,
            "deliver_policy": if retention == Retention::Interest { "new" } else { "all" },
            "ack_policy": "explicit",
            "ack_wait": nanos(ack_wait),
            "max_deliver": -1,
            "filter_subject": subject,
            "replay_policy": "instant",
            "max_ack_pending": -1,
            "max_waiting": MAX_WAITING,
            "inactive_threshold": if ephemeral { nanos(ABANDONED) } else { 0 },
        }
    })
}

/// How many requests for work may wait at one consumer: several for each worker.
const MAX_WAITING: u32 = 16_384;

/// The consumer by which one worker is counted: it delivers nothing, and the server removes it soon after the
/// worker's subscription is gone.
pub(super) fn marker(stream: &str, name: &str, subject: &str, deliver: &str) -> Value {
    json!({
        "stream_name": stream,
        "config": {
            "name": name,
            "deliver_subject": deliver,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": nanos(Duration::from_secs(30)),
            "max_deliver": -1,
            "filter_subject": subject,
            "replay_policy": "instant",
            "inactive_threshold": nanos(Duration::from_secs(2)),
            "num_replicas": 1,
            "mem_storage": true,
        }
    })
}

/// The stream of a key-value bucket; without an age its values stay.
pub(super) fn bucket(bucket: &str, max_age: Duration, storage: &str, replicas: usize) -> Value {
    json!({
        "name": format!("KV_{bucket}"),
        "subjects": [format!("$KV.{bucket}.>")],
        "retention": "limits",
        "discard": "new",
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": nanos(max_age),
        "duplicate_window": if max_age.is_zero() { nanos(Duration::from_secs(120)) } else { nanos(max_age) },
        "max_consumers": -1,
        "max_msgs_per_subject": 1,
        "max_msg_size": -1,
        "storage": storage,
        "num_replicas": replicas,
        "deny_delete": true,
        "allow_rollup_hdrs": true,
        "allow_direct": true,
    })
}

/// A consumer that tells the newest value of each key of a bucket, and then every change.
pub(super) fn follower(bucket: &str, deliver: &str, heartbeat: Duration) -> Value {
    json!({
        "stream_name": format!("KV_{bucket}"),
        "config": {
            "deliver_subject": deliver,
            "deliver_policy": "last_per_subject",
            "ack_policy": "none",
            "max_deliver": 1,
            "filter_subject": format!("$KV.{bucket}.>"),
            "replay_policy": "instant",
            "idle_heartbeat": nanos(heartbeat),
            "num_replicas": 1,
            "mem_storage": true,
        }
    })
}

/// A request for work.
pub(super) fn pull(batch: u32, expires: Duration, heartbeat: Duration) -> String {
    let (expires, heartbeat) = (nanos(expires), nanos(heartbeat));
    format!(r#"{{"batch":{batch},"expires":{expires},"idle_heartbeat":{heartbeat}}}"#)
}

/// A negative acknowledgement.
pub(super) fn again_after(delay: Duration) -> String {
    if delay.is_zero() { "-NAK".to_owned() } else { format!(r#"-NAK {{"delay":{}}}"#, nanos(delay)) }
}

/// What the subject of an acknowledgement says of the message that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AckSubject {
    /// How often it was delivered, this time included.
    pub(super) delivered: u32,
    /// Its number in the stream.
    pub(super) number: u64,
    /// When the server stored it, since the Unix epoch.
    pub(super) stored: Duration,
}

impl AckSubject {
    /// `$JS.ACK.[domain.account.]stream.consumer.delivered.number.sequence.time.pending[.token]`.
    pub(super) fn read(subject: &str) -> Option<Self> {
        let mut tokens: [&str; 12] = [""; 12];
        let mut count = 0;
        for token in subject.strip_prefix("$JS.ACK.")?.split('.').take(tokens.len()) {
            *tokens.get_mut(count)? = token;
            count += 1;
        }
        let first = match count {
            7 => 2,
            9.. => 4,
            _ => return None,
        };
        let number = |at: usize| tokens.get(first + at).and_then(|token| token.parse::<u64>().ok());
        Some(Self {
            delivered: u32::try_from(number(0)?).unwrap_or(u32::MAX),
            number: number(1)?,
            stored: Duration::from_nanos(number(3)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_acknowledgements_subject_are_read() {
        let expected = AckSubject { delivered: 2, number: 7, stored: Duration::from_nanos(1_700_000_000_000_000_001) };
        let short = "$JS.ACK.s=queue=a.workers.2.7.9.1700000000000000001.4";
        let long = "$JS.ACK.hub.abc123.s=queue=a.workers.2.7.9.1700000000000000001.4.tok";
        for subject in [short, long] {
            assert_eq!(AckSubject::read(subject), Some(expected), "{subject}");
        }
        for subject in ["", "$JS.ACK.a.b", "_INBOX.x", "$JS.ACK.a.b.c.d.e.f.g"] {
            assert_eq!(AckSubject::read(subject), None, "{subject}");
        }
    }

    #[test]
    fn a_negative_acknowledgement_may_have_a_delay() {
        assert_eq!(again_after(Duration::ZERO), "-NAK");
        assert_eq!(again_after(Duration::from_millis(2)), r#"-NAK {"delay":2000000}"#);
    }
}
