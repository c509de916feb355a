//! An operator's view of JetStream.

use std::time::{Duration, SystemTime};

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use serde_json::{Value, json};
use skyloom_core::{
    Channel, Envelope,
    broker::{Admin, BoxFuture, BrokerError, ChannelStats, DeadLetter},
};

use super::{
    api::{Failed, Meaning, Purged},
    ask::{AskError, refused},
    dead::{ATTEMPTS, ONLY, REASON},
    handle::Handle,
    link::Link,
    names::Target,
    time::since_epoch,
};

/// The most dead letters that one answer lists.
const LISTED: u32 = 1_000;

/// A dead letter as the server has it.
struct Letter {
    number: u64,
    message: Message,
}

impl Letter {
    fn header(&self, name: &str) -> Option<&str> {
        self.message.headers.as_ref()?.get(name).map(async_nats::HeaderValue::as_str)
    }

    fn read(&self) -> Option<DeadLetter> {
        let envelope = Envelope::decode(self.message.payload.clone()).ok()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let died = self.header("Nats-Time-Stamp").and_then(since_epoch);
        Some(DeadLetter {
            number: self.number,
            id: envelope.id,
            reason: self.header(REASON).unwrap_or_default().to_owned(),
            attempts: self.header(ATTEMPTS).and_then(|text| text.parse().ok()).unwrap_or(0),
            age: died.map_or(Duration::ZERO, |died| now.saturating_sub(died)),
            envelope,
        })
    }
}

impl Link {
    /// The first dead letter of a channel from this number on.
    async fn letter(&self, channel: &Channel, from: u64) -> Result<Option<Letter>, AskError> {
        let question = json!({ "seq": from, "next_by_subj": self.names.dead(channel) });
        let subject = format!("$JS.API.DIRECT.GET.{}", self.names.dead_stream());
        let message = match self.ask(subject, question.to_string()).await {
            // Without a stream of dead letters nobody answers.
            Err(AskError::Silent(_)) if !self.has_dead_stream().await? => return Ok(None),
            message => message?,
        };
        if message.status.is_some_and(|status| status.as_u16() == 404) {
            return Ok(None);
        }
        let number = message.headers.as_ref().and_then(|headers| headers.get("Nats-Sequence"));
        let number = number.and_then(|number| number.as_str().parse().ok());
        let missing = || AskError::Silent("JetStream's answer has no number".to_owned());
        Ok(Some(Letter { number: number.ok_or_else(missing)?, message }))
    }

    async fn has_dead_stream(&self) -> Result<bool, AskError> {
        let info: Result<Value, _> = self.api(&format!("STREAM.INFO.{}", self.names.dead_stream()), None).await;
        match info {
            Ok(_) => Ok(true),
            Err(error) if error.meaning() == Meaning::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The dead letters that are meant: one by number, or the oldest.
    async fn letters(&self, channel: &Channel, number: Option<u64>, limit: u32) -> Result<Vec<Letter>, AskError> {
        let mut letters = Vec::new();
        let mut from = number.unwrap_or(1);
        let limit = if number.is_some() { 1 } else { limit.min(LISTED) };
        while letters.len() < limit as usize {
            match self.letter(channel, from).await? {
                Some(letter) if number.is_none_or(|number| number == letter.number) => {
                    from = letter.number + 1;
                    letters.push(letter);
                }
                _ => break,
            }
        }
        Ok(letters)
    }

    async fn delete(&self, letter: &Letter) -> Result<bool, AskError> {
        let subject = format!("STREAM.MSG.DELETE.{}", self.names.dead_stream());
        let deleted: Result<Value, _> = self.api(&subject, Some(json!({ "seq": letter.number }))).await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error) if error.meaning() == Meaning::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a dead letter where it came from, as a new message; for a group, so that no other group gets it.
    async fn revive(&self, channel: &Channel, body: Bytes) -> Result<(), BrokerError> {
        let target = Target::of(channel);
        self.ensure_stream(&target).await?;
        let mut headers = HeaderMap::new();
        if let Channel::Group(_, group) = channel {
            headers.insert(ONLY, group.as_str());
        }
        let request = async_nats::Request::new().payload(body).headers(headers);
        let answer = self.client.send_request(self.names.subject(&target), request).await;
        let answer = answer.map_err(|error| BrokerError::lost(format!("it was not confirmed: {error}")))?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Failed { error: None }) => Ok(()),
            Ok(Failed { error: Some(error) }) => Err(refused(&target.to_string(), &error)),
            Err(error) => Err(BrokerError::lost(format!("its confirmation is garbled: {error}"))),
        }
    }

    async fn kick(&self, channel: &Channel, number: Option<u64>, limit: u32) -> Result<u64, BrokerError> {
        let mut kicked = 0;
        for letter in self.letters(channel, number, limit).await? {
            // First it is where it came from, and then no dead letter any more: it is never nowhere.
            self.revive(channel, letter.message.payload.clone()).await?;
            self.delete(&letter).await?;
            kicked += 1;
        }
        Ok(kicked)
    }

    async fn drop_dead(&self, channel: &Channel, number: Option<u64>) -> Result<u64, BrokerError> {
        if number.is_some() {
            let mut dropped = 0;
            for letter in self.letters(channel, number, 1).await? {
                dropped += u64::from(self.delete(&letter).await?);
            }
            return Ok(dropped);
        }
        let question = json!({ "filter": self.names.dead(channel) });
        let purged: Result<Purged, _> =
            self.api(&format!("STREAM.PURGE.{}", self.names.dead_stream()), Some(question)).await;
        match purged {
            Ok(Purged { purged }) => Ok(purged),
            Err(error) if error.meaning() == Meaning::Missing => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

impl Admin for Handle {
    fn server(&self) -> BoxFuture<'_, Result<Option<String>, BrokerError>> {
        let version = self.0.client.server_info().version;
        Box::pin(std::future::ready(Ok((!version.is_empty()).then(|| format!("nats-server {version}")))))
    }

    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>, BrokerError>> {
        Box::pin(self.0.channels())
    }

    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        Box::pin(async move {
            let letters = self.0.letters(channel, None, limit).await?;
            Ok(letters.iter().filter_map(Letter::read).collect())
        })
    }

    fn kick<'a>(
        &'a self,
        channel: &'a Channel,
        number: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(self.0.kick(channel, number, limit))
    }

    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(self.0.drop_dead(channel, number))
    }

    fn pause<'a>(&'a self, _: &'a Channel, _: Duration) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async { Err(BrokerError::Unsupported { broker: "nats", operation: "pause a channel" }) })
    }
}
