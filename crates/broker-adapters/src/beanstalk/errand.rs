//! A connection of its own for a job that would hold up others: emptying a tube, or looking through one.

use bytes::{Bytes, BytesMut};
use skyloom_core::broker::BrokerError;
use tokio::io::AsyncWriteExt as _;

use super::{
    codec::{Command, Reply},
    pipe::{Pipe, SILENCE, Trouble},
    shared::Shared,
};

/// How many commands are sent at once.
const BATCH: usize = 64;

/// A connection for a while. What it has reserved goes back when it is dropped.
pub(super) struct Errand(Pipe);

fn failed(trouble: Trouble) -> BrokerError {
    BrokerError::lost(trouble.0)
}

impl Errand {
    pub(super) async fn begin(shared: &Shared) -> Result<Self, BrokerError> {
        if shared.is_closed() {
            return Err(super::shared::closed());
        }
        let opened = Pipe::open(&shared.options.place).await;
        opened.map(Self).map_err(|error| BrokerError::unavailable(error.to_string()))
    }

    /// Sends commands, and waits for the answers.
    pub(super) async fn ask(&mut self, commands: &[Command<'_>]) -> Result<Vec<Reply>, BrokerError> {
        let mut replies = Vec::with_capacity(commands.len());
        for commands in commands.chunks(BATCH) {
            let mut out = BytesMut::new();
            commands.iter().for_each(|command| command.encode(&mut out));
            self.0.writer.write_all(&out).await.map_err(|error| failed(error.into()))?;
            for _ in commands {
                replies.push(self.0.reader.next(SILENCE).await.map_err(failed)?);
            }
        }
        Ok(replies)
    }

    /// Takes jobs from this tube only.
    pub(super) async fn watch(&mut self, tube: &str) -> Result<(), BrokerError> {
        self.ask(&[Command::Watch(tube), Command::Ignore("default")]).await.map(drop)
    }

    /// Takes no more jobs from a tube.
    pub(super) async fn unwatch(&mut self, tube: &str) -> Result<(), BrokerError> {
        self.ask(&[Command::Watch("default"), Command::Ignore(tube)]).await.map(drop)
    }

    /// Reserves what is ready in the tube that is watched, at most so many.
    pub(super) async fn reserve(&mut self, limit: usize) -> Result<Vec<(u64, Bytes)>, BrokerError> {
        let mut jobs = Vec::new();
        while jobs.len() < limit {
            let wanted = BATCH.min(limit - jobs.len());
            let replies = self.ask(&vec![Command::Reserve { seconds: 0 }; wanted]).await?;
            let before = jobs.len();
            jobs.extend(replies.into_iter().filter_map(|reply| match reply {
                Reply::Reserved { id, body } => Some((id, body)),
                _ => None,
            }));
            if jobs.len() < before + wanted {
                break;
            }
        }
        Ok(jobs)
    }

    /// Deletes jobs; how many there were.
    pub(super) async fn delete(&mut self, jobs: impl IntoIterator<Item = u64>) -> Result<u64, BrokerError> {
        let commands: Vec<_> = jobs.into_iter().map(Command::Delete).collect();
        let replies = self.ask(&commands).await?;
        Ok(replies.into_iter().filter(|reply| *reply == Reply::Deleted).count() as u64)
    }
}
