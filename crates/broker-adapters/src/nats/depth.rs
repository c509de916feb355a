//! How much a channel holds.

use std::{collections::HashMap, time::SystemTime};

use skyloom_core::{
    Channel,
    broker::{BrokerError, ChannelStats, Depth},
};

use super::{
    api::{ConsumerInfo, Meaning, StreamInfo, StreamList},
    ask::AskError,
    link::Link,
    names::{Names, Target},
    time::since_epoch,
};

fn missing_is<T: Default>(result: Result<T, AskError>) -> Result<T, AskError> {
    match result {
        Err(error) if error.meaning() == Meaning::Missing => Ok(T::default()),
        result => result,
    }
}

impl Link {
    /// What a channel holds; zero for one that does not exist.
    pub(super) async fn depth(&self, channel: &Channel) -> Result<Depth, BrokerError> {
        let target = Target::of(channel);
        let Some(stream) = self.names.stream(&target).filter(|_| !self.is_core(&target)) else {
            return Ok(Depth::default());
        };
        let info: Result<StreamInfo, _> = self.api(&format!("STREAM.INFO.{stream}"), None).await;
        let info = match info {
            Err(error) if error.meaning() == Meaning::Missing => return Ok(Depth::default()),
            info => info?,
        };
        let consumers = missing_is(self.consumers(&stream).await)?.known;
        let dead = self.dead_counts().await?.get(&self.names.dead(channel)).copied().unwrap_or(0);
        Ok(depth_of(channel, &info, &consumers, dead))
    }

    /// How many dead letters there are, by subject.
    async fn dead_counts(&self) -> Result<HashMap<String, u64>, AskError> {
        let question = serde_json::json!({ "subjects_filter": self.names.dead_subjects() });
        let subject = format!("STREAM.INFO.{}", self.names.dead_stream());
        let info: Result<Option<StreamInfo>, _> = missing_is(self.api(&subject, Some(question)).await.map(Some));
        Ok(info?.and_then(|info| info.state.subjects).unwrap_or_default())
    }

    /// All channels that JetStream keeps, by name.
    pub(super) async fn channels(&self) -> Result<Vec<ChannelStats>, BrokerError> {
        let dead = self.dead_counts().await?;
        let mut rows = Vec::new();
        let mut seen = 0;
        loop {
            let question = serde_json::json!({ "offset": seen });
            let page: StreamList = self.api("STREAM.LIST", Some(question)).await?;
            let streams = page.streams.unwrap_or_default();
            let is_last = streams.is_empty() || seen + streams.len() >= page.total;
            seen += streams.len();
            for stream in streams {
                let Some(target) = self.names.target(&stream.config.name) else { continue };
                let consumers = missing_is(self.consumers(&stream.config.name).await)?.known;
                for channel in channels_of(&target, &consumers) {
                    let dead = dead.get(&self.names.dead(&channel)).copied().unwrap_or(0);
                    rows.push(stats_of(channel, &stream, &consumers, dead));
                }
            }
            if is_last {
                rows.sort_by(|a, b| a.channel.cmp(&b.channel));
                return Ok(rows);
            }
        }
    }
}

fn channels_of(target: &Target, consumers: &[ConsumerInfo]) -> Vec<Channel> {
    match target {
        Target::Queue(name) => vec![Channel::Queue(name.clone())],
        _ => consumers.iter().filter_map(|consumer| Names::channel(target, &consumer.name)).collect(),
    }
}

fn depth_of(channel: &Channel, stream: &StreamInfo, consumers: &[ConsumerInfo], dead: u64) -> Depth {
    let name = Names::workers(channel);
    let shared = consumers.iter().find(|consumer| consumer.name == name);
    let leased = shared.map_or(0, |consumer| consumer.num_ack_pending);
    let ready = match channel {
        Channel::Group(..) => shared.map_or(0, |consumer| consumer.num_pending),
        _ => stream.state.messages.saturating_sub(leased),
    };
    let marker = Names::marker(channel);
    let markers = consumers.iter().filter(|consumer| consumer.name.starts_with(&marker)).count();
    Depth { ready, delayed: 0, leased, dead, consumers: u64::try_from(markers).unwrap_or(u64::MAX) }
}

fn stats_of(channel: Channel, stream: &StreamInfo, consumers: &[ConsumerInfo], dead: u64) -> ChannelStats {
    let state = &stream.state;
    let depth = depth_of(&channel, stream, consumers, dead);
    let name = Names::workers(&channel);
    let shared = consumers.iter().find(|consumer| consumer.name == name);
    // The first delivery of each message advances both numbers, every other only the consumer's.
    let redelivered =
        shared.map_or(0, |consumer| consumer.delivered.consumer_seq.saturating_sub(consumer.delivered.stream_seq));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let oldest = since_epoch(&state.first_ts).filter(|_| state.messages > 0);
    let oldest_ms = oldest.map_or(0, |then| u64::try_from(now.saturating_sub(then).as_millis()).unwrap_or(u64::MAX));
    ChannelStats {
        bytes: Some(state.bytes),
        enqueued: Some(state.last_seq),
        settled: Some(state.last_seq.saturating_sub(state.messages)),
        redelivered: Some(redelivered),
        oldest_ms: Some(oldest_ms),
        ..ChannelStats::new(channel, depth)
    }
}
