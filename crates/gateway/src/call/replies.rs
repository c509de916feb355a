//! The replies of a streaming call.

use std::{future::pending, time::Duration};

use skyloom::{
    Headers, Result, Status,
    client::{Request, Response, ResponseStream},
};
use tokio::{sync::watch, time::Instant};

use crate::state::State;

/// The replies of a streaming call as they come. Dropping it tells the worker to stop.
pub(crate) struct Replies {
    stream: Option<ResponseStream>,
    deadline: Option<Instant>,
    draining: watch::Receiver<bool>,
}

impl Replies {
    /// Calls and waits until the stream has started. A timeout that the client has asked for is for
    /// the whole stream; the method's own is for the start.
    pub(crate) async fn open(state: &State, request: Request, timeout: Option<Duration>) -> Result<Self> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let stream = state.client.stream(request).await?;
        Ok(Self { stream: Some(stream), deadline, draining: state.draining() })
    }

    /// The headers that the handler set before its first message.
    pub(crate) fn headers(&self) -> Headers {
        self.stream.as_ref().map(|stream| stream.headers().clone()).unwrap_or_default()
    }

    /// The next reply; nothing follows an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Response>> {
        let stream = self.stream.as_mut()?;
        let overdue = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => pending().await,
            }
        };
        let drained = async {
            if self.draining.wait_for(|draining| *draining).await.is_err() {
                pending().await
            }
        };
        let next = tokio::select! {
            biased;
            next = stream.next() => next,
            () = overdue => Some(Err(Status::deadline_exceeded("the stream did not end before the deadline"))),
            () = drained => Some(Err(Status::unavailable("the gateway is being stopped: open the stream anew"))),
        };
        if !matches!(next, Some(Ok(_))) {
            self.stream = None;
        }
        next
    }
}
