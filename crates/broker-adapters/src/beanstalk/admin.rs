//! An operator's view.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Channel,
    broker::{Admin, BoxFuture, BrokerError, ChannelStats, DeadLetter, Depth, EnqueueOptions},
};

use super::{
    codec::{Command, Reply, Stats, names, whole_seconds},
    errand::Errand,
    job::{self, Notes},
    names::Role,
    shared::Shared,
};

type Result<T> = std::result::Result<T, BrokerError>;

/// An operator's view of a server.
pub(super) struct View(pub(super) std::sync::Arc<Shared>);

impl View {
    async fn stats(&self, tube: &str) -> Result<Option<Bytes>> {
        match self.0.answer(None, Command::StatsTube(tube)).await? {
            Reply::Ok(body) => Ok(Some(body)),
            Reply::NotFound => Ok(None),
            other => Err(BrokerError::unavailable(format!("beanstalkd answered {other:?} to stats-tube {tube}"))),
        }
    }

    pub(super) async fn depth(&self, channel: &Channel) -> Result<Depth> {
        let ChannelStats { ready, delayed, leased, dead, consumers, .. } = self.look(channel).await?;
        Ok(Depth { ready, delayed, leased: leased.unwrap_or_default(), dead, consumers })
    }

    async fn look(&self, channel: &Channel) -> Result<ChannelStats> {
        let names = &self.0.options.names;
        let (work, dead) = (names.work(channel), names.dead(channel));
        let (work, dead) = (self.stats(&work).await?.unwrap_or_default(), self.stats(&dead).await?.unwrap_or_default());
        let (work, dead) = (Stats::of(&work), Stats::of(&dead));
        let count = |stats: &Stats<'_>, key| stats.number::<u64>(key).unwrap_or_default();
        let depth = Depth {
            ready: count(&work, "current-jobs-ready"),
            delayed: count(&work, "current-jobs-delayed"),
            leased: count(&work, "current-jobs-reserved"),
            dead: count(&work, "current-jobs-buried")
                + count(&dead, "current-jobs-ready")
                + count(&dead, "current-jobs-reserved"),
            consumers: count(&work, "current-watching"),
        };
        Ok(ChannelStats {
            enqueued: Some(count(&work, "total-jobs")),
            settled: Some(count(&work, "cmd-delete")),
            paused: count(&work, "pause-time-left") > 0,
            ..ChannelStats::new(channel.clone(), depth)
        })
    }

    /// The age of the job that is next, which without priorities is the oldest.
    async fn oldest_ms(&self, channel: &Channel) -> Result<u64> {
        let tube = self.0.options.names.work(channel);
        let Reply::Found { id, .. } = self.0.answer(Some(tube), Command::PeekReady).await? else { return Ok(0) };
        let Reply::Ok(body) = self.0.answer(None, Command::StatsJob(id)).await? else { return Ok(0) };
        Ok(Stats::of(&body).number::<u64>("age").unwrap_or_default().saturating_mul(1_000))
    }

    async fn all(&self) -> Result<Vec<ChannelStats>> {
        let Reply::Ok(list) = self.0.answer(None, Command::ListTubes).await? else { return Ok(Vec::new()) };
        let tubes = &self.0.options.names;
        let channel = |tube: &str| match tubes.role(tube) {
            Some(Role::Work(channel)) => Some(channel),
            _ => tubes.companion_of(tube),
        };
        let channels: BTreeSet<Channel> = names(&list).filter_map(channel).collect();
        let mut rows = Vec::new();
        for channel in channels {
            let mut row = self.look(&channel).await?;
            row.oldest_ms = match row.ready {
                0 => Some(0),
                _ => Some(self.oldest_ms(&channel).await?),
            };
            rows.push(row);
        }
        Ok(rows)
    }

    /// The dead letters, which are reserved for as long as the connection is open.
    async fn letters(&self, channel: &Channel, limit: usize) -> Result<(Errand, Vec<(u64, Bytes)>)> {
        let mut errand = Errand::begin(&self.0).await?;
        errand.watch(&self.0.options.names.dead(channel)).await?;
        let jobs = errand.reserve(limit).await?;
        Ok((errand, jobs))
    }

