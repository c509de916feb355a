//! What comes back.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

/// How much of a body is shown when it is not what was expected, in characters: a paragraph.
const SHOWN: usize = 1_000;

/// A whole response.
#[derive(Clone)]
pub struct HttpResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl HttpResponse {
    /// The status code, such as 200.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// A header's first value; none if there is no such header, or it is no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is no text: {error}; the response is {self:?}"),
        }
    }

    /// The body's JSON: as a type of the test's own, or as a `serde_json::Value`.
    ///
    /// # Panics
    /// If it is no such JSON; it shows the response.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not the JSON of this type: {error}; the response is {self:?}"),
        }
    }

    /// Checks the status.
    ///
    /// # Panics
    /// If it is another; it shows the response.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert!(self.status() == status, "expected status {status}; the response is {self:?}");
        self
    }
}

/// The status, the headers and the body's beginning.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, "\n  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        match std::str::from_utf8(&self.body) {
            Ok(text) => write!(f, "\n\n  {}", text.chars().take(SHOWN).collect::<String>()),
            Err(_) => write!(f, "\n\n  ({} bytes that are no text)", self.body.len()),
        }
    }
}
