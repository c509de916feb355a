//! An inbox: a tube that one connection watches, on which replies come.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{Ack, AckSender, BrokerError, Inbox, InboxGuard, ReplySink},
};
use tokio::{io::AsyncWriteExt as _, sync::oneshot};

use super::{
    burst::Burst,
    codec::{Command, Reply},
    janitor, job,
    pipe::{Pipe, SILENCE, Trouble},
    shared::{Shared, lock},
};
use crate::remote::{Notice, Pauses};

/// How long one `reserve` waits, in seconds: a connection that is dead is found out soon after.
const WAIT: u32 = 2;

/// How many jobs are asked for at once, at most.
const BURST: usize = 32;

/// Closes an inbox when dropped.
struct Guard {
    shared: Arc<Shared>,
    inbox: Guid,
    _open: oneshot::Sender<()>,
}

impl InboxGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.remove_inbox(self.inbox);
    }
}

/// Opens an inbox.
pub(super) async fn open(shared: &Arc<Shared>, sink: Arc<dyn ReplySink>) -> Result<Inbox, BrokerError> {
    if shared.is_closed() {
        return Err(super::shared::closed());
    }
    let inbox = Guid::private();
    let (open, closed) = oneshot::channel();
    let (opened, ack) = Ack::waiting();
    shared.add_inbox(inbox, Arc::clone(&sink));
    let guard = Guard { shared: Arc::clone(shared), inbox, _open: open };
    let reader = Reading { shared: Arc::clone(shared), tube: shared.options.names.inbox(inbox), sink };
    shared.spawn(run(reader, opened, closed));
    ack.await?;
    Ok(Inbox::new(inbox, Box::new(guard)))
}

struct Reading {
    shared: Arc<Shared>,
    tube: String,
    sink: Arc<dyn ReplySink>,
}

/// Brings replies until the inbox or the broker is closed.
async fn run(reading: Reading, opened: AckSender, closed: oneshot::Receiver<()>) {
    let mut closing = reading.shared.closing();
    let is_closed = tokio::select! {
        () = reading.reconnect(opened) => false,
        _ = closing.wait_for(|closing| *closing) => false,
        _ = closed => true,
    };
    if is_closed {
        janitor::purge_if_unwatched(&reading.shared, &reading.tube).await;
    }
}

impl Reading {
    async fn reconnect(&self, opened: AckSender) {
        let (mut opened, mut pauses) = (Some(opened), Pauses::default());
        loop {
            let trouble = match Pipe::open(&self.shared.options.place).await {
                Ok(pipe) => {
                    pauses.works();
                    self.bring(pipe, &mut opened).await.err()
                }
                Err(error) => Some(Trouble(error.to_string())),
            };
            if let Some(trouble) = trouble {
                tracing::debug!(reason = %trouble, "an inbox has no connection");
            }
            tokio::time::sleep(pauses.next()).await;
        }
    }

    async fn bring(&self, mut pipe: Pipe, opened: &mut Option<AckSender>) -> Result<(), Trouble> {
        let mut out = BytesMut::new();
        Command::Watch(&self.tube).encode(&mut out);
        Command::Ignore("default").encode(&mut out);
        pipe.writer.write_all(&out).await?;
        for _ in 0..2 {
            pipe.reader.next(SILENCE).await?;
        }
        if let Some(opened) = opened.take() {
            opened.send(Ok(()));
        }
        let (mut burst, mut taken) = (Burst::up_to(BURST), Vec::new());
        loop {
            let at_once = burst.at_once();
            let jobs = exchange(&mut pipe, &taken, at_once).await?;
            burst.came(at_once.unwrap_or(1), jobs.len());
            taken.clear();
            for (id, body) in jobs {
                taken.push(id);
                job::replies(body).into_iter().for_each(|reply| self.pass_on(reply));
            }
            // Whoever has waited for these replies may send the next requests first.
            tokio::task::yield_now().await;
        }
    }

    fn pass_on(&self, reply: Arc<Envelope>) {
        if reply.kind == Kind::Reply {
            lock(&self.shared.load).ended(reply.id);
        }
        match reply.status.as_ref().and_then(|_| Notice::read(&reply)) {
            Some(error) => self.sink.refused(reply.id, error),
            None => self.sink.reply(reply),
        }
    }
}

/// Deletes the jobs that were taken, and takes the next: so many that are there, or one that is waited for.
async fn exchange(pipe: &mut Pipe, taken: &[u64], at_once: Option<usize>) -> Result<Vec<(u64, Bytes)>, Trouble> {
    let mut out = BytesMut::new();
    taken.iter().for_each(|id| Command::Delete(*id).encode(&mut out));
    let (seconds, wanted) = at_once.map_or((WAIT, 1), |count| (0, count));
    (0..wanted).for_each(|_| Command::Reserve { seconds }.encode(&mut out));
    pipe.writer.write_all(&out).await?;
    for _ in taken {
        pipe.reader.next(SILENCE).await?;
    }
    let mut jobs = Vec::new();
    for _ in 0..wanted {
        if let Reply::Reserved { id, body } = pipe.reader.next(SILENCE + Duration::from_secs(seconds.into())).await? {
            jobs.push((id, body));
        }
    }
    Ok(jobs)
}