    /// One dead letter of this channel, reserved, if there is one of this number.
    async fn letter(&self, channel: &Channel, number: u64) -> Result<(Errand, Vec<(u64, Bytes)>)> {
        let mut errand = Errand::begin(&self.0).await?;
        let stats = errand.ask(&[Command::StatsJob(number)]).await?;
        let dead = self.0.options.names.dead(channel);
        let of_channel = |body: &Bytes| Stats::of(body).text("tube") == Some(dead.as_str());
        if !matches!(stats.first(), Some(Reply::Ok(body)) if of_channel(body)) {
            return Ok((errand, Vec::new()));
        }
        let reserved = errand.ask(&[Command::ReserveJob(number)]).await?;
        let jobs = reserved.into_iter().filter_map(|reply| match reply {
            Reply::Reserved { id, body } => Some((id, body)),
            _ => None,
        });
        let jobs = jobs.collect();
        Ok((errand, jobs))
    }

    async fn chosen(
        &self,
        channel: &Channel,
        number: Option<u64>,
        limit: usize,
    ) -> Result<(Errand, Vec<(u64, Bytes)>)> {
        match number {
            Some(number) => self.letter(channel, number).await,
            None => self.letters(channel, limit).await,
        }
    }

    async fn revive(&self, channel: &Channel, number: Option<u64>, limit: usize) -> Result<u64> {
        let (mut errand, jobs) = self.chosen(channel, number, limit).await?;
        let tube = self.0.options.names.work(channel);
        let mut kicked = 0;
        for (id, body) in jobs {
            let items = job::read(body).unwrap_or_default();
            for item in items {
                // Its time has passed long ago; whoever kicks it wants it done nevertheless.
                let body = job::single(&item.envelope, &Notes::default()).freeze();
                self.0.put_bytes(tube.clone(), EnqueueOptions::DEFAULT_PRIORITY, body).await?;
            }
            kicked += errand.delete([id]).await?;
        }
        Ok(kicked)
    }

    async fn list(&self, channel: &Channel, limit: u32) -> Result<Vec<DeadLetter>> {
        let (_errand, jobs) = self.letters(channel, limit as usize).await?;
        let now = job::now_ms();
        let letters = jobs.into_iter().filter_map(|(number, body)| {
            let item = job::read(body)?.into_iter().next()?;
            let age = item.notes.died.map_or(0, |died| now.saturating_sub(died));
            Some(DeadLetter {
                number,
                id: item.envelope.id,
                reason: item.notes.reason.unwrap_or_default(),
                attempts: item.notes.attempts,
                age: Duration::from_millis(age),
                envelope: item.envelope,
            })
        });
        Ok(letters.collect())
    }

    async fn discard(&self, channel: &Channel, number: Option<u64>) -> Result<u64> {
        let (mut errand, jobs) = self.chosen(channel, number, usize::MAX).await?;
        errand.delete(jobs.into_iter().map(|(id, _)| id)).await
    }

    async fn hold_back(&self, channel: &Channel, time: Duration) -> Result<()> {
        let tube = self.0.options.names.work(channel);
        let seconds = whole_seconds(time);
        match self.0.answer(None, Command::PauseTube { tube: &tube, seconds }).await? {
            Reply::Paused => Ok(()),
            Reply::NotFound if seconds == 0 => Ok(()),
            Reply::NotFound => Err(BrokerError::refused(format!(
                "beanstalkd pauses only a channel that has work or a consumer, and {channel} has neither"
            ))),
            other => Err(BrokerError::refused(format!("beanstalkd answered {other:?} to a pause of {channel}"))),
        }
    }
}

impl Admin for View {
    fn server(&self) -> BoxFuture<'_, Result<Option<String>>> {
        Box::pin(async {
            let Reply::Ok(body) = self.0.answer(None, Command::Stats).await? else { return Ok(None) };
            Ok(Stats::of(&body).text("version").map(|version| format!("beanstalkd {version}")))
        })
    }

    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>>> {
        Box::pin(self.all())
    }

    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>>> {
        Box::pin(self.list(channel, limit))
    }

    fn kick<'a>(&'a self, channel: &'a Channel, number: Option<u64>, limit: u32) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.revive(channel, number, limit as usize))
    }

    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.discard(channel, number))
    }

    fn pause<'a>(&'a self, channel: &'a Channel, time: Duration) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.hold_back(channel, time))
    }
}
