//! An operator's view of a broker in another process.

use std::time::Duration;

use bytes::Bytes;
use skyloom_broker::{
    engine::{AdminAnswer, AdminCommand},
    wire::{ClientFrame, VERSION},
};
use skyloom_core::{
    Channel, Envelope,
    broker::{Admin, BoxFuture, BrokerError, ChannelStats, DeadLetter, Depth},
};
use tokio::sync::oneshot;

use super::{handle::Handle, state::Confirm, tickets::Waiting};
use crate::answers;

type Result<T> = std::result::Result<T, BrokerError>;

fn envelope(body: Bytes) -> Result<Envelope> {
    Envelope::decode(body).map_err(|error| BrokerError::refused(error.to_string()))
}

impl Handle {
    async fn command(&self, command: AdminCommand) -> Result<AdminAnswer<Bytes>> {
        let (sender, answer) = oneshot::channel();
        let frame = |ticket| ClientFrame::<Bytes>::Admin { ticket, command };
        let sent = self.0.lock().submit_waiting(Waiting::Admin(sender), frame);
        self.0.submitted(sent);
        answer.await.unwrap_or_else(|_| Err(BrokerError::lost("no answer came")))
    }

    pub(super) async fn depth(&self, channel: &Channel) -> Result<Depth> {
        self.command(AdminCommand::Depth(channel.clone())).await.and_then(answers::depth)
    }

    pub(super) async fn forget(&self, service: String) -> Result<bool> {
        let forgotten = self.command(AdminCommand::Forget(service)).await.and_then(answers::count)?;
        Ok(forgotten > 0)
    }
}

impl Admin for Handle {
    fn server(&self) -> BoxFuture<'_, Result<Option<String>>> {
        let version = self.0.lock().version;
        let server = version.map(|version| format!("the embedded broker, protocol {version} of {VERSION}"));
        Box::pin(std::future::ready(Ok(server)))
    }

    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>>> {
        Box::pin(async { self.command(AdminCommand::Channels).await.and_then(answers::channels) })
    }

    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>>> {
        Box::pin(async move {
            let answer = self.command(AdminCommand::Dead(channel.clone(), limit)).await?;
            answers::dead(answer, envelope)
        })
    }

    fn kick<'a>(&'a self, channel: &'a Channel, number: Option<u64>, limit: u32) -> BoxFuture<'a, Result<u64>> {
        let command = AdminCommand::Kick(channel.clone(), number, limit);
        Box::pin(async { self.command(command).await.and_then(answers::count) })
    }

    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64>> {
        let command = AdminCommand::DropDead(channel.clone(), number);
        Box::pin(async { self.command(command).await.and_then(answers::count) })
    }

    fn pause<'a>(&'a self, channel: &'a Channel, time: Duration) -> BoxFuture<'a, Result<()>> {
        let command = AdminCommand::Pause(channel.clone(), time);
        // It is answered by yes or no.
        Box::pin(self.0.submit(Confirm::Awaited, |ticket| ClientFrame::<Bytes>::Admin { ticket, command }))
    }
}
