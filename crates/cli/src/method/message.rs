//! A method's messages as JSON.

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;
use skyloom::transcode::{MethodTranscoder, Transcoder, outline};
use skyloom::{Channel, Code, Codec, Envelope, Status, client::Response, contract::Shape, registry::Snapshot};

use super::{Input, Target, event_readers};
use crate::failure::Failure;

/// A message as it is written in a shell.
const EXAMPLE: &str = r#"'{"name":"Ada"}' or name=Ada"#;

/// Translates a method's messages between JSON and what is sent.
#[derive(Debug)]
pub(crate) struct Message(MethodTranscoder);

impl Message {
    /// The messages of this method.
    ///
    /// # Errors
    /// If the contract cannot be read.
    pub(crate) fn of(target: &Target) -> Result<Self, Failure> {
        let transcoder = Transcoder::new(&target.contract).map_err(|error| Failure::failed(error.to_string()))?;
        let method = transcoder.method(target.method.name.as_str()).cloned();
        method.map(Self).ok_or_else(|| Failure::failed(format!("the contract does not describe {}", target.name())))
    }

    /// What a request looks like.
    pub(crate) fn shape(&self) -> Shape {
        outline(self.0.input())
    }

    /// Encodes a request.
    ///
    /// # Errors
    /// If the text is no JSON, or not that of such a message, with the place.
    pub(crate) fn encode(&self, input: &Input) -> Result<Bytes, Failure> {
        check_json(input)?;
        self.0.encode_request(&Bytes::from(input.text.clone())).map_err(|status| match status.code() {
            Code::InvalidArgument => Failure::usage(format!("{}: {}", input.origin, status.message())),
            _ => Failure::failed(status.message()),
        })
    }

    /// A reply as one line of JSON.
    ///
    /// # Errors
    /// If it is not what the contract says.
    pub(crate) fn decode(&self, response: &Response) -> Result<String, Failure> {
        let json = self
            .0
            .decode_reply(response.codec, &response.payload)
            .map_err(|status: Status| Failure::failed(format!("the reply cannot be shown: {}", status.message())))?;
        Ok(one_line(&String::from_utf8_lossy(&json)))
    }
}

/// Checks that a text is JSON, whatever it says. Depth is no matter here: nothing recurses.
///
/// # Errors
/// A sentence with the line and the column of the mistake.
pub(crate) fn check_json(input: &Input) -> Result<(), Failure> {
    let wrong = |error: serde_json::Error| {
        Failure::usage(format!("{} is not JSON: {error}; write it like {EXAMPLE}", input.origin))
    };
    serde_json::from_str::<IgnoredAny>(&input.text).map(drop).map_err(wrong)
}

/// A text as JSON, if it is.
pub(crate) fn as_json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// The JSON of a request or an event that waits or is dead, as far as its codec or a contract tells.
pub(crate) fn request_text(snapshot: &Snapshot, channel: &Channel, envelope: &Envelope) -> Option<String> {
    if envelope.codec == Codec::Json {
        return Some(String::from_utf8_lossy(&envelope.payload).into_owned());
    }
    let decoded = |known: &MethodTranscoder| known.decode_request(envelope.codec, &envelope.payload).ok();
    let json = match channel {
        Channel::Queue(queue) => {
            let mut served = snapshot.contracts.values().filter(|contract| contract.queue == *queue);
            served.find_map(|contract| decoded(Transcoder::new(contract).ok()?.method(&envelope.method)?))
        }
        Channel::Group(topic, _) => event_readers(snapshot, topic.as_str()).find_map(|event| decoded(&event)),
        _ => None,
    };
    String::from_utf8(json?.to_vec()).ok()
}

/// JSON without line breaks, which can only stand between its tokens, and without anything else
/// that would move a terminal's cursor.
pub(crate) fn one_line(json: &str) -> String {
    let tidy = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    json.trim().chars().map(tidy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_placed() {
        let check = |text: &str| {
            check_json(&Input { origin: "the message".to_owned(), text: text.to_owned() })
                .map_err(|error| error.to_string())
        };
        check(r#"{"name": "Ada"}"#).unwrap();
        let sentence = check("{\"name\": Ada}").unwrap_err();
        assert_eq!(
            sentence,
            format!("the message is not JSON: expected value at line 1 column 10; write it like {EXAMPLE}")
        );
        assert!(check("").unwrap_err().contains("EOF while parsing a value"));
        check(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).unwrap();
    }

    #[test]
    fn a_reply_is_one_line() {
        assert_eq!(one_line("{\n  \"a\": \"\u{9b}2J\"\n}\n"), "{   \"a\": \"\u{fffd}2J\" }");
    }
}
