//! Errors as `application/problem+json`, RFC 9457.

use std::{borrow::Cow, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use skyloom::{Code, Outcome, Status, system::without_numbers};

use super::{
    RequestId,
    body::{Body, Response},
};

/// How long a client should wait if nobody knows better.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An error on its way to an HTTP client.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    http: StatusCode,
    allow: Option<HeaderValue>,
}

impl Failure {
    /// An error with an HTTP status of its own.
    pub(crate) fn new(http: StatusCode, status: Status) -> Self {
        Self { status, http, allow: None }
    }

    /// The path exists, the method is wrong.
    pub(crate) fn not_allowed(allow: HeaderValue, message: String) -> Self {
        let status = Status::unimplemented(message);
        Self { status, http: StatusCode::METHOD_NOT_ALLOWED, allow: Some(allow) }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self { http: http_status(status.code()), status, allow: None }
    }
}

/// The HTTP status of a gRPC code, as `google/rpc/code.proto` maps them.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // nginx's "client closed request"; it has no name of its own.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The members of a problem; `code` and what follows it are Skyloom's own.
#[derive(Debug, Serialize)]
pub(crate) struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: Cow<'a, str>,
    code: &'static str,
    request_id: &'a str,
    /// Whether the handler ran: `known` (it answered), `not-started`, or `unknown`.
    outcome: &'static str,
    /// Whether the same request may be sent again without executing it twice.
    retry_safe: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<ProblemDetail<'a>>,
}

#[derive(Debug, Serialize)]
struct ProblemDetail<'a> {
    #[serde(rename = "type")]
    type_url: &'a str,
    /// The encoded protobuf message in base64.
    value: String,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(failure: &'a Failure, id: &'a RequestId) -> Self {
        let status = &failure.status;
        let detail = |detail: &'a skyloom::Detail| ProblemDetail {
            type_url: &detail.type_url,
            value: STANDARD.encode(&detail.value),
        };
        Self {
            kind: "about:blank",
            title: failure.http.canonical_reason().unwrap_or("Client Closed Request"),
            status: failure.http.as_u16(),
            detail: without_numbers(status.message()),
            code: status.code().name(),
            request_id: id.as_str(),
            outcome: match status.outcome() {
                Outcome::Known => "known",
                Outcome::NotStarted => "not-started",
                Outcome::Unknown => "unknown",
            },
            retry_safe: status.is_retry_safe(),
            details: status.details().iter().map(detail).collect(),
        }
    }
}

/// The response that tells a client of an error.
pub(crate) fn respond_with(failure: &Failure, id: &RequestId) -> Response {
    // A problem is made of texts and numbers, which always have a JSON.
    let body = serde_json::to_vec(&Problem::new(failure, id)).unwrap_or_default();
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = failure.http;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let busy = matches!(failure.http, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    if let Some(after) = failure.status.retry_after().or(busy.then_some(RETRY_AFTER)) {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if let Some(allow) = &failure.allow {
        headers.insert(header::ALLOW, allow.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::BytesMut;
    use skyloom::{Code, Outcome, Status};

    use super::{Failure, Problem, RequestId, http_status, respond_with};

    #[test]
    fn codes_are_mapped_as_googles_apis_map_them() {
        let mapped: Vec<u16> = (0..=16).map(|number| http_status(Code::from_number(number)).as_u16()).collect();
        assert_eq!(mapped, [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401]);
    }

    #[test]
    fn a_problem_says_everything_that_is_known() {
        let id = RequestId::of(None, &mut BytesMut::new());
        let status = Status::aborted("the worker \"is\" gone").with_outcome(Outcome::Unknown).with_detail("t/x", "hi");
        let problem = serde_json::to_value(Problem::new(&status.into(), &id)).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Conflict", "status": 409, "detail": "the worker \"is\" gone",
            "code": "ABORTED", "request_id": id.as_str(), "outcome": "unknown", "retry_safe": false,
            "details": [{"type": "t/x", "value": "aGk="}],
        });
        assert_eq!(problem, expected);
    }

    #[test]
    fn the_systems_numbers_are_not_for_callers() {
        let id = RequestId::of(None, &mut BytesMut::new());
        let status = Status::unavailable("the broker is not available: Connection refused (os error 111); start it");
        let problem = serde_json::to_value(Problem::new(&status.into(), &id)).unwrap();
        assert_eq!(problem["detail"], "the broker is not available: Connection refused; start it");
    }

    #[test]
    fn who_should_come_back_is_told_when() {
        let id = RequestId::of(None, &mut BytesMut::new());
        let after = |status: Status| {
            let response = respond_with(&status.into(), &id);
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(after(Status::unavailable("x")).as_deref(), Some("1"));
        let known = Status::resource_exhausted("x").with_retry_after(Duration::from_millis(2500));
        assert_eq!(after(known).as_deref(), Some("3"));
        assert_eq!(after(Status::not_found("x")), None);
        assert_eq!(respond_with(&Failure::from(Status::not_found("x")), &id).status(), 404);
    }
}
