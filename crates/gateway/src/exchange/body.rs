//! The body of a response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use hyper::body::{Frame, SizeHint};
use skyloom::{Result, Status};

/// A response of the gateway.
pub(crate) type Response = http::Response<Body>;

/// The body of a response: all of it at once, or as it comes.
pub struct Body(Inner);

enum Inner {
    /// Data, then trailers.
    Whole(Option<Bytes>, Option<Box<HeaderMap>>),
    Stream(Pin<Box<dyn Stream<Item = Result<Frame<Bytes>>> + Send>>),
}

impl Body {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self(Inner::Whole(None, None))
    }

    /// All of it.
    pub(crate) fn full(data: impl Into<Bytes>) -> Self {
        Self(Inner::Whole(Some(data.into()).filter(|data| !data.is_empty()), None))
    }

    /// All of it, and trailers.
    pub(crate) fn with_trailers(data: Bytes, trailers: HeaderMap) -> Self {
        Self(Inner::Whole(Some(data), Some(Box::new(trailers))))
    }

    /// Frames as they come; an error breaks the response off.
    pub(crate) fn stream(frames: impl Stream<Item = Result<Frame<Bytes>>> + Send + 'static) -> Self {
        Self(Inner::Stream(Box::pin(frames)))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Inner::Stream(frames) => frames.as_mut().poll_next(cx),
            Inner::Whole(data, trailers) => {
                let data = data.take().map(Frame::data);
                Poll::Ready(data.or_else(|| trailers.take().map(|trailers| Frame::trailers(*trailers))).map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::Whole(None, None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(data, _) => SizeHint::with_exact(data.as_ref().map_or(0, Bytes::len) as u64),
            Inner::Stream(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Whole(data, _) => write!(f, "Body({} bytes)", data.as_ref().map_or(0, Bytes::len)),
            Inner::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}
