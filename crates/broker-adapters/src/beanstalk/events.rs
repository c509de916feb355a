//! Events: a copy for each group that subscribes to the topic.
//!
//! Which groups there are, the server's list of tubes says, which is asked for once for all events that wait.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use skyloom_core::{
    Channel, Envelope, TopicName,
    broker::{Ack, AckSender, BrokerError, EnqueueOptions},
};
use tokio::{sync::mpsc, time::sleep};

use super::{
    codec::{Command, Reply, Stats, names},
    job::Notes,
    op::{Body, Done, Put},
    shared::Shared,
};

/// How many events share one look at the groups.
const BATCH: usize = 1_024;

/// How often it is looked, while the server says nothing, whether an event was taken back. Senders leave 50 ms of their
/// time for the answer.
const GLANCE: Duration = Duration::from_millis(20);

/// An event that waits.
pub(super) struct Event {
    pub(super) topic: TopicName,
    pub(super) envelope: Arc<Envelope>,
    pub(super) notes: Notes,
    pub(super) done: AckSender,
}

type Groups = HashMap<TopicName, Result<Vec<Channel>, BrokerError>>;

/// Publishes what comes until the last handle is gone.
pub(super) async fn run(shared: Arc<Shared>, mut events: mpsc::Receiver<Event>) {
    let (mut batch, mut later) = (Vec::with_capacity(BATCH), Vec::new());
    let mut closing = shared.closing();
    loop {
        if batch.is_empty() {
            let count = tokio::select! {
                count = events.recv_many(&mut batch, BATCH) => count,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            if count == 0 {
                return;
            }
        }
        let topics: Vec<_> = batch.iter().map(|event| event.topic.clone()).collect();
        let asked = groups_of(&shared, topics.iter());
        let groups = while_asked(&shared, (&mut batch, &mut later), &mut events, asked).await;
        for event in batch.drain(..) {
            match groups.get(&event.topic) {
                Some(Ok(groups)) => publish(&shared, event, groups),
                Some(Err(error)) => event.done.send(Err(error.clone())),
                None => event.done.send(Ok(())),
            }
        }
        std::mem::swap(&mut batch, &mut later);
    }
}

/// Asks the server. Of what waits for its answer, and of what comes meanwhile, those who take it back are told that
/// nothing was sent.
async fn while_asked<T>(
    shared: &Shared,
    (batch, later): (&mut Vec<Event>, &mut Vec<Event>),
    events: &mut mpsc::Receiver<Event>,
    asked: impl Future<Output = T>,
) -> T {
    let mut asked = pin!(asked);
    loop {
        tokio::select! {
            answer = &mut asked => return answer,
            () = sleep(GLANCE) => {
                // As many as may wait in one place may in the other.
                while later.len() < events.max_capacity() && let Ok(event) = events.try_recv() {
                    later.push(event);
                }
                let is_abandoned = |event: &mut Event| event.done.is_abandoned();
                let abandoned = batch.extract_if(.., is_abandoned).chain(later.extract_if(.., is_abandoned));
                abandoned.for_each(|event| event.done.send(Err(unsaid(shared))));
            }
        }
    }
}

fn publish(shared: &Arc<Shared>, event: Event, groups: &[Channel]) {
    let Event { envelope, notes, done, .. } = event;
    let mut acks = Vec::new();
    for group in groups {
        let (sender, ack) = Ack::waiting();
        let put = Put {
            tube: shared.options.names.work(group),
            priority: EnqueueOptions::DEFAULT_PRIORITY,
            delay: 0,
            body: Body::Envelope(Arc::clone(&envelope), notes.clone()),
            done: Done::Ack(sender),
            bounded: false,
        };
        if let Err(error) = shared.put(put) {
            return done.send(Err(if acks.is_empty() { error } else { BrokerError::lost(error.to_string()) }));
        }
        acks.push(ack);
    }
    shared.spawn(async move {
        let (mut result, mut accepted) = (Ok(()), false);
        for ack in acks {
            let one = ack.await;
            accepted |= one.is_ok();
            result = result.and(one);
        }
        // Some of the groups may have it.
        done.send(result.map_err(|error| if accepted { BrokerError::lost(error.to_string()) } else { error }));
    });
}

fn unsaid(shared: &Shared) -> BrokerError {
    let place = &shared.options.place;
    BrokerError::unavailable(format!("beanstalkd at {place} did not say in time which groups there are"))
}

/// The groups of each topic, or why an event cannot reach all of them.
async fn groups_of(shared: &Shared, topics: impl Iterator<Item = &TopicName>) -> Groups {
    let mut groups: Groups = topics.map(|topic| (topic.clone(), Ok(Vec::new()))).collect();
    let list = match shared.answer(None, Command::ListTubes).await {
        Ok(Reply::Ok(list)) => list,
        Ok(_) => Bytes::new(),
        Err(error) => {
            // Nothing was sent to any of them.
            let error = BrokerError::unavailable(error.to_string());
            groups.values_mut().for_each(|groups| *groups = Err(error.clone()));
            return groups;
        }
    };
    for (topic, found) in &mut groups {
        *found = known(shared, topic, &list).await;
    }
    groups
}

/// The groups of a topic that have a marker or a consumer.
async fn known(shared: &Shared, topic: &TopicName, list: &Bytes) -> Result<Vec<Channel>, BrokerError> {
    let mut found = BTreeMap::new();
    for (group, marked) in names(list).filter_map(|tube| shared.options.names.group_of(topic, tube)) {
        *found.entry(group).or_insert(false) |= marked;
    }
    let asked = found.keys().map(|group| shared.ask(None, Command::StatsTube(&shared.options.names.work(group))));
    let asked: Vec<_> = asked.collect();
    let mut groups = Vec::new();
    for ((group, marked), asked) in found.into_iter().zip(asked) {
        let answer = asked.await.unwrap_or_else(|_| Err(super::shared::closed()));
        let answer = answer.map_err(|error| BrokerError::unavailable(error.to_string()))?;
        let count = |key| match &answer {
            Reply::Ok(body) => Stats::of(body).number::<usize>(key).unwrap_or_default(),
            _ => 0,
        };
        let held = count("current-jobs-ready") + count("current-jobs-delayed") + count("current-jobs-reserved");
        let limit = shared.options.limits.messages;
        if held >= limit {
            let what = format!("group {group}");
            return Err(BrokerError::Full { what, limit: format!("{limit} messages") });
        }
        if marked || count("current-watching") > 0 {
            groups.push(group);
        }
    }
    Ok(groups)
}
