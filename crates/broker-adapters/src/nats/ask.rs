//! Questions to JetStream.

use std::time::Duration;

use async_nats::{Message, Request, client::RequestErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;
use skyloom_core::{Envelope, Guid, Kind, broker::BrokerError};

use super::{
    api::{ApiError, Failed, Meaning},
    link::Link,
};

/// How long an answer may take. A cluster that has lost a node may never give one; then it is asked anew.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum AskError {
    /// JetStream said no.
    Refused(ApiError),
    /// We lack the permission for this subject.
    Forbidden(String),
    /// JetStream does not answer; it may in a moment.
    Silent(String),
}

impl AskError {
    pub(super) fn meaning(&self) -> Meaning {
        match self {
            Self::Refused(error) => error.meaning(),
            Self::Forbidden(_) => Meaning::Other,
            Self::Silent(_) => Meaning::NotNow,
        }
    }
}

/// What an error of JetStream means to who wanted to put something on `what`.
pub(super) fn refused(what: &str, error: &ApiError) -> BrokerError {
    match error.meaning() {
        Meaning::Full => BrokerError::Full { what: what.to_owned(), limit: error.description.clone() },
        // Whatever it was for: others may have taken the room.
        Meaning::NoRoom => {
            let limit = format!("{}; raise max_file_store or the account's limits, or make room", error.description);
            BrokerError::Full { what: "JetStream's storage".to_owned(), limit }
        }
        Meaning::NotNow => BrokerError::unavailable(error.description.clone()),
        _ => BrokerError::refused(format!("JetStream refuses for {what}: {} ({})", error.description, error.err_code)),
    }
}

impl From<AskError> for BrokerError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Refused(error) => refused("JetStream", &error),
            AskError::Forbidden(subject) => Link::no_permission(&subject),
            AskError::Silent(reason) => Self::unavailable(reason),
        }
    }
}

impl Link {
    /// Asks and waits for the answer, for a limited time.
    pub(super) async fn ask(&self, subject: String, question: String) -> Result<Message, AskError> {
        self.ask_for(subject, question, PATIENCE).await
    }

    async fn ask_for(&self, subject: String, question: String, time: Duration) -> Result<Message, AskError> {
        let request = Request::new().payload(question.into()).timeout(Some(time));
        tokio::select! {
            answer = self.client.send_request(subject.clone(), request) => answer.map_err(|error| match error.kind() {
                RequestErrorKind::NoResponders => AskError::Silent("JetStream is not there, or not yet".to_owned()),
                _ => AskError::Silent(format!("JetStream does not answer: {error}")),
            }),
            () = self.forbids(&subject) => Err(AskError::Forbidden(subject.clone())),
            () = self.closed() => Err(AskError::Silent("the connection was closed".to_owned())),
        }
    }

    /// Whether somebody listens on an inbox: the server says at once that nobody does, and whoever does says nothing, for
    /// the message is of no call of his.
    pub(super) async fn is_heard(&self, inbox: Guid, patience: Duration) -> bool {
        let knock = Envelope::new(Kind::Event, Guid::call()).encode();
        let request = Request::new().payload(knock).timeout(Some(patience.min(PATIENCE)));
        let asked = self.client.send_request(self.names.replies(inbox), request).await;
        !asked.is_err_and(|error| error.kind() == RequestErrorKind::NoResponders)
    }

    /// Resolves when the server has said that we lack the permission for a subject.
    async fn forbids(&self, subject: &str) {
        let is_meant = |subjects: &Vec<String>| subjects.iter().any(|forbidden| forbidden == subject);
        drop(self.forbidden.subscribe().wait_for(is_meant).await);
    }

    /// Asks JetStream's interface, whose answers are JSON.
    pub(super) async fn api<T: DeserializeOwned>(&self, what: &str, question: Option<Value>) -> Result<T, AskError> {
        let question = question.map(|question| question.to_string()).unwrap_or_default();
        let answer = self.ask(format!("$JS.API.{what}"), question).await?;
        read(&answer.payload)
    }
}

/// Reads an answer of JetStream's interface.
fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, AskError> {
    let unreadable = |error: serde_json::Error| AskError::Silent(format!("JetStream's answer cannot be read: {error}"));
    let Failed { error } = serde_json::from_slice(payload).map_err(unreadable)?;
    match error {
        Some(error) => Err(AskError::Refused(error)),
        None => serde_json::from_slice(payload).map_err(unreadable),
    }
}
