//! What a worker uses to serve callers that speak JSON.

use std::sync::Arc;

use bytes::Bytes;
use skyloom_core::{Codec, Result, Status, contract::Contract, service::Translate};

use super::{MethodTranscoder, Transcoder};

struct Translator(Transcoder);

/// Translates the payloads of a contract-first service.
///
/// # Errors
/// If its descriptors cannot be read.
pub fn translator(contract: &Contract) -> Result<Arc<dyn Translate>> {
    let transcoder = Transcoder::new(contract).map_err(|error| Status::internal(error.to_string()))?;
    Ok(Arc::new(Translator(transcoder)))
}

impl Translator {
    fn method(&self, name: &str) -> Result<&MethodTranscoder> {
        self.0.method(name).ok_or_else(|| Status::not_found(format!("this service has no method {name:?}")))
    }
}

impl Translate for Translator {
    fn request(&self, method: &str, json: &Bytes) -> Result<Bytes> {
        self.method(method)?.encode_request(json)
    }

    fn event(&self, topic: &str, json: &Bytes) -> Result<Bytes> {
        let event = self.0.event(topic);
        let event = event.ok_or_else(|| Status::not_found(format!("this service does not listen to {topic}")))?;
        event.encode_request(json)
    }

    fn reply(&self, method: &str, payload: &Bytes) -> Result<Bytes> {
        self.method(method)?.decode_reply(Codec::Protobuf, payload)
    }
}
