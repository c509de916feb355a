//! Makes sure that streams are there.

use serde_json::Value;
use skyloom_core::broker::BrokerError;

use super::{
    api::{self, Keeping, Meaning, Retention, StreamInfo},
    ask::AskError,
    link::Link,
    names::Target,
};

impl Link {
    fn keeping(&self, with_bytes: bool) -> Keeping {
        let (limits, options) = (&self.options.limits, &self.options);
        Keeping {
            messages: limits.messages,
            bytes: with_bytes.then_some(limits.bytes),
            storage: options.storage,
            replicas: options.replicas,
        }
    }

    /// Makes sure that the stream of a target is there. Whoever makes it decides its limits and its storage; an
    /// operator may change them afterwards.
    pub(super) async fn ensure_stream(&self, target: &Target) -> Result<(), AskError> {
        let Some(name) = self.names.stream(target) else { return Ok(()) };
        let subjects = [self.names.subject(target), format!("{}.>", self.names.markers(target))];
        let retention = match target {
            Target::Topic(_) => Retention::Interest,
            _ => Retention::WorkQueue,
        };
        self.make(&name, &subjects, retention).await
    }

    /// Makes sure that the stream of dead letters is there.
    pub(super) async fn ensure_dead_stream(&self) -> Result<(), AskError> {
        self.make(&self.names.dead_stream(), &[self.names.dead_subjects()], Retention::Limits).await
    }

    async fn make(&self, name: &str, subjects: &[String], retention: Retention) -> Result<(), AskError> {
        let subject = format!("STREAM.CREATE.{name}");
        let create = |with_bytes| {
            let config = api::stream(name, subjects, retention, &self.keeping(with_bytes));
            self.api::<Value>(&subject, Some(config))
        };
        // A server reserves the bytes that a stream may hold.
        let made = match create(true).await {
            Err(error) if error.meaning() == Meaning::NoRoom && !self.options.bytes_asked => create(false).await,
            made => made,
        };
        match made {
            Ok(_) => Ok(()),
            Err(error) if error.meaning() == Meaning::Differs => self.accept(name, subjects, retention).await,
            Err(error) => Err(error),
        }
    }

    /// There is a stream of this name that was made with other options.
    async fn accept(&self, name: &str, subjects: &[String], retention: Retention) -> Result<(), AskError> {
        let info: StreamInfo = self.api(&format!("STREAM.INFO.{name}"), None).await?;
        let fits = info.config.retention == retention.word()
            && subjects.iter().all(|subject| info.config.subjects.contains(subject));
        if fits {
            tracing::debug!(stream = name, "the stream was made with other options, and is used as it is");
            return Ok(());
        }
        Err(AskError::Refused(api::ApiError {
            err_code: 10_058,
            description: format!("there is another stream named {name}; give this cluster another ?prefix="),
        }))
    }

    /// As [`Link::ensure_stream`], for whoever can wait until there is a leader, and in words for the sender.
    pub(super) async fn stream_error(&self, target: &Target, error: AskError) -> BrokerError {
        match error {
            AskError::Refused(error) => super::ask::refused(&target.to_string(), &error),
            other => other.into(),
        }
    }
}
