//! A worker's sessions: one for each connection, and for each life of its consumer at the server.

use std::{sync::Arc, time::Duration};

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use skyloom_core::{
    Channel,
    broker::{Ack, AckSender, ConsumerControl},
};
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::{
    api::{self, ConsumerInfo, Meaning, Retention},
    ask::AskError,
    consumers::Consumers,
    leftovers::LOOK,
    link::{ANSWER_TIME, Phase},
    names::{Names, Target},
    receive::{HEARTBEAT, Session},
    time::ServerClock,
    work::{Worker, safe},
};
use crate::remote::Pauses;

/// After what silence the server is taken to have forgotten our request.
const SILENCE: Duration = HEARTBEAT.saturating_mul(4);

/// How long stopping waits for what is on its way to us.
const STOPPING: Duration = Duration::from_secs(3);

/// How a session ended.
enum End {
    /// The connection broke, or the server forgot our consumer.
    Broken,
    Stopped,
}

impl Worker {
    /// Consumes until it is stopped. `opened` hears how the first session began.
    pub(super) async fn run(self: Arc<Self>, opened: AckSender) {
        let link = Arc::clone(&self.handle.0);
        let mut opened = Some(opened);
        let mut pauses = Pauses::default();
        while self.may_begin().await {
            let session = if self.is_core { self.open_core().await } else { self.open().await };
            match session {
                Ok((subscriber, _marker)) => {
                    if let Some(opened) = opened.take() {
                        opened.send(Ok(()));
                    }
                    pauses.works();
                    if let End::Stopped = self.serve(subscriber).await {
                        break;
                    }
                }
                Err(error) if error.meaning() != Meaning::NotNow && opened.is_some() => {
                    let refused = link.stream_error(&self.target, error).await;
                    if let Some(opened) = opened.take() {
                        opened.send(Err(refused));
                    }
                    break;
                }
                Err(error) => tracing::debug!(channel = %self.channel, ?error, "it cannot be consumed yet"),
            }
            tokio::select! {
                () = sleep(pauses.next()) => {}
                () = self.stopping.notified() => break,
                () = link.closed() => break,
            }
        }
        if let Some(opened) = opened.take() {
            opened.send(Err(link.away()));
        }
        self.ended();
    }

    /// Waits for a connection. False if there will be none, or nobody needs it any more.
    async fn may_begin(&self) -> bool {
        tokio::select! {
            phase = self.handle.0.awake() => phase == Phase::Live && !self.state().is_stopping,
            () = self.stopping.notified() => false,
        }
    }

    /// The stream of deliveries ends after what is in it.
    fn ended(self: &Arc<Self>) {
        let (stop, backlog, deliveries, leaving) = {
            let mut state = self.state();
            state.room = None;
            let backlog = std::mem::take(&mut state.backlog);
            (state.stop.take(), backlog, state.deliveries.take(), state.leaving.take())
        };
        drop(deliveries);
        for message in backlog {
            self.turn_away(message, "the worker has stopped");
        }
        if let Some(stop) = stop {
            stop.send(Ok(()));
        }
        drop(leaving);
        self.leasing.notify_one();
    }

    async fn open_core(&self) -> Result<(Subscriber, Option<Subscriber>), AskError> {
        let link = &self.handle.0;
        let (subject, group) = (link.names.subject(&self.target), Names::workers(&self.channel));
        let silent = |error: async_nats::SubscribeError| AskError::Silent(error.to_string());
        let subscriber = link.client.queue_subscribe(subject, group).await.map_err(silent)?;
        // The server does what it is told in order: when it answers it has taken note of the subscription.
        let echo = format!("{}.e.{}", link.room, self.id);
        let mut answers = link.client.subscribe(echo.clone()).await.map_err(silent)?;
        let asked = link.publish(echo, None, None, Bytes::new());
        asked.map_err(|error| AskError::Silent(error.to_string()))?;
        let answer = timeout(ANSWER_TIME, answers.next()).await.ok().flatten();
        answer.ok_or_else(|| AskError::Silent("the server does not answer".to_owned()))?;
        Ok((subscriber, None))
    }

