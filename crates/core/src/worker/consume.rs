//! Takes deliveries from a lane's channel and starts to execute them.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{execute::execute, lane::Lane};
use crate::{
    broker::{Consumer, Delivery},
    service::{Answer, Incoming},
};

enum Step {
    Delivery(Option<Delivery>),
    Drain,
}

impl<T> Lane<T>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    /// Takes deliveries until the instance drains or the broker is closed.
    pub(super) async fn run(self: Arc<Self>, mut consumer: Consumer) {
        let mut draining = self.shared.draining.subscribe();
        let mut drain = Some(Box::pin(async move { draining.wait_for(|draining| *draining).await.is_ok() }));
        loop {
            match poll_fn(|cx| poll_step(&mut consumer, drain.as_mut().map(Pin::as_mut), cx)).await {
                Step::Delivery(Some(delivery)) => start(execute(Arc::clone(&self), delivery)).await,
                Step::Delivery(None) => return,
                Step::Drain => {
                    drain = None;
                    if let Err(error) = consumer.stop().await {
                        tracing::debug!(channel = %self.channel, %error, "could not stop consuming");
                        return;
                    }
                }
            }
        }
    }
}

fn poll_step<F: Future>(consumer: &mut Consumer, drain: Option<Pin<&mut F>>, cx: &mut Context<'_>) -> Poll<Step> {
    if let Poll::Ready(delivery) = consumer.poll_next(cx) {
        return Poll::Ready(Step::Delivery(delivery));
    }
    match drain {
        Some(drain) => drain.poll(cx).map(|_| Step::Drain),
        None => Poll::Pending,
    }
}

/// Runs an execution as far as it goes at once; only what has to wait becomes a task of its own.
async fn start(execution: impl Future<Output = ()> + Send + 'static) {
    let mut execution = Box::pin(execution);
    let ended = poll_fn(|cx| Poll::Ready(execution.as_mut().poll(cx).is_ready())).await;
    if !ended {
        tokio::spawn(execution);
    }
}
