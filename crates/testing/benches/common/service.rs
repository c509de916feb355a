//! The service that is measured: it answers with what it was asked.

use skyloom::prelude::*;

/// The size of the text that is echoed.
pub(crate) const PAYLOAD: usize = 128;

/// How many calls are under way at once.
pub(crate) const IN_FLIGHT: usize = 64;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) text: String,
}

/// The same as a protobuf message, the default codec.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

impl Message {
    /// The message that is sent.
    pub(crate) fn sample() -> Self {
        Self { text: "x".repeat(PAYLOAD) }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench;

#[service(version = 1)]
impl Bench {
    #[handler]
    async fn echo(&self, Json(text): Json<Text>) -> Result<Json<Text>> {
        Ok(Json(text))
    }

    #[handler]
    async fn repeat(&self, message: Message) -> Result<Message> {
        Ok(message)
    }
}
