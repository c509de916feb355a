//! How an execution's end settles its delivery.

use std::time::Duration;

use crate::{Code, Envelope, Extras, Guid, Headers, Kind, Ledger, Status, broker::Settlement};

/// A reply to a request, without its payload or status. Its trace need not come back: the call that the reply is to has it.
pub(super) fn reply_to(request: &Envelope, kind: Kind, origin: Guid, attempt: u32, headers: Headers) -> Envelope {
    let extras = Extras::new().with_headers(headers);
    Envelope { origin: Some(origin), attempt, extras, ..Envelope::new(kind, request.id) }
}

/// What the worker's side of a call costs: the receipt, the settle, a retry if it is one, and what
/// the handler's own calls have cost.
pub(super) fn cost(request: &Envelope, attempt: u32, handler: Ledger) -> Ledger {
    let own = Ledger { sends: 0, receives: 1, settles: 1, retries: u32::from(attempt > 1) };
    request.ledger.merge(own).merge(handler)
}

/// A cast or an event that failed is tried again, later and later, unless trying again cannot help.
pub(super) fn settle_failed_work(status: &Status, attempt: u32) -> Settlement {
    let reason = status.to_string();
    match status.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss => Settlement::Bury { reason },
        _ => Settlement::Retry { delay: status.retry_after().unwrap_or_else(|| backoff(attempt)), reason },
    }
}

/// 100 ms, doubling with each attempt up to 30 s, less up to a half so that failures do not march
/// in step.
pub(super) fn backoff(attempt: u32) -> Duration {
    const BASE: Duration = Duration::from_millis(100);
    const CAP: Duration = Duration::from_secs(30);
    let full = BASE.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(CAP);
    full.mul_f64(1.0 - fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{backoff, reply_to, settle_failed_work};
    use crate::{Envelope, Extras, Guid, Headers, Kind, Status, TraceContext, broker::Settlement};

    #[test]
    fn a_reply_is_its_calls_and_does_not_bring_the_trace_back() {
        let extras = Extras::new().with_trace(Some(TraceContext::root()));
        let request = Envelope { extras, ..Envelope::new(Kind::Call, Guid::call()) };
        let origin = Guid::private();
        let reply = reply_to(&request, Kind::Reply, origin, 2, Headers::new());
        assert_eq!((reply.id, reply.origin, reply.attempt), (request.id, Some(origin), 2));
        assert_eq!(reply.extras, Extras::new());
    }

    #[test]
    fn what_cannot_succeed_is_buried_and_the_rest_retried() {
        let bad = settle_failed_work(&Status::invalid_argument("no"), 1);
        assert!(matches!(bad, Settlement::Bury { reason } if reason == "INVALID_ARGUMENT: no"));
        let busy = settle_failed_work(&Status::unavailable("later"), 1);
        assert!(matches!(busy, Settlement::Retry { delay, .. } if delay <= Duration::from_millis(100)));
    }

    #[test]
    fn the_pause_grows_and_has_a_bound() {
        assert!(backoff(1) >= Duration::from_millis(50));
        assert!(backoff(4) >= Duration::from_millis(400));
        assert!(backoff(1000) <= Duration::from_secs(30));
    }
}
