//! The outermost layer around each service: where a test holds and disturbs executions.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::StreamExt as _;
use skyloom_core::{
    QueueName, Status, Streaming,
    broker::BoxFuture,
    service::{Answer, Body, Incoming},
};
use tokio::sync::oneshot;
use tower_layer::Layer;
use tower_service::Service;

use super::{
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

impl Probe {
    async fn execute<T>(&self, mut service: T, incoming: Incoming) -> Result<Answer, BoxError>
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
        if let Some(missing) = self.missing(&incoming) {
            return Err(missing.into());
        }
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
        service.call(incoming).await.map_err(Into::into)
    }

    /// A stream ends with the instance that sends it.
    fn bounded(&self, answer: Answer) -> Answer {
        let Answer { codec, body: Body::Stream(stream) } = answer else { return answer };
        let seat = Arc::clone(&self.seat);
        let stream = stream.take_until(Box::pin(async move { seat.lost().await }));
        Answer { codec, body: Body::Stream(Streaming::new(stream)) }
    }

    /// Waits for the test's word if it holds such executions.
    async fn held(&self, incoming: &Incoming) -> Option<Word> {
        let holder = self.shared.plan.holder(self.queue.as_str(), &incoming.envelope)?;
        let (word, heard) = oneshot::channel();
        // An error in either means that nobody holds it any more.
        holder
            .send(Arrival { queue: self.queue.clone(), incoming: incoming.clone(), seat: Arc::clone(&self.seat), word })
            .ok()?;
        heard.await.ok()
    }

    /// Does what the test has in mind for this execution.
    async fn disturb(&self, incoming: &Incoming) -> Result<(), Status> {
        let Incoming { context, envelope } = incoming;
        let fate = match self.shared.plan.fault(self.queue.as_str(), envelope) {
            None => return Ok(()),
            Some(Fault::Delay(time)) => return Ok(tokio::time::sleep(time).await),
            Some(Fault::Error(status)) => return Err(status),
            Some(Fault::Panic) => panic!("the test has it panic"),
            Some(Fault::Redelivery) => Fate::Redelivery,
            Some(Fault::LostWorker) => Fate::LostWorker,
        };
        self.shared.plan.set_fate(self.seat.number, context.id(), context.attempt(), fate);
        Ok(())
    }

    /// What a caller is told of a method that a fake does not have.
    fn missing(&self, incoming: &Incoming) -> Option<Status> {
        let (method, faked) = (incoming.context.method(), self.faked.as_ref()?);
        (!faked.contains(&method)).then(|| {
            let message = format!("the fake of {} has no {method}; it has {}", self.queue, faked.join(", "));
            Status::unimplemented(format!("{message}: fake that method too"))
        })
    }
}
