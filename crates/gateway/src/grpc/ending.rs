//! How a gRPC call ends: the trailers.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use prost::Message;
use skyloom::{Status, system::without_numbers};

/// What is escaped in a message: the percent sign and all but printable ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
/// The longest message in bytes once it is escaped, so that it fits into the headers of any client.
const LONGEST_MESSAGE: usize = 4096;
/// The most bytes of details, for the same reason.
const LONGEST_DETAILS: usize = 4096;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<AnyMessage>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct AnyMessage {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// The trailers of a call that went well.
pub(super) fn success() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

/// The trailers of a call that did not.
pub(super) fn failure(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(3);
    trailers.insert("grpc-status", HeaderValue::from(status.code().number()));
    if let Ok(message) = HeaderValue::try_from(escaped(&without_numbers(status.message()))) {
        trailers.insert("grpc-message", message);
    }
    if let Some(details) = details(status) {
        trailers.insert("grpc-status-details-bin", details);
    }
    trailers
}

/// The message with its escapes. One that is too long is cut between two characters: clients do not take half an escape,
/// and would then tell neither the message nor the code.
fn escaped(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len().min(LONGEST_MESSAGE));
    for character in message.split_inclusive(|_: char| true) {
        let before = escaped.len();
        escaped.extend(utf8_percent_encode(character, ESCAPED));
        if escaped.len() > LONGEST_MESSAGE {
            escaped.truncate(before);
            break;
        }
    }
    escaped
}

fn details(status: &Status) -> Option<HeaderValue> {
    if status.details().is_empty() {
        return None;
    }
    let any = |detail: &skyloom::Detail| AnyMessage { type_url: detail.type_url.clone(), value: detail.value.to_vec() };
    let whole = RpcStatus {
        code: status.code().number(),
        message: without_numbers(status.message()).into_owned(),
        details: status.details().iter().map(any).collect(),
    };
    let encoded = whole.encode_to_vec();
    (encoded.len() <= LONGEST_DETAILS).then(|| HeaderValue::try_from(STANDARD_NO_PAD.encode(encoded)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    use prost::Message as _;
    use skyloom::Status;

    use super::{RpcStatus, failure};

    #[test]
    fn messages_are_escaped_and_bounded() {
        let trailers = failure(&Status::not_found("100% of \"Zoë\"\r\nis gone"));
        assert_eq!(trailers["grpc-status"], "5");
        assert_eq!(trailers["grpc-message"], "100%25 of \"Zo%C3%AB\"%0D%0Ais gone");
        assert!(!trailers.contains_key("grpc-status-details-bin"));
        let refused = failure(&Status::unavailable("no broker: Connection refused (os error 111)"));
        assert_eq!(refused["grpc-message"], "no broker: Connection refused");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let message = |text: &str| failure(&Status::internal(text))["grpc-message"].to_str().unwrap().to_owned();
        for (character, escaped) in
            [("x", "x"), ("%", "%25"), ("ë", "%C3%AB"), ("€", "%E2%82%AC"), ("😀", "%F0%9F%98%80")]
        {
            let cut = message(&character.repeat(10_000));
            assert_eq!(cut, escaped.repeat(4096 / escaped.len()), "{character}");
        }
        assert_eq!(message(&"x".repeat(4096)).len(), 4096);
    }

    #[test]
    fn details_are_a_google_rpc_status() {
        let trailers = failure(&Status::not_found("gone").with_detail("type.googleapis.com/x.Y", vec![1, 2]));
        let decoded = STANDARD_NO_PAD.decode(&trailers["grpc-status-details-bin"]).unwrap();
        let status = RpcStatus::decode(decoded.as_slice()).unwrap();
        assert_eq!((status.code, status.message.as_str()), (5, "gone"));
        assert_eq!(status.details[0].type_url, "type.googleapis.com/x.Y");
        assert_eq!(status.details[0].value, [1, 2]);
    }
}
