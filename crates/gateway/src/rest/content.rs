//! What a request's body is and what the response's is to be.

use http::{HeaderValue, StatusCode};
use skyloom::Status;

use crate::exchange::Failure;

/// How the messages of an exchange are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Protobuf,
}

/// The format of a request's body.
///
/// No type at all and what a plain `curl -d` sends are taken for JSON: if it is none, the parser
/// says so.
pub(super) fn format(content_type: Option<&HeaderValue>) -> Result<Format, Failure> {
    let Some(value) = content_type.filter(|value| *value != "application/json") else { return Ok(Format::Json) };
    let essence = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "" | "text/plain" | "text/json" | "application/x-www-form-urlencoded" => Ok(Format::Json),
        "application/proto" | "application/protobuf" | "application/x-protobuf" => Ok(Format::Protobuf),
        _ if essence.ends_with("+json") => Ok(Format::Json),
        _ => {
            let shown: String = essence.chars().take(64).collect();
            Err(unsupported(format!("{shown:?} is not understood: send application/json or application/proto")))
        }
    }
}

/// Refuses a compressed body.
pub(super) fn check_encoding(content_encoding: Option<&HeaderValue>) -> Result<(), Failure> {
    match content_encoding {
        Some(encoding) if encoding != "identity" => {
            Err(unsupported("compressed bodies are not understood: send it as it is".to_owned()))
        }
        _ => Ok(()),
    }
}

/// A body of a type that does not fit.
pub(super) fn unsupported(message: String) -> Failure {
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Status::invalid_argument(message))
}

#[cfg(test)]
mod tests {
    use super::{Format, format};

    #[test]
    fn types_are_recognised() {
        let of = |text: &str| format(Some(&text.parse().unwrap())).ok();
        assert_eq!(format(None).unwrap(), Format::Json);
        for json in ["application/json", "", "Application/JSON; charset=utf-8", "application/x-www-form-urlencoded"] {
            assert_eq!(of(json), Some(Format::Json), "{json}");
        }
        for proto in ["application/proto", "application/x-protobuf"] {
            assert_eq!(of(proto), Some(Format::Protobuf), "{proto}");
        }
        for other in ["application/xml", "image/png", "multipart/form-data; boundary=x", "application/grpc-web"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