    /// Makes sure of stream, consumer and marker, and asks for work. The marker is there for as long as somebody
    /// listens on exactly the subject to which it would deliver.
    async fn open(&self) -> Result<(Subscriber, Option<Subscriber>), AskError> {
        let link = &self.handle.0;
        link.ensure_stream(&self.target).await?;
        let ack_wait = self.ensure_consumer().await?;
        // A room of its own: what the server still sends for an earlier session must not count for this one.
        let room = format!("{}.w.{}", link.room, fastrand::u64(..));
        let (pulled, marked) = (format!("{room}.p"), format!("{room}.m"));
        let silent = |error: async_nats::SubscribeError| AskError::Silent(error.to_string());
        let subscriber = link.client.subscribe(pulled.clone()).await.map_err(silent)?;
        let marker = link.client.subscribe(marked.clone()).await.map_err(silent)?;
        let clock = self.mark(&marked).await;
        let mut state = self.state();
        state.safe = safe(ack_wait);
        state.clock = Some(clock);
        state.outstanding = 0;
        state.room = Some(pulled.into());
        state.heard = Instant::now();
        self.replenish(&mut state);
        drop(state);
        Ok((subscriber, Some(marker)))
    }

    pub(super) fn stream(&self) -> String {
        // A core target has none and never asks.
        self.handle.0.names.stream(&self.target).unwrap_or_default()
    }

    /// Makes sure of the consumer that the workers of a channel share, and returns its AckWait. Who needs a
    /// shorter one shortens it; who can do with a longer one says often enough that he is still there.
    async fn ensure_consumer(&self) -> Result<Duration, AskError> {
        let link = &self.handle.0;
        let (stream, name) = (self.stream(), Names::workers(&self.channel));
        let wanted = link.options.ack_wait_for(self.options.lease);
        let info: Result<ConsumerInfo, _> = link.api(&format!("CONSUMER.INFO.{stream}.{name}"), None).await;
        match info {
            Ok(info) => {
                let now = Duration::from_nanos(info.config.ack_wait);
                let is_unused = info.num_waiting == 0 && info.num_ack_pending == 0;
                if now == wanted || (now < wanted && !is_unused) {
                    return Ok(now);
                }
            }
            Err(error) if error.meaning() == Meaning::Missing => {}
            Err(error) => return Err(error),
        }
        let retention = match self.channel {
            Channel::Group(..) => Retention::Interest,
            _ => Retention::WorkQueue,
        };
        let config =
            api::workers(&stream, &name, &link.names.subject(&self.target), wanted, retention, self.options.ephemeral);
        let made: Value = link.api(&format!("CONSUMER.DURABLE.CREATE.{stream}.{name}"), Some(config)).await?;
        drop(made);
        Ok(wanted)
    }

    fn marker(&self) -> String {
        format!("{}{}", Names::marker(&self.channel), self.id)
    }

    /// Makes the marker by which this worker is counted, and reads the server's clock from it. A cluster that has
    /// lost a node may be unable to; then this worker is not counted, and our own clock has to do.
    async fn mark(&self, deliver: &str) -> ServerClock {
        let link = &self.handle.0;
        let (stream, name) = (self.stream(), self.marker());
        let subject = format!("{}.{}", link.names.markers(&self.target), self.id);
        // One of an earlier connection may still be there.
        self.unmark().await;
        let config = api::marker(&stream, &name, &subject, deliver);
        let made = link.api::<ConsumerInfo>(&format!("CONSUMER.CREATE.{stream}.{name}.{subject}"), Some(config)).await;
        match made {
            Ok(made) => ServerClock::read(&made.created).unwrap_or_else(ServerClock::ours),
            Err(error) => {
                tracing::debug!(channel = %self.channel, ?error, "this worker is not counted");
                ServerClock::ours()
            }
        }
    }

