//! The id by which a request is found again in logs.

use http::{HeaderMap, HeaderName, HeaderValue};
use skyloom::Guid;

/// The longest id that is taken over from a client.
const LONGEST: usize = 64;

/// The id by which a request is found again in logs: the client's, or a new GUID. It goes to the
/// handler and comes back with every response.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Its header's name.
    pub(crate) const NAME: &'static str = "x-request-id";
    /// Its header.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static(Self::NAME);

    /// The client's id if it is well-formed, `[A-Za-z0-9._-]{1,64}`; else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let own = headers.get(Self::HEADER).filter(|value| well_formed(value.as_bytes())).cloned();
        Self(own.unwrap_or_else(|| {
            let new = HeaderValue::try_from(Guid::call().to_string());
            // A GUID's text is a header's value; the fall-back is never used.
            new.unwrap_or_else(|_| HeaderValue::from_static("unknown"))
        }))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

fn well_formed(id: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::RequestId;

    fn id_for(text: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(RequestId::HEADER, text.parse().unwrap());
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_well_formed_id_is_kept_and_every_other_replaced() {
        assert_eq!(id_for("Abc-1.2_3"), "Abc-1.2_3");
        for text in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_eq!(id_for(text).len(), 36, "{text}");
        }
    }
}
