//! An inbox: a stream that expires, read by one blocking connection. What was put into it while the connection
//! was away is read when it is back.

use std::{sync::Arc, time::Duration};

use ::redis::{FromRedisValue as _, RedisError, Value, aio::MultiplexedConnection, cmd};
use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{AckSender, BrokerError, ReplySink},
};
use tokio::{
    sync::watch,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::remote::{Notice, Pauses, members};

use super::{
    entry::entries,
    link::{connect, load_scripts},
    names::Place,
    scripts::Script,
    shared::Task,
    trouble::{Refusal, is_answer, refused},
};

/// An inbox whose client is away stays for so long.
const KEPT: Duration = Duration::from_secs(60);

/// How often it is said that the client is there.
const REFRESH: Duration = Duration::from_secs(5);

/// How long a read waits.
const BLOCK: Duration = Duration::from_secs(1);

/// How many replies are read at once. A reply's entry may hold many.
const COUNT: u32 = 512;

/// Replies that were read are deleted when they are so many bytes, or when no others come: to be told so each time would
/// cost the server and this process as much as a read.
const READ: usize = 64 << 10;

/// The reader of an inbox.
pub(super) struct InboxReader {
    pub(super) task: Task,
    pub(super) inbox: Guid,
    pub(super) place: Arc<Place>,
    pub(super) sink: Arc<dyn ReplySink>,
    /// Who waits for the inbox to be there.
    pub(super) opened: Option<AckSender>,
    /// Ends when the inbox is closed.
    pub(super) closed: watch::Receiver<()>,
}

impl InboxReader {
    /// Reads until the inbox or the broker is closed.
    pub(super) async fn run(mut self) {
        let nodes = Arc::clone(&self.task.0.nodes);
        let mut closed = self.closed.clone();
        tokio::select! {
            () = self.read_on() => {}
            () = nodes.left() => {}
            // Nothing is ever sent: it ends with its sender.
            _ = closed.changed() => {}
        }
        let mut delete = cmd("DEL");
        delete.arg(&self.place.base);
        self.task.0.tell(&self.place, delete);
    }

    async fn read_on(&mut self) {
        let nodes = Arc::clone(&self.task.0.nodes);
        let (mut pauses, mut place) = (Pauses::default(), Bytes::new());
        loop {
            let node = nodes.of(self.place.slot);
            let failed = match connect(&nodes.options, &node.address, BLOCK).await {
                Ok(connection) => self.follow(connection, &mut place, &mut pauses).await,
                Err(error) => Err(error),
            };
            if let Err(error) = failed {
                node.suspect();
                tracing::debug!(inbox = %self.inbox, %error, "an inbox's connection ended");
                let is_final = is_answer(&error) && Refusal::of(&error).is_told();
                match self.opened.take() {
                    Some(opened) if is_final => return opened.send(Err(refused(&error))),
                    opened => self.opened = opened,
                }
            }
            sleep(pauses.next()).await;
            drop(nodes.refresh().await);
        }
    }

    /// Reads on from a place in the inbox, until the connection breaks.
    async fn follow(
        &mut self,
        mut connection: MultiplexedConnection,
        place: &mut Bytes,
        pauses: &mut Pauses,
    ) -> Result<(), RedisError> {
        load_scripts(&mut connection).await?;
        // What was read through an earlier connection may still be there.
        let mut read_before = usize::from(self.opened.is_none());
        self.keep(&mut connection, place).await?;
        pauses.works();
        if let Some(opened) = self.opened.take() {
            opened.send(Ok(()));
        }
        let mut kept = Instant::now();
        let mut is_idle = false;
        loop {
            if kept.elapsed() >= REFRESH {
                self.keep(&mut connection, place).await?;
                kept = Instant::now();
            }
            let mut batch = ::redis::pipe();
            let deletes = read_before >= READ || (is_idle && read_before > 0);
            if deletes {
                read_before = 0;
                batch.cmd("XTRIM").arg(&self.place.base).arg("MINID").arg(after(place));
            }
            let block = u64::try_from(BLOCK.as_millis()).unwrap_or_default();
            batch.cmd("XREAD").arg("COUNT").arg(COUNT).arg("BLOCK").arg(block);
            batch.arg("STREAMS").arg(&self.place.base).arg(&place[..]);
            let mut answers = connection.send_packed_commands(&batch, 0, 1 + usize::from(deletes)).await?;
            let read = answers.pop().unwrap_or(Value::Nil).extract_error()?;
            self.task.0.busy_poll.came();
            let entries = entries(read);
            is_idle = entries.is_empty();
            for (id, fields) in entries {
                *place = id;
                for (_, body) in fields.into_iter().filter(|(name, _)| &name[..] == b"m") {
                    read_before += body.len();
                    members(body).unwrap_or_default().into_iter().for_each(|reply| self.hear(reply));
                }
            }
            if !is_idle {
                // Calls that follow at once go out before the next read, which is only to wait.
                yield_now().await;
                yield_now().await;
            }
        }
    }

    /// Keeps the inbox; if it is gone, so are replies, and it is opened anew.
    async fn keep(&self, connection: &mut MultiplexedConnection, place: &mut Bytes) -> Result<(), RedisError> {
        let kept = u64::try_from(KEPT.as_millis()).unwrap_or_default();
        let mut open = Script::Open.call(&[&self.place.base]);
        open.arg(kept).arg(&place[..]);
        let found: Value = open.query_async(connection).await?;
        if found == Value::Nil {
            let lost = BrokerError::lost("Redis has lost the inbox, and with it replies");
            self.sink.lost(lost, &self.task.0.nodes.unsent());
            let mut open = Script::Open.call(&[&self.place.base]);
            open.arg(kept).arg("");
            *place = Vec::<u8>::from_redis_value(open.query_async(connection).await?)?.into();
        } else if place.is_empty() {
            *place = Vec::<u8>::from_redis_value(found)?.into();
        }
        Ok(())
    }

    fn hear(&self, body: Bytes) {
        match Envelope::decode(body) {
            Ok(reply) => {
                if reply.kind == Kind::Reply {
                    self.task.0.nodes.load().ended(reply.id);
                }
                match reply.status.as_ref().and_then(|_| Notice::read(&reply)) {
                    Some(error) => self.sink.refused(reply.id, error),
                    None => self.sink.reply(Arc::new(reply)),
                }
            }
            Err(error) => tracing::warn!(inbox = %self.inbox, %error, "what came is no reply"),
        }
    }
}

/// The number that follows an entry's, for what was read is deleted.
fn after(id: &Bytes) -> String {
    let text = String::from_utf8_lossy(id);
    let next =
        text.split_once('-').and_then(|(ms, sequence)| Some(format!("{ms}-{}", sequence.parse::<u64>().ok()? + 1)));
    next.unwrap_or_else(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_deleted_and_no_more() {
        assert_eq!(after(&Bytes::from("17-0")), "17-1");
    }
}
