//! Which headers of a request reach the handler.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, header, request::Parts};
use skyloom::{Headers, Text, TraceContext};

use super::RequestId;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");
/// Room for the headers of most requests.
const BUFFER: usize = 256;
/// The longest `tracestate` that is passed on; the recommendation asks for at least 512 characters.
const LONGEST_STATE: usize = 512;

/// The headers for the handler: those from end to end, less what the gateway itself deals with and
/// less everything by which a client could claim an identity. `host` is the authority of HTTP/2.
/// They share one buffer, since many small ones would cost more than all else that is done here.
pub(crate) fn forwarded(parts: &Parts, id: &RequestId) -> Headers {
    let named = parts.headers.get(header::CONNECTION).and_then(|value| value.to_str().ok());
    let listed =
        |name: &str| named.is_some_and(|named| named.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(name)));
    let all = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let own = all.filter(|(name, _)| !is_kept_back(name) && !listed(name));
    let authority = parts.uri.authority().filter(|_| !parts.headers.contains_key(header::HOST));
    let authority = authority.map(|authority| ("host", authority.as_str().as_bytes()));
    let all = own.chain(authority).chain([(RequestId::NAME, id.as_str().as_bytes())]);

    let mut buffer = BytesMut::with_capacity(BUFFER);
    let mut lengths = Vec::with_capacity(parts.headers.len() + 2);
    for (name, value) in all {
        buffer.extend_from_slice(name.as_bytes());
        buffer.extend_from_slice(value);
        lengths.push((name.len(), value.len()));
    }
    let mut buffer = buffer.freeze();
    let mut forwarded = Headers::new();
    for (name, value) in lengths {
        let (name, value) = (buffer.split_to(name), buffer.split_to(value));
        // A value that is no text cannot be a header of an envelope.
        if let (Ok(name), Ok(value)) = (Text::from_utf8(name), Text::from_utf8(value)) {
            forwarded.push(name, value);
        }
    }
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
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(trace) = text(&TRACE_PARENT).and_then(|text| text.parse::<TraceContext>().ok()) else {
        return TraceContext::root();
    };
    let state = text(&TRACE_STATE).filter(|state| state.len() <= LONGEST_STATE);
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
