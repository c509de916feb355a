//! Why a command did not do what it was asked to, and the exit code that says so.

use skyloom::{Outcome, Status, broker::BrokerError, exit, registry::RegistryError};

use crate::text::without_numbers;

/// Why a command ended badly. Each prints as one sentence after `sky: `.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// The operation failed; the sentence says what and what to do.
    #[error("{}", without_numbers(.0))]
    Failed(String),
    /// The operation failed for a reason that may go away by itself; a supervisor is to try again.
    #[error("{}", without_numbers(.0))]
    Temporary(String),
    /// The command was given something that it cannot use.
    #[error("{}", without_numbers(.0))]
    Usage(String),
    /// A call ended with this status.
    #[error("{}", sentence(.0))]
    Call(Status),
    /// Whoever read the output has gone, as `head` does; that is no failure.
    #[error("nobody reads the output any more")]
    OutputClosed,
}

impl Failure {
    /// An operation that failed.
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// Something that the command cannot use.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }

    /// The failure of a process that runs for long, by what its status says about trying again.
    pub(crate) fn of_process(status: &Status) -> Self {
        Self::of_code(exit::code_of_status(status), status.message().to_owned())
    }

    /// The failure with this exit code.
    pub(crate) const fn of_code(code: u8, sentence: String) -> Self {
        match code {
            exit::TEMPORARY => Self::Temporary(sentence),
            exit::MISTAKE => Self::Usage(sentence),
            _ => Self::Failed(sentence),
        }
    }

    /// 1 for a failed operation, 2 for wrong usage, 111 for what may go away by itself.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Call(_) => exit::FAILED,
            Self::Temporary(_) => exit::TEMPORARY,
            Self::Usage(_) => exit::MISTAKE,
            Self::OutputClosed => 0,
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Call(status)
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn sentence(status: &Status) -> String {
    let mut text = status.to_string();
    let outcome = match (status.outcome(), status.is_retry_safe()) {
        (Outcome::NotStarted, _) => " (it was not started)",
        (Outcome::Unknown, _) => " (whether it was done is not known)",
        (Outcome::Known, true) => " (trying again is safe)",
        (Outcome::Known, false) => "",
    };
    text.push_str(outcome);
    if let Some(after) = status.retry_after() {
        text.push_str(&format!("; try again in {}", crate::text::span(after)));
    }
    for detail in status.details() {
        text.push_str(&format!("\n     {} ({} bytes)", detail.type_url, detail.value.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_may_be_concluded_from_it() {
        let said = |status: Status| Failure::from(status).to_string();
        assert_eq!(said(Status::not_found("no link x")), "NOT_FOUND: no link x");
        let full = Status::resource_exhausted("full").with_outcome(Outcome::NotStarted);
        assert_eq!(said(full), "RESOURCE_EXHAUSTED: full (it was not started)");
        let lost = Status::aborted("gone").with_outcome(Outcome::Unknown);
        assert_eq!(said(lost), "ABORTED: gone (whether it was done is not known)");
        let busy = Status::unavailable("busy").with_retry_after(std::time::Duration::from_secs(2));
        assert_eq!(said(busy), "UNAVAILABLE: busy (trying again is safe); try again in 2s");
        let detailed = Status::internal("x").with_detail("google.rpc.Help", vec![1, 2]);
        assert_eq!(said(detailed), "INTERNAL: x\n     google.rpc.Help (2 bytes)");
    }
}
