//! What hyper answers by itself.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use skyloom::Status;

use crate::{
    exchange::{Failure, Problem, RequestId},
    options::GatewayOptions,
};

/// How hyper says that there is no body.
const NO_BODY: &str = "content-length: 0\r\n";

/// Says what is wrong with a request that no service of hyper's sees. hyper answers it by itself, with a status alone,
/// and lets nobody add to that; so it is done on the way to the socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusals {
    header_bytes: u32,
    header_count: usize,
}

impl Refusals {
    pub(super) fn new(options: &GatewayOptions) -> Self {
        Self { header_bytes: options.header_bytes, header_count: options.header_count }
    }

    /// What is sent instead of this, if it is an answer of hyper's own: the same with a problem as its body. All
    /// answers of the gateway have the request's id, and hyper's have not.
    pub(super) fn explained(self, answer: &[u8]) -> Option<Bytes> {
        let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3).filter(|status| status.starts_with(b"4"))?;
        let status = StatusCode::from_bytes(status).ok()?;
        let head = std::str::from_utf8(answer).ok().filter(|head| !head.contains(RequestId::NAME))?;
        let (before, after) = head.split_once(NO_BODY).filter(|(_, after)| after.ends_with("\r\n\r\n"))?;
        let failure = Failure::new(status, Status::invalid_argument(self.sentence(status)?));
        let id = RequestId::of(None, &mut BytesMut::new());
        let problem = serde_json::to_string(&Problem::new(&failure, &id)).ok()?;
        let (name, length) = (RequestId::NAME, problem.len());
        let headers = format!("content-type: application/problem+json\r\n{name}: {}\r\n", id.as_str());
        Some(format!("{before}{headers}content-length: {length}\r\n{after}{problem}").into())
    }

    fn sentence(self, status: StatusCode) -> Option<String> {
        let Self { header_bytes, header_count } = self;
        Some(match status {
            StatusCode::BAD_REQUEST => {
                "the request is not HTTP/1.1: its first line or one of its headers is malformed, \
                                        or its headers give it two lengths"
                    .to_owned()
            }
            StatusCode::URI_TOO_LONG => "the path and the query are too long".to_owned(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                format!("the headers are larger than {header_bytes} bytes together, or more than {header_count}")
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Refusals;
    use crate::options::GatewayOptions;

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                        date: Sat, 31 Jan 2026 12:00:00 GMT\r\n\r\n";

    fn explained(answer: &str) -> Option<String> {
        let refusals = Refusals::new(&GatewayOptions::default());
        refusals.explained(answer.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_bare_answer_gets_a_body_and_keeps_its_headers() {
        let answer = explained(BARE).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["detail"], "the headers are larger than 16384 bytes together, or more than 100");
        let id = problem["request_id"].as_str().unwrap();
        let expected = format!(
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
             content-type: application/problem+json\r\nx-request-id: {id}\r\ncontent-length: {}\r\n\
             date: Sat, 31 Jan 2026 12:00:00 GMT",
            body.len()
        );
        assert_eq!(head, expected);
        assert!(explained(&BARE.replace("431 Request Header Fields Too Large", "400 Bad Request")).is_some());
    }

    #[test]
    fn every_other_answer_is_as_it_is() {
        let own = BARE.replace("connection: close", "x-request-id: 1");
        let good = BARE.replace("431 Request Header Fields Too Large", "204 No Content");
        for answer in
            ["", "HTTP/1.1 4", &own, &good, &BARE.replace(": 0", ": 1"), &format!("{BARE}x"), "5\r\nhello\r\n"]
        {
            assert_eq!(explained(answer), None, "{answer}");
        }
    }
}
