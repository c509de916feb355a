//! The id by which a request is found again in logs.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue};
use skyloom::{Guid, Text};

/// The longest id that is taken over from a client.
const LONGEST: usize = 64;

/// The id by which a request is found again in logs: the client's, or a new GUID. It goes to the
/// handler and comes back with every response.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Bytes);

impl RequestId {
    /// Its header's name.
    pub(crate) const NAME: &'static str = "x-request-id";
    /// Its header.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static(Self::NAME);

    /// The client's id if it is well-formed, `[A-Za-z0-9._-]{1,64}`; else a new one. Its text is put into
    /// the buffer.
    pub(crate) fn of(own: Option<&HeaderValue>, buffer: &mut BytesMut) -> Self {
        match own.map(HeaderValue::as_bytes).filter(|own| well_formed(own)) {
            Some(own) => buffer.extend_from_slice(own),
            // A buffer takes all that is written to it.
            None => drop(write!(buffer, "{}", Guid::call())),
        }
        Self(buffer.split().freeze())
    }

    pub(crate) fn header(self) -> HeaderValue {
        // An id is always a header's value; the fall-back is never used.
        HeaderValue::from_maybe_shared(self.0).unwrap_or(HeaderValue::from_static("unknown"))
    }

    pub(crate) fn text(&self) -> Text {
        Text::from_utf8(self.0.clone()).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn well_formed(id: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::RequestId;

    fn id_for(text: &str) -> String {
        let id = RequestId::of(Some(&text.parse().unwrap()), &mut BytesMut::new());
        assert_eq!(id.text().as_str(), id.as_str());
        id.header().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_well_formed_id_is_kept_and_every_other_replaced() {
        assert_eq!(id_for("Abc-1.2_3"), "Abc-1.2_3");
        for text in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_eq!(id_for(text).len(), 36, "{text}");
        }
    }
}