    async fn unmark(&self) {
        let subject = format!("CONSUMER.DELETE.{}.{}", self.stream(), self.marker());
        let deleted: Result<Value, _> = self.handle.0.api(&subject, None).await;
        if let Err(error) = deleted {
            tracing::trace!(?error, "there was no marker");
        }
    }

    async fn serve(self: &Arc<Self>, mut subscriber: Subscriber) -> End {
        let link = Arc::clone(&self.handle.0);
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        loop {
            let message = tokio::select! {
                message = subscriber.next() => message,
                () = link.gone() => break,
                () = self.stopping.notified() => {
                    self.stop(subscriber).await;
                    return End::Stopped;
                }
                _ = look.tick(), if !self.is_core => {
                    let this = Arc::clone(self);
                    tokio::spawn(async move { this.remove_leftovers().await });
                    continue;
                }
                () = sleep(HEARTBEAT), if !self.is_core => {
                    let heard = self.state().heard;
                    if heard.elapsed() >= SILENCE {
                        tracing::debug!(channel = %self.channel, "the server has forgotten our request");
                        break;
                    }
                    continue;
                }
            };
            let Some(message) = message else { break };
            link.busy_poll.came();
            let mut session = self.take_in(message);
            while let Some(Some(message)) = subscriber.next().now_or_never() {
                session = if self.take_in(message) == Session::Ended { Session::Ended } else { session };
            }
            if session == Session::Ended {
                break;
            }
            if !self.is_core {
                self.replenish(&mut self.state());
            }
        }
        self.state().room = None;
        End::Broken
    }

    fn take_in(self: &Arc<Self>, message: async_nats::Message) -> Session {
        if self.is_core {
            self.receive_core(message);
            return Session::GoesOn;
        }
        self.receive(message)
    }

    /// Unsubscribes and takes what is on its way to us.
    async fn stop(self: &Arc<Self>, mut subscriber: Subscriber) {
        self.state().room = None;
        let link = &self.handle.0;
        let rest = async {
            if subscriber.drain().await.is_ok() {
                while let Some(message) = subscriber.next().await {
                    self.take_in(message);
                }
            }
        };
        tokio::select! {
            _ = timeout(STOPPING, rest) => {}
            () = link.closed() => return,
        }
        if !self.is_core {
            self.unmark().await;
            if self.options.ephemeral {
                self.forget().await;
            }
        }
    }

    /// Removes an ephemeral channel, if no other worker is there.
    async fn forget(&self) {
        let link = &self.handle.0;
        let stream = self.stream();
        let marker = Names::marker(&self.channel);
        let is_last = link.consumers(&stream).await.is_ok_and(|Consumers { known, is_complete }| {
            is_complete && !known.iter().any(|consumer| consumer.name.starts_with(&marker))
        });
        if !is_last {
            return;
        }
        let what = match self.target {
            Target::Topic(_) => format!("CONSUMER.DELETE.{stream}.{}", Names::workers(&self.channel)),
            _ => format!("STREAM.DELETE.{stream}"),
        };
        let deleted: Result<Value, _> = link.api(&what, None).await;
        link.outbox().routes.remove(&self.target);
        if let Err(error) = deleted {
            tracing::debug!(channel = %self.channel, ?error, "an ephemeral channel could not be removed");
        }
    }
}

impl ConsumerControl for Worker {
    fn stop(&self) -> Ack {
        let mut state = self.state();
        state.is_stopping = true;
        if state.deliveries.is_none() || state.stop.is_some() {
            return Ack::ready(Ok(()));
        }
        let (sender, ack) = Ack::waiting();
        state.stop = Some(sender);
        state.leaving = Some(self.handle.0.leave());
        drop(state);
        self.stopping.notify_one();
        ack
    }
}
