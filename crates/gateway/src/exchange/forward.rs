//! Which headers of a request reach the handler.

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use skyloom::{Headers, Text, TraceContext};

use super::{Known, RequestId};

/// The longest `tracestate` that is passed on; the recommendation asks for at least 512 characters.
const LONGEST_STATE: usize = 512;

/// The headers for the handler: those from end to end, less what the gateway itself deals with and
/// less everything by which a client could claim an identity. `host` is the authority of HTTP/2.
/// Their texts share the buffer.
pub(crate) fn forwarded(parts: &Parts, known: &Known<'_>, id: &RequestId, buffer: &mut BytesMut) -> Headers {
    let hops = known.connection.and_then(|value| value.to_str().ok());
    let is_hop = |name: &str| hops.is_some_and(|hops| hops.split(',').any(|hop| hop.trim().eq_ignore_ascii_case(name)));
    let mut forwarded = Headers::new();
    for (name, value) in &parts.headers {
        if name == header::COOKIE && !is_hop("cookie") {
            if let Some(whole) = cookies(&parts.headers, value, buffer) {
                forwarded.push("cookie", whole);
            }
            continue;
        }
        let name = name.as_str();
        if is_kept_back(name) || is_hop(name) {
            continue;
        }
        let name = common(name).or_else(|| shared(name.as_bytes(), buffer));
        // A value that is no text cannot be a header of an envelope.
        if let (Some(name), Some(value)) = (name, shared(value.as_bytes(), buffer)) {
            forwarded.push(name, value);
        }
    }
    let authority = parts.uri.authority().filter(|_| known.host.is_none());
    if let Some(authority) = authority.and_then(|authority| shared(authority.as_str().as_bytes(), buffer)) {
        forwarded.push("host", authority);
    }
    forwarded.push(RequestId::NAME, id.text());
    forwarded
}

/// All cookies as one header, in place of the first: HTTP/2 sends each as a header of its own, which is for that protocol
/// alone (RFC 9113, section 8.2.3).
fn cookies(headers: &HeaderMap, value: &HeaderValue, buffer: &mut BytesMut) -> Option<Text> {
    let mut all = headers.get_all(header::COOKIE).iter();
    if !std::ptr::eq(all.next()?, value) {
        return None;
    }
    buffer.extend_from_slice(value.as_bytes());
    for value in all {
        buffer.extend_from_slice(b"; ");
        buffer.extend_from_slice(value.as_bytes());
    }
    Text::from_utf8(buffer.split().freeze()).ok()
}

/// The names that most clients send, which need not be copied.
fn common(name: &str) -> Option<Text> {
    Some(Text::from_static(match name {
        "accept" => "accept",
        "accept-language" => "accept-language",
        "authorization" => "authorization",
        "host" => "host",
        "origin" => "origin",
        "referer" => "referer",
        "user-agent" => "user-agent",
        _ => return None,
    }))
}

/// Text in the buffer.
fn shared(text: &[u8], buffer: &mut BytesMut) -> Option<Text> {
    buffer.extend_from_slice(text);
    Text::from_utf8(buffer.split().freeze()).ok()
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
pub(crate) fn trace(known: &Known<'_>) -> TraceContext {
    let parsed = known.trace_parent.and_then(|parent| parent.to_str().ok()?.parse::<TraceContext>().ok());
    let Some(trace) = parsed else { return TraceContext::root() };
    let state = known.trace_state.and_then(|state| state.to_str().ok()).filter(|state| state.len() <= LONGEST_STATE);
    trace.with_state(state.map(|state| Text::from(state.to_owned())))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::Request;

    use super::{Known, RequestId, forwarded, trace};

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
        let (known, mut buffer) = (Known::of(&parts.headers), BytesMut::new());
        let id = RequestId::of(known.request_id, &mut buffer);
        let headers = forwarded(&parts, &known, &id, &mut buffer);
        let expected = [
            ("authorization", "Bearer x"),
            ("accept-language", "de"),
            ("host", "example.test"),
            ("x-request-id", "abc"),
        ];
        assert!(headers.iter().eq(expected), "{headers:?}");
    }

    #[test]
    fn cookies_are_one_header() {
        let request = Request::get("/").header("Cookie", "a=1").header("Accept", "x").header("Cookie", "b=2; c=3");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let (known, mut buffer) = (Known::of(&parts.headers), BytesMut::new());
        let id = RequestId::of(None, &mut buffer);
        let headers = forwarded(&parts, &known, &id, &mut buffer);
        let cookies: Vec<_> = headers.iter().filter(|(name, _)| *name == "cookie").collect();
        assert_eq!(cookies, [("cookie", "a=1; b=2; c=3")]);
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = |parent: &str| {
            let request = Request::get("/").header("traceparent", parent).header("tracestate", "a=1");
            trace(&Known::of(request.body(()).unwrap().headers()))
        };
        let known = request(parent);
        assert_eq!((known.to_string().as_str(), known.state.as_deref()), (parent, Some("a=1")));
        let new = request("00-zz");
        assert!(new.trace_id != 0 && new.state.is_none());
    }
}
