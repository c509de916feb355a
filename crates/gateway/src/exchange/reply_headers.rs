//! The headers of a reply as headers of the response.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use skyloom::Headers;

/// Adds a handler's headers to a response. What would break the framing, is no header or no
/// status from 200 to 599 is left out with a warning: the reply itself is still good. Returns the
/// status that the handler chose.
pub(crate) fn apply(reply: &Headers, response: &mut HeaderMap) -> Option<StatusCode> {
    let mut status = None;
    for (name, value) in reply.iter() {
        if name == Headers::HTTP_STATUS {
            status = value.parse().ok().filter(|number| (200..600).contains(number)).and_then(status_of);
            if status.is_none() {
                tracing::warn!(value, "a handler set an HTTP status that is none from 200 to 599");
            }
            continue;
        }
        let header = HeaderName::try_from(name).ok().filter(|name| !is_refused(name.as_str()));
        match (header, HeaderValue::try_from(value)) {
            (Some(header), Ok(value)) => drop(response.append(header, value)),
            _ => tracing::warn!(name, value, "a handler set a header that the response cannot have"),
        }
    }
    status
}

fn status_of(number: u16) -> Option<StatusCode> {
    StatusCode::from_u16(number).ok()
}

fn is_refused(name: &str) -> bool {
    let own = matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "content-length"
            | "host"
            | "date"
            | "x-request-id"
    );
    own || name.starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use skyloom::Headers;

    use super::apply;

    #[test]
    fn good_headers_pass_and_bad_ones_do_not() {
        let mut reply = Headers::new();
        for (name, value) in [
            ("http-status", "302"),
            ("location", "https://example.test/"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
            ("x-split", "a\r\nset-cookie: c=3"),
            ("bad name", "x"),
            ("grpc-status", "0"),
        ] {
            reply.push(name, value);
        }
        let mut headers = HeaderMap::new();
        assert_eq!(apply(&reply, &mut headers), Some(StatusCode::FOUND));
        let mut names: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        names.sort_unstable();
        assert_eq!(names, [("location", "https://example.test/"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]);
    }

    #[test]
    fn a_status_out_of_range_is_ignored() {
        for value in ["100", "199", "600", "abc", "", "-1"] {
            let mut reply = Headers::new();
            reply.push("http-status", value);
            assert_eq!(apply(&reply, &mut HeaderMap::new()), None, "{value}");
        }
    }
}
