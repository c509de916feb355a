//! [`Contract`] itself.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{HttpRule, Shape};
use crate::{Codec, GroupName, MethodName, QueueName, ServiceRef, TopicName};

/// What a service offers. A contract-first service carries its protobuf descriptors; a code-first
/// one the shapes of its JSON types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The full name, such as `greeter.v1.Greeter`.
    pub name: String,
    /// The well-known queue, such as `greeter.v1`.
    pub queue: QueueName,
    /// The version, such as 1.
    pub version: u32,
    /// What the author wrote about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// The methods in the order of the source.
    pub methods: Vec<MethodContract>,
    /// The topics it listens to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventContract>,
    /// An encoded `google.protobuf.FileDescriptorSet` with the service's file and all it imports;
    /// empty for a code-first service.
    #[serde(default, with = "hex", skip_serializing_if = "Bytes::is_empty")]
    pub descriptors: Bytes,
}

/// One method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodContract {
    /// Its name, such as `Hello`.
    pub name: MethodName,
    /// How request and reply are encoded.
    pub codec: Codec,
    /// The request's type: a message's full name, or the name of a Rust type.
    pub input: String,
    /// The reply's type.
    pub output: String,
    /// Whether it answers with a stream.
    #[serde(default)]
    pub streaming: bool,
    /// Whether executing it twice does no more than executing it once.
    #[serde(default)]
    pub idempotent: bool,
    /// How long a call may take, in milliseconds, if the caller does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How it is reached by REST.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpRule>,
    /// What the author wrote about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// The shape of a JSON request.
    #[serde(default, skip_serializing_if = "Shape::is_any")]
    pub request: Shape,
    /// The shape of a JSON reply.
    #[serde(default, skip_serializing_if = "Shape::is_any")]
    pub reply: Shape,
}

/// A topic that a service listens to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventContract {
    /// The topic.
    pub topic: TopicName,
    /// The group that shares its events; none: every instance gets each event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// The shape of its events, if they are JSON.
    #[serde(default, skip_serializing_if = "Shape::is_any")]
    pub shape: Shape,
    /// The type of its events, if they are protobuf: the name of a message of the contract's descriptors, which may be
    /// without its package.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Contract {
    /// The method of this name.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&MethodContract> {
        self.methods.iter().find(|method| method.name.as_str() == name)
    }

    /// How an instance refers to the service.
    #[must_use]
    pub fn service_ref(&self) -> ServiceRef {
        ServiceRef { name: self.name.clone(), queue: self.queue.clone(), version: self.version }
    }
}

/// Bytes as hexadecimal text, for JSON.
mod hex {
    use std::fmt::Write as _;

    use bytes::Bytes;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            write!(text, "{byte:02x}").map_err(serde::ser::Error::custom)?;
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|value| u8::try_from(value).ok());
        text.as_bytes()
            .chunks(2)
            .map(|pair| match *pair {
                [high, low] => Some(digit(high)? << 4 | digit(low)?),
                _ => None,
            })
            .collect::<Option<Vec<u8>>>()
            .map(Bytes::from)
            .ok_or_else(|| D::Error::custom("not hexadecimal text"))
    }
}
