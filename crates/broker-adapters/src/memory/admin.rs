//! An operator's view of the engine in the process.

use std::{future::ready, sync::Arc, time::Duration};

use skyloom_broker::engine::{AdminAnswer, AdminCommand, Input};
use skyloom_core::{
    Channel,
    broker::{Admin, BoxFuture, BrokerError, ChannelStats, DeadLetter, Depth},
};

use super::{
    hub::{TICKET, closed},
    link::Link,
    stream::Body,
};
use crate::answers;

impl Link {
    fn command(&self, command: AdminCommand) -> Result<AdminAnswer<Body>, BrokerError> {
        let answer = self.hub.step(Input::Admin { conn: self.conn, ticket: TICKET, command });
        match (answer.admin, answer.done) {
            (Some(answer), _) => Ok(answer),
            (None, Some(Err(error))) => Err(error),
            _ => Err(closed()),
        }
    }

    pub(super) fn depth(&self, channel: &Channel) -> Result<Depth, BrokerError> {
        self.command(AdminCommand::Depth(channel.clone())).and_then(answers::depth)
    }

    pub(super) fn forget(&self, service: &str) -> Result<bool, BrokerError> {
        self.command(AdminCommand::Forget(service.to_owned())).and_then(answers::count).map(|forgotten| forgotten > 0)
    }
}

impl Admin for Link {
    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>, BrokerError>> {
        Box::pin(ready(self.command(AdminCommand::Channels).and_then(answers::channels)))
    }

    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        let letters = self.command(AdminCommand::Dead(channel.clone(), limit));
        let unshared = |body| Ok(Arc::unwrap_or_clone(body));
        Box::pin(ready(letters.and_then(|answer| answers::dead(answer, unshared))))
    }

    fn kick<'a>(
        &'a self,
        channel: &'a Channel,
        number: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(ready(self.command(AdminCommand::Kick(channel.clone(), number, limit)).and_then(answers::count)))
    }

    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(ready(self.command(AdminCommand::DropDead(channel.clone(), number)).and_then(answers::count)))
    }

    fn pause<'a>(&'a self, channel: &'a Channel, time: Duration) -> BoxFuture<'a, Result<(), BrokerError>> {
        let command = AdminCommand::Pause(channel.clone(), time);
        Box::pin(ready(self.hub.ask(Input::Admin { conn: self.conn, ticket: TICKET, command })))
    }
}
