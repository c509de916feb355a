//! Tower's layers around a client.

use std::{future::poll_fn, sync::Arc};

use tower_service::Service;

use super::{Request, Response};
use crate::{Result, Status, broker::BoxFuture};

/// A boxed error, as tower's layers return it.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A stack of layers, as an object.
pub(super) trait Stack: Send + Sync {
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response>>;
}

struct Layered<S>(S);

/// A stack of a tower service that ends in a client.
pub(super) fn stack<S>(service: S) -> Arc<dyn Stack>
where
    S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    Arc::new(Layered(service))
}

impl<S> Stack for Layered<S>
where
    S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(into_status)?;
            service.call(request).await.map_err(into_status)
        })
    }
}

/// A layer's own error is the caller's side's: nothing is known about the execution unless it is a
/// [`Status`].
pub(crate) fn into_status(error: impl Into<BoxError>) -> Status {
    match error.into().downcast::<Status>() {
        Ok(status) => *status,
        Err(other) => Status::unknown(other.to_string()).with_outcome(crate::Outcome::Unknown),
    }
}
