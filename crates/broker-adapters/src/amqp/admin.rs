//! An operator's view: what queues hold, and dead letters.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope,
    broker::{Admin, BoxFuture, BrokerError, ChannelStats, DeadLetter, Depth},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    operation::Operation,
    options::QueueKind,
    pending::{Done, Publishing},
    shared::Shared,
    state::{State, wall_clock},
    target::{Target, waits},
    tell::{Counted, Seen},
    wire::Marks,
};
use crate::remote::Pauses;

type Result<T> = std::result::Result<T, BrokerError>;

/// How long the server may take for an answer, and somebody else for his look into a queue.
const ANSWER: Duration = Duration::from_secs(5);

/// Asks the server on behalf of an operator.
pub(super) struct Operator(pub(super) Arc<Shared>);

/// Messages that are looked at; they go back to their places when it ends, but for those that are deleted.
struct Look<'a> {
    operator: &'a Operator,
    target: Target,
    number: u16,
    seen: Vec<Seen>,
    deleted: Vec<u64>,
}

impl Look<'_> {
    /// Ends it; when that is done, the next one sees what it has seen. `seen` is how much that was.
    async fn end(self, seen: usize) {
        let (waiter, ended) = oneshot::channel();
        self.away(waiter);
        // It is dropped when the server has done it, or cannot any more.
        drop(timeout(ANSWER, ended).await);
        // A quorum queue puts back later what it promises to put back.
        let back = u32::try_from(seen.saturating_sub(self.deleted.len())).unwrap_or(u32::MAX);
        let (until, mut pauses) = (Instant::now() + ANSWER, Pauses::default());
        let missing = |counted: Counted| matches!(counted, Ok(Some((messages, _))) if messages < back);
        while back > 0 && Instant::now() < until && missing(self.operator.count(&self.target).await) {
            sleep(pauses.next()).await;
        }
    }

    fn away(&self, waiter: oneshot::Sender<()>) {
        self.operator.0.with(|state| state.look_away(self.number, &self.deleted, waiter));
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        // Does nothing if it was ended.
        self.away(oneshot::channel().0);
    }
}

impl Operator {
    fn name(&self, target: &Target) -> String {
        self.0.with(|state| state.name(target))
    }

    async fn ask(&self, operation: impl FnOnce(oneshot::Sender<Counted>) -> Operation) -> Counted {
        let (reply, answer) = oneshot::channel();
        self.live().await?;
        self.0.with(|state| state.operate(operation(reply)));
        match timeout(ANSWER, answer).await {
            Ok(Ok(counted)) => counted,
            _ => Err(BrokerError::lost("no answer came")),
        }
    }

    /// Waits for a connection.
    async fn live(&self) -> Result<()> {
        let (until, mut pauses) = (Instant::now() + ANSWER, Pauses::default());
        while !self.0.with(|state| state.is_live()) {
            if Instant::now() > until || self.0.with(|state| state.is_closed()) {
                return Err(self.0.with(|state| state.unavailable()));
            }
            sleep(pauses.next()).await;
        }
        Ok(())
    }

    async fn count(&self, target: &Target) -> Counted {
        let queue = self.name(target);
        self.ask(|reply| Operation::Count { queue, reply }).await
    }

    /// What a channel holds. How much others have leased is what the server tells nobody.
    pub(super) async fn depth(&self, channel: &Channel) -> Result<Depth> {
        self.existing(channel).await.map(Option::unwrap_or_default)
    }

    async fn existing(&self, channel: &Channel) -> Result<Option<Depth>> {
        let Some((work, consumers)) = self.count(&Target::Work(channel.clone())).await? else { return Ok(None) };
        let held = |counted: Option<(u32, u32)>| u64::from(counted.map_or(0, |(messages, _)| messages));
        let again = held(self.count(&Target::Again(channel.clone())).await?);
        let dead = held(self.count(&Target::Dead(channel.clone())).await?);
        let mut delayed = 0;
        for wait in waits() {
            delayed += held(self.count(&Target::Later(channel.clone(), wait)).await?);
        }
        let leased = self.0.with(|state| state.leased_of(channel));
        Ok(Some(Depth { ready: u64::from(work) + again, delayed, leased, dead, consumers: consumers.into() }))
    }

