//! Reads the body of a request.

use std::{fmt::Display, future::poll_fn, pin::Pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use hyper::body::Body;
use skyloom::Status;

use super::Failure;

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is larger than this many bytes.
    TooLarge(usize),
    /// It did not come within this time.
    TooSlow(Duration),
    /// The connection failed.
    Broken(String),
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::TooLarge(limit) => {
                let message = format!("the body is larger than {limit} bytes, the most that is allowed");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, Status::resource_exhausted(message).with_retry_safe(false))
            }
            Unreadable::TooSlow(limit) => {
                let message = format!("the body did not arrive within {} s", limit.as_secs_f32());
                Self::new(StatusCode::REQUEST_TIMEOUT, Status::deadline_exceeded(message))
            }
            Unreadable::Broken(reason) => {
                Status::invalid_argument(format!("the body could not be read: {reason}")).into()
            }
        }
    }
}

/// Reads a whole body; one that comes in a single piece is not copied.
pub(crate) async fn read<B>(body: B, limit: usize, timeout: Duration) -> Result<Bytes, Unreadable>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(Unreadable::TooLarge(limit));
    }
    let mut reading = std::pin::pin!(read_all(body, limit));
    // Most bodies are here by the time their headers have been read, and need no timer.
    match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(read) => read,
        Poll::Pending => tokio::time::timeout(timeout, reading).await.unwrap_or(Err(Unreadable::TooSlow(timeout))),
    }
}

async fn read_all<B>(body: B, limit: usize) -> Result<Bytes, Unreadable>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let mut body = std::pin::pin!(body);
    let first = next(body.as_mut()).await?.unwrap_or_default();
    let mut whole = BytesMut::new();
    let mut length = first.len();
    while !body.is_end_stream()
        && let Some(data) = next(body.as_mut()).await?
    {
        if whole.is_empty() {
            whole.extend_from_slice(&first);
        }
        length += data.len();
        if length > limit {
            break;
        }
        whole.extend_from_slice(&data);
    }
    if length > limit {
        return Err(Unreadable::TooLarge(limit));
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// The next piece of data; trailers are of no interest.
async fn next<B>(mut body: Pin<&mut B>) -> Result<Option<Bytes>, Unreadable>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    loop {
        match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            None => return Ok(None),
            Some(Err(error)) => return Err(Unreadable::Broken(error.to_string())),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::stream;
    use hyper::body::Frame;
    use skyloom::Status;

    use super::{super::Body, Unreadable, read};

    const TIMEOUT: Duration = Duration::from_secs(1);

    fn pieces(pieces: &'static [&'static str]) -> Body {
        Body::stream(stream::iter(pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))))
    }

    #[tokio::test]
    async fn pieces_are_joined_up_to_the_limit() {
        assert_eq!(read(pieces(&["ab", "", "cd"]), 4, TIMEOUT).await.unwrap(), "abcd");
        assert_eq!(read(pieces(&[]), 4, TIMEOUT).await.unwrap(), "");
        for body in [pieces(&["ab", "cde"]), pieces(&["abcde"]), Body::full("abcde")] {
            assert_eq!(read(body, 4, TIMEOUT).await, Err(Unreadable::TooLarge(4)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let never = Body::stream(stream::pending());
        assert_eq!(read(never, 4, TIMEOUT).await, Err(Unreadable::TooSlow(TIMEOUT)));
        let broken = Body::stream(stream::iter([Err(Status::internal("x"))]));
        assert_eq!(read(broken, 4, TIMEOUT).await, Err(Unreadable::Broken("INTERNAL: x".into())));
    }
}
