//! [`Status`] itself.

use std::{fmt, time::Duration};

use bytes::Bytes;

use super::Code;
use crate::Ledger;

/// What is known about the execution of a call that ended with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Outcome {
    /// The handler ran and this is its answer, or the error says for certain what happened.
    #[default]
    Known = 0,
    /// The handler was certainly not started.
    NotStarted = 1,
    /// The request was sent; whether the handler has done its work is not known.
    Unknown = 2,
}

/// A typed detail of an error, as in gRPC's `google.protobuf.Any`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The type's URL, such as `type.googleapis.com/google.rpc.BadRequest`.
    pub type_url: String,
    /// The encoded message.
    pub value: Bytes,
}

/// Why a call did not end with a reply: a gRPC code, a sentence for a person, and what the caller
/// may conclude about execution and retrying.
///
/// `Display` prints the code and the message.
#[derive(Clone, PartialEq, Eq)]
pub struct Status(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    code: Code,
    outcome: Outcome,
    retry_safe: bool,
    /// It came as the reply to a call, and what it says of retrying is about that call.
    received: bool,
    message: String,
    details: Vec<Detail>,
    retry_after: Option<Duration>,
    ledger: Ledger,
}

impl Status {
    /// A status with a known outcome that is not safe to retry.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            outcome: Outcome::Known,
            retry_safe: matches!(code, Code::Unavailable),
            received: false,
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
            ledger: Ledger::default(),
        }))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Typed details.
    #[must_use]
    pub fn details(&self) -> &[Detail] {
        &self.0.details
    }

    /// What is known about the execution.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Whether sending the same request again cannot execute it twice. A method marked idempotent
    /// may be retried whatever this says.
    #[must_use]
    pub fn is_retry_safe(&self) -> bool {
        self.0.retry_safe || self.0.outcome == Outcome::NotStarted
    }

    /// How long to wait before trying again, if the sender of the error knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the call cost up to this error.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.0.ledger
    }

    /// Adds a typed detail.
    #[must_use]
    pub fn with_detail(mut self, type_url: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.0.details.push(Detail { type_url: type_url.into(), value: value.into() });
        self
    }

    /// Says what is known about the execution.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        if outcome == Outcome::Unknown {
            self.0.retry_safe = false;
        }
        self
    }

    /// Says whether the same request may be sent again without executing it twice.
    #[must_use]
    pub fn with_retry_safe(mut self, safe: bool) -> Self {
        self.0.retry_safe = safe;
        self.0.received = false;
        self
    }

    /// Notes that it is a reply's.
    #[must_use]
    pub(crate) fn received(mut self) -> Self {
        self.0.received = true;
        self
    }

    /// What a handler ends with has been executed, even if it passes on the error of a call of its own that was not, or
    /// that may be sent again: to send the handler's own request again would be to execute it twice.
    #[must_use]
    pub(crate) fn executed(mut self) -> Self {
        if self.0.outcome == Outcome::NotStarted {
            self.0.outcome = Outcome::Known;
            self.0.retry_safe = false;
        }
        self.0.retry_safe &= !self.0.received;
        // An error is none of success, whatever it says: whoever goes by the code alone would wait for a reply.
        if self.0.code == Code::Ok {
            self.0.code = Code::Unknown;
        }
        self
    }

    /// Says how long to wait before trying again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Says what the call cost.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Ledger) -> Self {
        self.0.ledger = ledger;
        self
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $code:ident,)*) => {
        impl Status {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(Code::$code, message)
            })*
        }
    };
}

constructors! {
    /// The caller gave up.
    cancelled => Cancelled,
    /// An error of which nothing more is known.
    unknown => Unknown,
    /// The request is wrong: a bad field, a bad format.
    invalid_argument => InvalidArgument,
    /// The deadline passed.
    deadline_exceeded => DeadlineExceeded,
    /// What was asked for does not exist.
    not_found => NotFound,
    /// What was to be created exists.
    already_exists => AlreadyExists,
    /// The caller may not do this.
    permission_denied => PermissionDenied,
    /// A limit is reached.
    resource_exhausted => ResourceExhausted,
    /// The system is not in the state that the operation needs.
    failed_precondition => FailedPrecondition,
    /// The operation was broken off.
    aborted => Aborted,
    /// Past the valid range.
    out_of_range => OutOfRange,
    /// The operation is not implemented.
    unimplemented => Unimplemented,
    /// An invariant of the system is broken.
    internal => Internal,
    /// Not available now; trying again later is safe.
    unavailable => Unavailable,
    /// Data is lost or corrupt.
    data_loss => DataLoss,
    /// The caller has no valid credentials.
    unauthenticated => Unauthenticated,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Status");
        debug.field("code", &self.0.code).field("message", &self.0.message);
        debug.field("outcome", &self.0.outcome).field("retry_safe", &self.is_retry_safe());
        debug.finish_non_exhaustive()
    }
}

impl std::error::Error for Status {}
