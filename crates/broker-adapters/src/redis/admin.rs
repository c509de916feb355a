//! An operator's view of the channels in Redis.

use std::{sync::Arc, time::Duration};

use ::redis::{FromRedisValue, Value, cmd};
use bytes::Bytes;
use skyloom_core::{
    Channel, Envelope,
    broker::{Admin, BoxFuture, BrokerError, ChannelStats, DeadLetter, Depth},
};

use super::{entry::rows_of, names::Place, scripts::Script, shared::Shared};

/// So many dead letters are kicked or deleted at once; a script runs alone.
const AT_ONCE: u64 = 500;

/// What an operator may ask.
#[derive(Clone)]
pub(super) struct Operator(pub(super) Arc<Shared>);

fn read<T: FromRedisValue>(value: Value) -> Result<T, BrokerError> {
    ::redis::from_redis_value(value)
        .map_err(|error| BrokerError::refused(format!("its answer does not fit the question: {error}")))
}

impl Operator {
    async fn figures(&self, channel: &Channel) -> Result<ChannelStats, BrokerError> {
        let place = self.0.names.channel(channel);
        let stats = Script::Stats.call(&[&place.base]);
        let mut figures = read::<Vec<u64>>(self.0.ask(&place, stats).await?)?.into_iter();
        let mut next = || figures.next().unwrap_or_default();
        let (ready, delayed, leased, dead, consumers) = (next(), next(), next(), next(), next());
        Ok(ChannelStats {
            bytes: Some(next()),
            enqueued: Some(next()),
            settled: Some(next()),
            redelivered: Some(next()),
            expired: Some(next()),
            oldest_ms: Some(next()),
            ..ChannelStats::new(channel.clone(), Depth { ready, delayed, leased, dead, consumers })
        })
    }

    /// How much work a channel holds.
    pub(super) async fn depth(&self, channel: &Channel) -> Result<Depth, BrokerError> {
        let ChannelStats { ready, delayed, leased, dead, consumers, .. } = self.figures(channel).await?;
        Ok(Depth { ready, delayed, leased: leased.unwrap_or_default(), dead, consumers })
    }

    async fn letters(
        &self,
        place: &Arc<Place>,
        word: &str,
        number: Option<u64>,
        limit: u64,
    ) -> Result<u64, BrokerError> {
        let mut done = 0;
        while done < limit {
            let now = (limit - done).min(AT_ONCE);
            let mut letters = Script::Letters.call(&[&place.base]);
            letters.arg(word).arg(number.unwrap_or(0)).arg(now);
            let (count, is_whole): (u64, u64) = read(self.0.ask_once(place, letters).await?)?;
            done += count;
            if count < now && is_whole > 0 {
                break;
            }
        }
        Ok(done)
    }

    async fn dead(&self, channel: &Channel, limit: u32) -> Result<Vec<DeadLetter>, BrokerError> {
        let place = self.0.names.channel(channel);
        let mut range = cmd("XRANGE");
        range.arg(format!("{}:dead", place.base)).arg("-").arg("+").arg("COUNT").arg(limit);
        let rows = rows_of(self.0.ask(&place, range).await?);
        let time: (u64, u64) = read(self.0.ask(&place, cmd("TIME")).await?)?;
        let now = time.0 * 1_000 + time.1 / 1_000;
        let letter = |(id, fields): (Bytes, Vec<(Bytes, Bytes)>)| {
            let field = |name: &[u8]| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let text = |name| field(name).map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default();
            let envelope = Envelope::decode(field(b"e").unwrap_or_default()).unwrap_or_default();
            let died: u64 = text(b"t").parse().unwrap_or(now);
            DeadLetter {
                number: String::from_utf8_lossy(&id).split('-').next().and_then(|id| id.parse().ok()).unwrap_or(0),
                id: envelope.id,
                reason: text(b"r"),
                attempts: text(b"a").parse().unwrap_or_default(),
                age: Duration::from_millis(now.saturating_sub(died)),
                envelope,
            }
        };
        Ok(rows.into_iter().map(letter).collect())
    }

    async fn channels(&self) -> Result<Vec<ChannelStats>, BrokerError> {
        let place = Arc::new(self.0.names.channels());
        let mut members = cmd("SMEMBERS");
        members.arg(&place.base);
        let names: Vec<String> = read(self.0.ask(&place, members).await?)?;
        let mut channels: Vec<Channel> = names.iter().filter_map(|name| name.parse().ok()).collect();
        channels.sort();
        futures_util::future::try_join_all(channels.iter().map(|channel| self.figures(channel))).await
    }
}

impl Admin for Operator {
    fn server(&self) -> BoxFuture<'_, Result<Option<String>, BrokerError>> {
        Box::pin(async {
            let mut info = cmd("INFO");
            info.arg("server");
            let info = read::<String>(self.0.ask(&Arc::new(self.0.names.channels()), info).await?)?;
            let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            // Valkey calls itself a Redis of the version that it grew from, and tells its own beside it.
            let valkey = value("valkey_version").map(|version| format!("Valkey {}", version.trim()));
            Ok(valkey.or_else(|| value("redis_version").map(|version| format!("Redis {}", version.trim()))))
        })
    }

    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>, BrokerError>> {
        Box::pin(self.channels())
    }

    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        Box::pin(self.dead(channel, limit))
    }

    fn kick<'a>(
        &'a self,
        channel: &'a Channel,
        number: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<u64, BrokerError>> {
        let limit = if number.is_some() { 1 } else { limit.into() };
        let place = self.0.names.channel(channel);
        Box::pin(async move { self.letters(&place, "kick", number, limit).await })
    }

    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64, BrokerError>> {
        let limit = if number.is_some() { 1 } else { u64::MAX };
        let place = self.0.names.channel(channel);
        Box::pin(async move { self.letters(&place, "drop", number, limit).await })
    }

    fn pause<'a>(&'a self, _: &'a Channel, _: Duration) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async {
            Err(BrokerError::Unsupported { broker: "redis", operation: "hold back a channel's deliveries" })
        })
    }
}
