//! Takes deliveries from a lane's channel and starts to execute them.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{
    alone::{Source, is_suspect},
    hands::Hands,
    lane::Lane,
};
use crate::{
    broker::{Consumer, Delivery},
    service::{Answer, Incoming},
};

enum Step {
    Drain,
    Ended,
    /// This is to be executed alone.
    Alone(Delivery),
}

impl<T> Lane<T>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    /// Takes deliveries until the instance drains or the broker is closed, and awaits what it has settled.
    pub(super) async fn run(self: Arc<Self>, source: Source, mut consumer: Consumer) {
        let mut draining = self.shared.draining.subscribe();
        let mut drain = Some(Box::pin(async move { draining.wait_for(|draining| *draining).await.is_ok() }));
        let mut hands = Hands::new(Arc::clone(&self));
        loop {
            match poll_fn(|cx| poll_step(&mut consumer, drain.as_mut().map(Pin::as_mut), &mut hands, cx)).await {
                Step::Ended => return poll_fn(|cx| hands.settling.poll(cx)).await,
                Step::Drain => {
                    drain = None;
                    if let Err(error) = consumer.stop().await {
                        tracing::debug!(channel = %self.channel, %error, "could not stop consuming");
                        return;
                    }
                }
                Step::Alone(suspect) => match self.alone(&source, consumer, suspect, &mut hands).await {
                    Some(next) => consumer = next,
                    None => return poll_fn(|cx| hands.settling.poll(cx)).await,
                },
            }
        }
    }
}

/// Starts everything that has been delivered, and reports what has been settled.
fn poll_step<T, F>(
    consumer: &mut Consumer,
    drain: Option<Pin<&mut F>>,
    hands: &mut Hands<T>,
    cx: &mut Context<'_>,
) -> Poll<Step>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
    F: Future,
{
    if drain.is_some_and(|drain| drain.poll(cx).is_ready()) {
        return Poll::Ready(Step::Drain);
    }
    let (mut now, mut turn) = (None, None);
    let step = loop {
        match consumer.poll_next(cx) {
            Poll::Ready(Some(delivery)) if is_suspect(&delivery) => break Poll::Ready(Step::Alone(delivery)),
            Poll::Ready(Some(delivery)) => {
                turn.get_or_insert_with(|| hands.turn());
                now = hands.take(delivery, now, cx);
            }
            Poll::Ready(None) => break Poll::Ready(Step::Ended),
            Poll::Pending => break Poll::Pending,
        }
    };
    if turn.is_some() {
        hands.rest();
    }
    if step.is_ready() {
        return step;
    }
    // Whether any are left does not matter: there may be more.
    let _ = hands.settling.poll(cx);
    Poll::Pending
}
