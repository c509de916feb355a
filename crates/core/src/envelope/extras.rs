//! What few envelopes carry.

use bytes::Bytes;

use super::Headers;
use crate::{Text, TraceContext};

/// The fields that most envelopes go without: headers, trace, principal, and what this version does
/// not know. They have a box of their own, so that an envelope without them stays small.
#[derive(Clone, Debug, Default)]
pub struct Extras(Option<Box<Fields>>);

#[derive(Clone, Debug, Default)]
struct Fields {
    headers: Headers,
    trace: Option<TraceContext>,
    principal: Option<Text>,
    unknown: Bytes,
}

static NO_HEADERS: Headers = Headers::new();
static NOTHING: Bytes = Bytes::new();

impl Extras {
    /// None of them.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Headers of the caller or, on a reply, of the handler.
    #[inline]
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.0.as_ref().map_or(&NO_HEADERS, |fields| &fields.headers)
    }

    /// The trace that the envelope belongs to.
    #[inline]
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.as_ref()?.trace.as_ref()
    }

    /// Who is asking, as stamped by the gateway or the broker.
    #[inline]
    #[must_use]
    pub fn principal(&self) -> Option<&Text> {
        self.0.as_ref()?.principal.as_ref()
    }

    /// Fields that this version does not know, kept as they were received.
    #[inline]
    #[must_use]
    pub fn unknown(&self) -> &Bytes {
        self.0.as_ref().map_or(&NOTHING, |fields| &fields.unknown)
    }

    /// With these headers.
    #[must_use]
    pub fn with_headers(mut self, headers: Headers) -> Self {
        if self.0.is_some() || !headers.is_empty() {
            self.fields().headers = headers;
        }
        self
    }

    /// With this trace.
    #[must_use]
    pub fn with_trace(mut self, trace: Option<TraceContext>) -> Self {
        self.set_trace(trace);
        self
    }

    /// With this principal.
    #[must_use]
    pub fn with_principal(mut self, principal: Option<Text>) -> Self {
        self.set_principal(principal);
        self
    }

    /// Sets the trace.
    pub fn set_trace(&mut self, trace: Option<TraceContext>) {
        if self.0.is_some() || trace.is_some() {
            self.fields().trace = trace;
        }
    }

    /// Sets who is asking.
    pub fn set_principal(&mut self, principal: Option<Text>) {
        if self.0.is_some() || principal.is_some() {
            self.fields().principal = principal;
        }
    }

    /// With these unknown fields.
    #[must_use]
    pub fn with_unknown(mut self, unknown: Bytes) -> Self {
        if self.0.is_some() || !unknown.is_empty() {
            self.fields().unknown = unknown;
        }
        self
    }

    /// Takes the headers out.
    #[must_use]
    pub fn take_headers(&mut self) -> Headers {
        self.0.as_mut().map(|fields| std::mem::take(&mut fields.headers)).unwrap_or_default()
    }

    /// The headers, to change them.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.fields().headers
    }

    fn fields(&mut self) -> &mut Fields {
        self.0.get_or_insert_default()
    }
}

/// A box in which nothing is left is as good as none.
impl PartialEq for Extras {
    fn eq(&self, other: &Self) -> bool {
        self.headers() == other.headers()
            && self.trace() == other.trace()
            && self.principal() == other.principal()
            && self.unknown() == other.unknown()
    }
}

#[cfg(test)]
mod tests {
    use super::Extras;
    use crate::Headers;

    #[test]
    fn nothing_is_equal_to_nothing_left() {
        let mut headers = Headers::new();
        headers.push("name", "value");
        let mut extras = Extras::new().with_headers(headers.clone());
        assert_ne!(extras, Extras::new());
        assert_eq!(extras.take_headers(), headers);
        assert_eq!(extras, Extras::new().with_headers(Headers::new()).with_trace(None));
    }

    #[test]
    fn an_envelope_without_them_is_small() {
        assert!(size_of::<crate::Envelope>() <= 192, "{}", size_of::<crate::Envelope>());
    }
}
