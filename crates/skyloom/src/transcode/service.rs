//! The types of a whole service.

use std::collections::HashMap;

use prost_reflect::{DescriptorError, DescriptorPool};
use skyloom_core::contract::{Contract, EventContract, MethodContract};

use super::MethodTranscoder;

/// Descriptors in a contract that are not what they claim to be.
#[derive(Debug, thiserror::Error)]
#[error("the descriptors of {service} cannot be read: build the service anew")]
pub struct TranscodeError {
    service: String,
    #[source]
    source: DescriptorError,
}

/// Translates a service's messages between JSON and the encoding of its payloads, by its contract.
#[derive(Clone, Debug)]
pub struct Transcoder {
    methods: HashMap<String, MethodTranscoder>,
    events: HashMap<String, MethodTranscoder>,
}

impl Transcoder {
    /// Reads a contract's descriptors.
    ///
    /// # Errors
    /// If they are no `FileDescriptorSet`, or one that lacks something it refers to.
    pub fn new(contract: &Contract) -> Result<Self, TranscodeError> {
        let pool = if contract.descriptors.is_empty() {
            DescriptorPool::new()
        } else {
            DescriptorPool::decode(contract.descriptors.clone())
                .map_err(|source| TranscodeError { service: contract.name.clone(), source })?
        };
        Ok(Self::with(contract, &pool))
    }

    /// A transcoder for a contract whose descriptors cannot be read: protobuf messages have no JSON.
    pub fn undescribed(contract: &Contract) -> Self {
        Self::with(contract, &DescriptorPool::new())
    }

    fn with(contract: &Contract, pool: &DescriptorPool) -> Self {
        let transcoder = |method: &MethodContract| {
            let name = format!("{}/{}", contract.name, method.name);
            (method.name.to_string(), MethodTranscoder::new(name, method, pool))
        };
        let listener = |event: &EventContract| (event.topic.to_string(), MethodTranscoder::of_event(event, pool));
        Self {
            methods: contract.methods.iter().map(transcoder).collect(),
            // The first of a topic is the one that is executed.
            events: contract.events.iter().rev().map(listener).collect(),
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&MethodTranscoder> {
        self.methods.get(name)
    }

    /// What the service takes the events of a topic for: a request without a reply.
    #[must_use]
    pub fn event(&self, topic: &str) -> Option<&MethodTranscoder> {
        self.events.get(topic)
    }
}
