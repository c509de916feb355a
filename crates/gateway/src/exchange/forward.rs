//! Which headers of a request reach the handler.

use http::{HeaderMap, header, request::Parts};
use skyloom::{Headers, Text, TraceContext};

use super::RequestId;

/// The longest `tracestate` that is passed on; the recommendation asks for at least 512 characters.
const LONGEST_STATE: usize = 512;

/// The headers for the handler: those from end to end, less what the gateway itself deals with and
/// less everything by which a client could claim an identity. `host` is the authority of HTTP/2.
pub(crate) fn forwarded(parts: &Parts, id: &RequestId) -> Headers {
    let mut forwarded = Headers::new();
    let named = parts.headers.get(header::CONNECTION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for (name, value) in &parts.headers {
        let name = name.as_str();
        let listed = || named.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(name));
        if is_kept_back(name) || listed() {
            continue;
        }
        if let Ok(value) = std::str::from_utf8(value.as_bytes()) {
            forwarded.push(name.to_owned(), value.to_owned());
        }
    }
    if let Some(authority) = parts.uri.authority().filter(|_| !parts.headers.contains_key(header::HOST)) {
        forwarded.push("host", authority.as_str().to_owned());
    }
    forwarded.push("x-request-id", id.text());
    forwarded
}

fn is_kept_back(name: &str) -> bool {
    let own = matches!(
        name,
        // From hop to hop: RFC 9110, section 7.6.1.
        "connection" | "keep-alive" | "proxy-authenticate" | "proxy-authorization" | "proxy-connection" | "te"
            | "trailer" | "transfer-encoding" | "upgrade"
            // About this request's body and its framing.
            | "content-length" | "content-type" | "content-encoding" | "accept-encoding" | "expect"
            // Travel in fields of their own.
            | "traceparent" | "tracestate" | "x-request-id"
            // Who is asking is for the gateway to say.
            | "principal" | "x-principal"
    );
    own || ["grpc-", "connect-", "skyloom-", "x-skyloom-", "http2-"].iter().any(|prefix| name.starts_with(prefix))
}

/// The trace that the client belongs to, or a new one if it names none or a malformed one.
pub(crate) fn trace(headers: &HeaderMap) -> TraceContext {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(trace) = text("traceparent").and_then(|text| text.parse::<TraceContext>().ok()) else {
        return TraceContext::root();
    };
    let state = text("tracestate").filter(|state| state.len() <= LONGEST_STATE);
    trace.with_state(state.map(|state| Text::from(state.to_owned())))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{RequestId, forwarded, trace};

    #[test]
    fn what_concerns_the_handler_passes_and_identity_does_not() {
        let request = Request::get("http://example.test/x")
            .header("Authorization", "Bearer x")
            .header("Accept-Language", "de")
            .header("X-Hop", "1")
            .header("Connection", "close, X-Hop")
            .header("Principal", "root")
            .header("X-Skyloom-Principal", "root")
            .header("Skyloom-Instance", "1")
            .header("Content-Length", "5")
            .header("grpc-timeout", "1S")
            .header("X-Request-Id", "abc");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let headers = forwarded(&parts, &RequestId::of(&parts.headers));
        let expected = [
            ("authorization", "Bearer x"),
            ("accept-language", "de"),
            ("host", "example.test"),
            ("x-request-id", "abc"),
        ];
        assert!(headers.iter().eq(expected), "{headers:?}");
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = |parent: &str| {
            let request = Request::get("/").header("traceparent", parent).header("tracestate", "a=1");
            trace(request.body(()).unwrap().headers())
        };
        let known = request(parent);
        assert_eq!((known.to_string().as_str(), known.state.as_deref()), (parent, Some("a=1")));
        let new = request("00-zz");
        assert!(new.trace_id != 0 && new.state.is_none());
    }
}
