//! The headers that the gateway itself reads.

use http::{HeaderMap, HeaderValue};

/// The headers that the gateway itself reads, found in one pass; of one that is repeated, the first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known<'a> {
    pub(crate) connect_timeout: Option<&'a HeaderValue>,
    pub(crate) connection: Option<&'a HeaderValue>,
    pub(crate) content_encoding: Option<&'a HeaderValue>,
    pub(crate) content_type: Option<&'a HeaderValue>,
    pub(crate) fetch_site: Option<&'a HeaderValue>,
    pub(crate) grpc_timeout: Option<&'a HeaderValue>,
    pub(crate) host: Option<&'a HeaderValue>,
    /// How often the request names its host.
    pub(crate) hosts: usize,
    pub(crate) request_id: Option<&'a HeaderValue>,
    pub(crate) trace_parent: Option<&'a HeaderValue>,
    pub(crate) trace_state: Option<&'a HeaderValue>,
}

impl<'a> Known<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut known = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "connect-timeout-ms" => &mut known.connect_timeout,
                "connection" => &mut known.connection,
                "content-encoding" => &mut known.content_encoding,
                "content-type" => &mut known.content_type,
                "grpc-timeout" => &mut known.grpc_timeout,
                "host" => {
                    known.hosts += 1;
                    &mut known.host
                }
                "sec-fetch-site" => &mut known.fetch_site,
                "traceparent" => &mut known.trace_parent,
                "tracestate" => &mut known.trace_state,
                "x-request-id" => &mut known.request_id,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        known
    }
}

/// A header's text; empty if there is none, or if it is no text.
pub(crate) fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{Known, text};

    #[test]
    fn the_first_of_each_is_found() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("Host", "a"), ("X-Other", "b"), ("Content-Type", "c"), ("Host", "d")] {
            headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let known = Known::of(&headers);
        assert_eq!((text(known.host), text(known.content_type), text(known.connection)), ("a", "c", ""));
        assert_eq!(known.hosts, 2);
    }
}