    /// Looks into a queue, once nobody else does.
    async fn look(&self, target: &Target, most: u32) -> Result<Look<'_>> {
        // A quorum queue whose leader is busy says that it holds nothing.
        const LOOKS: u32 = 4;
        let mut pauses = Pauses::default();
        for _ in 1..LOOKS {
            let look = self.look_once(target, most).await?;
            let sure = self.0.with(|state| state.options.queues == QueueKind::Classic);
            if sure || look.number == 0 || !look.seen.is_empty() {
                return Ok(look);
            }
            look.end(0).await;
            sleep(pauses.next()).await;
        }
        self.look_once(target, most).await
    }

    async fn look_once(&self, target: &Target, most: u32) -> Result<Look<'_>> {
        let (queue, until, mut pauses) = (self.name(target), Instant::now() + ANSWER, Pauses::default());
        loop {
            self.live().await?;
            let (reply, answer) = oneshot::channel();
            self.0.with(|state| state.look(queue.clone(), most, reply));
            let looked = timeout(ANSWER, answer).await;
            match looked.unwrap_or_else(|_| Ok(Err(BrokerError::lost("no answer came")))) {
                Ok(Ok((number, seen))) => {
                    return Ok(Look { operator: self, target: target.clone(), number, seen, deleted: Vec::new() });
                }
                Ok(Err(BrokerError::Refused { reason })) if reason.starts_with("ACCESS_REFUSED") => {
                    if Instant::now() > until {
                        return Err(BrokerError::refused(reason));
                    }
                    sleep(pauses.next()).await;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(BrokerError::lost("no answer came")),
            }
        }
    }

    async fn kick_some(&self, channel: &Channel, number: Option<u64>, limit: u32) -> Result<u64> {
        let mut look =
            self.look(&Target::Dead(channel.clone()), if number.is_some() { u32::MAX } else { limit }).await?;
        let (mut kicked, all) = (0, look.seen.len());
        for seen in std::mem::take(&mut look.seen) {
            if number.is_some_and(|number| number_of(&seen) != number) {
                continue;
            }
            let envelope = decode(&seen)?;
            let persistent = envelope.reply_to.is_none();
            let (sender, accepted) = skyloom_core::broker::Ack::waiting();
            let marks = Marks { persistent, ..Marks::default() };
            let (target, done) = (Target::Work(channel.clone()), Done::Sender(sender));
            self.0.with(|state| state.publish(Publishing::new(target, envelope.into(), marks, done)));
            accepted.await?;
            look.deleted.push(seen.tag);
            kicked += 1;
            if kicked >= u64::from(limit.max(1)) {
                break;
            }
        }
        look.end(all).await;
        Ok(kicked)
    }

    async fn drop_some(&self, channel: &Channel, number: Option<u64>) -> Result<u64> {
        let dead = Target::Dead(channel.clone());
        let Some(number) = number else {
            let queue = self.name(&dead);
            let purged = match self.count(&dead).await? {
                Some(_) => self.ask(|reply| Operation::Purge { queue, reply }).await?,
                None => None,
            };
            return Ok(purged.map_or(0, |(messages, _)| messages.into()));
        };
        let mut look = self.look(&dead, u32::MAX).await?;
        let found = look.seen.iter().find(|seen| number_of(seen) == number).map(|seen| seen.tag);
        look.deleted.extend(found);
        let seen = look.seen.len();
        look.end(seen).await;
        Ok(found.is_some().into())
    }

    /// All channels that were noted when they were new; what is there twice or not any more is forgotten.
    async fn known(&self) -> Result<BTreeSet<Channel>> {
        let mut look = self.look(&Target::Index, u32::MAX).await?;
        let (mut known, all) = (BTreeSet::new(), look.seen.len());
        for seen in std::mem::take(&mut look.seen) {
            let name = decode(&seen).ok().and_then(|note| String::from_utf8(note.payload.to_vec()).ok());
            let channel = name.and_then(|name| name.parse::<Channel>().ok());
            if !channel.is_some_and(|channel| known.insert(channel)) {
                look.deleted.push(seen.tag);
            }
        }
        look.end(all).await;
        Ok(known)
    }
}

fn decode(seen: &Seen) -> Result<Envelope> {
    Envelope::decode(seen.body.clone()).map_err(|error| BrokerError::refused(error.to_string()))
}

fn number_of(seen: &Seen) -> u64 {
    seen.marks.number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

fn letter(seen: &Seen) -> Result<DeadLetter> {
    let envelope = decode(seen)?;
    let age = wall_clock().saturating_sub(seen.marks.died.unwrap_or(i64::MAX));
    Ok(DeadLetter {
        number: number_of(seen),
        id: envelope.id,
        reason: seen.marks.reason.clone().unwrap_or_default(),
        attempts: seen.marks.attempts,
        age: Duration::from_millis(u64::try_from(age).unwrap_or(0)),
        envelope,
    })
}

impl Admin for Operator {
    fn server(&self) -> BoxFuture<'_, Result<Option<String>>> {
        let server = self.0.with(|state| state.server.clone());
        Box::pin(std::future::ready(Ok((!server.is_empty()).then_some(server))))
    }

    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>>> {
        Box::pin(async {
            let mut stats = Vec::new();
            for channel in self.known().await? {
                if let Some(depth) = self.existing(&channel).await? {
                    // The server counts the rest for its own management only.
                    stats.push(ChannelStats { leased: None, ..ChannelStats::new(channel, depth) });
                }
            }
            Ok(stats)
        })
    }

    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>>> {
        Box::pin(async move {
            let look = self.look(&Target::Dead(channel.clone()), limit).await?;
            let (letters, seen) = (look.seen.iter().map(letter).collect(), look.seen.len());
            look.end(seen).await;
            letters
        })
    }

    fn kick<'a>(&'a self, channel: &'a Channel, number: Option<u64>, limit: u32) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.kick_some(channel, number, limit))
    }

    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.drop_some(channel, number))
    }

    fn pause<'a>(&'a self, _: &'a Channel, _: Duration) -> BoxFuture<'a, Result<()>> {
        let operation = "hold back a channel's deliveries";
        Box::pin(async move { Err(BrokerError::Unsupported { broker: "amqp", operation }) })
    }
}

impl State {
    /// How many leases there are of a channel through this connection.
    fn leased_of(&self, channel: &Channel) -> u64 {
        let of = self.streams.values().filter(|stream| stream.channel == *channel);
        of.map(|stream| u64::from(stream.leased)).sum()
    }
}
