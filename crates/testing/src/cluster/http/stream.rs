//! A response that is read as it comes.

use std::panic::Location;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use skyloom_core::Status;
use skyloom_gateway::Body;

use super::response::HttpResponse;
use crate::cluster::patience::expect;

/// A response that is read as it comes. Dropped, it tells the handler to stop.
#[derive(Debug)]
pub struct HttpStream {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    /// What has come and was not read yet.
    read: BytesMut,
}

impl HttpStream {
    pub(super) fn new(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, body, read: BytesMut::new() }
    }

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

    /// The next line's JSON, or `None` at the end: streams are answered with a line for each message.
    ///
    /// # Panics
    /// If a line is no such JSON, the response breaks off, or nothing comes within 10 s of the runtime's time.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "as the streams of the core; a future, which no iterator returns"
    )]
    pub fn next<T: DeserializeOwned>(&mut self) -> impl Future<Output = Option<T>> {
        let at = Location::caller();
        async move {
            let line = expect(self.line(), at, || "no further line of the response came".to_owned()).await;
            let line = line.unwrap_or_else(|status| panic!("{at}: the response broke off: {status}"))?;
            match serde_json::from_slice(&line) {
                Ok(value) => Some(value),
                Err(error) => panic!("{at}: not the JSON of this type: {error}: {}", String::from_utf8_lossy(&line)),
            }
        }
    }

    async fn line(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.read.split_to(end + 1).freeze()));
            }
            if !self.more().await? {
                return Ok((!self.read.is_empty()).then(|| self.read.split().freeze()));
            }
        }
    }

    /// Takes in what comes next; `false` at the end.
    async fn more(&mut self) -> Result<bool, Status> {
        let Some(frame) = self.body.frame().await.transpose()? else { return Ok(false) };
        if let Ok(data) = frame.into_data() {
            self.read.extend_from_slice(&data);
        }
        Ok(true)
    }

    /// All of it.
    pub(super) async fn whole(mut self, at: &'static Location<'static>) -> HttpResponse {
        let rest = async {
            while self.more().await? {}
            Ok::<_, Status>(())
        };
        let told = || "the end of the response did not come: read what has no end with stream()".to_owned();
        let read = expect(rest, at, told).await;
        read.unwrap_or_else(|status| panic!("{at}: the response broke off: {status}"));
        HttpResponse { status: self.status, headers: self.headers, body: self.read.freeze() }
    }
}
