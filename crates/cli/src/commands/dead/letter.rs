//! One dead letter as it is shown.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use skyloom::{Channel, Guid, broker::DeadLetter, config::shown, registry::Snapshot};

use crate::{
    method::{as_json, request_text},
    output::{Table, left, right},
    text::{printable, span},
};

/// One line of the listing.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    channel: Channel,
    number: u64,
    id: Guid,
    method: String,
    attempts: u32,
    age_ms: u64,
    reason: String,
}

/// A dead letter with its message.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    line: Line,
    headers: Vec<(String, String)>,
    payload: Value,
}

impl Line {
    /// The line of a dead letter.
    pub(super) fn new(channel: &Channel, letter: &DeadLetter) -> Self {
        Self {
            channel: channel.clone(),
            number: letter.number,
            id: letter.id,
            method: letter.envelope.method.to_string(),
            attempts: letter.attempts,
            age_ms: u64::try_from(letter.age.as_millis()).unwrap_or(u64::MAX),
            reason: letter.reason.clone(),
        }
    }

    fn age(&self) -> String {
        span(Duration::from_millis(self.age_ms))
    }
}

/// The listing.
pub(super) fn table(lines: &[Line]) -> Table {
    let columns = [
        left("CHANNEL"),
        right("NUMBER"),
        left("METHOD"),
        right("ATTEMPTS"),
        right("AGE"),
        left("CALL"),
        left("REASON"),
    ];
    Table::new(columns).with(lines, |line| {
        [
            line.channel.to_string(),
            line.number.to_string(),
            line.method.clone(),
            line.attempts.to_string(),
            line.age(),
            line.id.to_string(),
            line.reason.clone(),
        ]
    })
}

impl Whole {
    /// A dead letter with its message, as JSON if its contract or its codec allows.
    pub(super) fn new(channel: &Channel, letter: &DeadLetter, snapshot: &Snapshot) -> Self {
        let envelope = &letter.envelope;
        let headers = envelope.headers().iter().map(|(name, value)| (name.to_owned(), shown(name, value))).collect();
        let payload = request_text(snapshot, channel, envelope)
            .and_then(|text| as_json(&text))
            .unwrap_or_else(|| Value::String(format!("{} bytes of {}", envelope.payload.len(), envelope.codec.name())));
        Self { line: Line::new(channel, letter), headers, payload }
    }

    /// All of it for a person.
    pub(super) fn text(&self) -> String {
        let line = &self.line;
        let mut text = format!(
            "channel   {}\nnumber    {}\ncall      {}\nmethod    {}\nattempts  {}\ndied      {} ago\nreason    {}\n",
            line.channel,
            line.number,
            line.id,
            printable(&line.method),
            line.attempts,
            line.age(),
            printable(&line.reason),
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("header    {}: {}\n", printable(name), printable(value)));
        }
        text.push_str(&format!("payload   {}\n", self.payload));
        text
    }
}

#[cfg(test)]
mod tests {
    use skyloom::{Codec, Envelope, Headers, Kind};

    use super::*;

    fn letter(codec: Codec, payload: &'static [u8]) -> DeadLetter {
        let mut envelope = Envelope::new(Kind::Call, Guid::call());
        envelope.method = "Hello".into();
        envelope.codec = codec;
        envelope.payload = payload.into();
        let mut headers = Headers::new();
        headers.push("x-a", "b");
        headers.push("authorization", "Bearer hunter2");
        envelope.extras = envelope.extras.with_headers(headers);
        DeadLetter {
            number: 7,
            id: envelope.id,
            reason: "the worker's connection\nwas lost".to_owned(),
            attempts: 5,
            age: Duration::from_secs(75),
            envelope,
        }
    }

    #[test]
    fn a_letter_is_shown_with_its_message() {
        let channel: Channel = "greeter.v1".parse().unwrap();
        let json = letter(Codec::Json, br#"{"name":"Ada"}"#);
        let text = Whole::new(&channel, &json, &Snapshot::default()).text();
        assert!(text.contains("payload   {\"name\":\"Ada\"}\n"), "{text}");
        assert!(text.contains("died      1m15s ago\n"), "{text}");
        assert!(text.contains("reason    the worker's connection\u{fffd}was lost\n"), "{text}");
        assert!(text.contains("header    x-a: b\nheader    authorization: ***\n"), "{text}");
        let written = serde_json::to_string(&Whole::new(&channel, &json, &Snapshot::default())).unwrap();
        assert!(written.contains(r#"["authorization","***"]"#) && !written.contains("hunter2"), "{written}");
        let unknown = letter(Codec::Protobuf, &[10, 3, 65, 100, 97]);
        let text = Whole::new(&channel, &unknown, &Snapshot::default()).text();
        assert!(text.contains("payload   \"5 bytes of protobuf\"\n"), "{text}");
    }
}
