//! The outermost layer around each service: where a test holds and disturbs executions.

use std::{
    any::Any,
    future::poll_fn,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, StreamExt as _};
use skyloom_core::{
    Envelope, QueueName, Status, Streaming,
    broker::BoxFuture,
    service::{Answer, Body, Incoming},
};
use tokio::sync::oneshot;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    alarm::said,
    fault::Fault,
    plan::{Arrival, Fate, Word},
    seat::Seat,
    shared::Shared,
};

/// The error of any tower layer.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Puts a [`Probed`] around a service.
#[derive(Clone)]
pub(super) struct Probe {
    pub(super) shared: Arc<Shared>,
    pub(super) seat: Arc<Seat>,
    pub(super) queue: QueueName,
    /// Of a fake: the methods that it has.
    pub(super) faked: Option<Arc<[&'static str]>>,
}

/// A service whose executions a test can hold and disturb.
#[derive(Clone)]
pub(super) struct Probed<T> {
    probe: Probe,
    service: T,
}

impl<T> Layer<T> for Probe {
    type Service = Probed<T>;

    fn layer(&self, service: T) -> Probed<T> {
        Probed { probe: self.clone(), service }
    }
}

impl<T> Service<Incoming> for Probed<T>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<BoxError>,
    T::Future: Send,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The service below is asked when its turn comes.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, incoming: Incoming) -> Self::Future {
        let (probe, service) = (self.probe.clone(), self.service.clone());
        Box::pin(async move {
            tokio::select! {
                biased;
                // Nobody hears this: the connection is gone.
                () = probe.seat.lost() => Err(Status::aborted("its worker was lost").into()),
                answer = probe.execute(service, incoming) => answer.map(|answer| probe.bounded(answer)),
            }
        })
    }
}

async fn handle<T>(mut service: T, incoming: Incoming) -> Result<Answer, BoxError>
where
    T: Service<Incoming, Response = Answer>,
    T::Error: Into<BoxError>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
    service.call(incoming).await.map_err(Into::into)
}

impl Probe {
    async fn execute<T>(&self, service: T, incoming: Incoming) -> Result<Answer, BoxError>
    where
        T: Service<Incoming, Response = Answer>,
        T::Error: Into<BoxError>,
    {
        if let Some(word) = self.held(&incoming).await {
            return match word {
                Word::Answer(answer) => Ok(answer),
                Word::Fail(status) => Err(status.into()),
            };
        }
        self.disturb(&incoming).await?;
        let Some(methods) = &self.faked else { return handle(service, incoming).await };
        let envelope = Arc::clone(incoming.envelope());
        if !methods.contains(&&*envelope.method) {
            return Err(self.missing(&envelope.method, methods).into());
        }
        let answer = AssertUnwindSafe(handle(service, incoming)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|panic| Err(self.panicked(&envelope.method, &*panic).into()))?;
        Ok(self.watched(envelope, answer))
    }

    /// A stream ends with the instance that sends it.
    fn bounded(&self, answer: Answer) -> Answer {
        let Answer { codec, body: Body::Stream(stream) } = answer else { return answer };
        let seat = Arc::clone(&self.seat);
        let stream = stream.take_until(Box::pin(async move { seat.lost().await }));
        Answer { codec, body: Body::Stream(Streaming::new(stream)) }
    }

    /// The stream of a fake may panic as the fake itself may.
    fn watched(&self, envelope: Arc<Envelope>, answer: Answer) -> Answer {
        let Answer { codec, body: Body::Stream(stream) } = answer else { return answer };
        let probe = self.clone();
        let stream = AssertUnwindSafe(stream)
            .catch_unwind()
            .map(move |message| message.unwrap_or_else(|panic| Err(probe.panicked(&envelope.method, &*panic))));
        Answer { codec, body: Body::Stream(Streaming::new(stream)) }
    }

    /// What a caller is told of a fake that panics. The test fails with it, so that nobody needs another attempt.
    fn panicked(&self, method: &str, panic: &(dyn Any + Send)) -> Status {
        let message = format!("the fake of {} panicked in {method}: {}", self.queue, said(panic));
        self.shared.alarm.raise(&message);
        Status::failed_precondition(message)
    }

    /// Waits for the test's word if it holds such executions.
    async fn held(&self, incoming: &Incoming) -> Option<Word> {
        let holder = self.shared.plan.holder(self.queue.as_str(), incoming.envelope())?;
        let (word, heard) = oneshot::channel();
        // An error in either means that nobody holds it any more.
        holder
            .send(Arrival { queue: self.queue.clone(), incoming: incoming.clone(), seat: Arc::clone(&self.seat), word })
            .ok()?;
        heard.await.ok()
    }

    /// Does what the test has in mind for this execution.
    async fn disturb(&self, incoming: &Incoming) -> Result<(), Status> {
        let fate = match self.shared.plan.fault(self.queue.as_str(), incoming.envelope()) {
            None => return Ok(()),
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                return Ok(());
            }
            Some(Fault::Error(status)) => return Err(status),
            Some(Fault::Panic) => panic!("the test has it panic"),
            Some(Fault::Redelivery) => Fate::Redelivery,
            Some(Fault::LostWorker) => Fate::LostWorker,
        };
        self.shared.plan.set_fate(self.seat.number, incoming.context.id(), incoming.context.attempt(), fate);
        Ok(())
    }

    /// What a caller is told of a method that a fake does not have.
    fn missing(&self, method: &str, methods: &[&str]) -> Status {
        let message = format!("the fake of {} has no {method}; it has {}", self.queue, methods.join(", "));
        Status::unimplemented(format!("{message}: fake that method too"))
    }
}
