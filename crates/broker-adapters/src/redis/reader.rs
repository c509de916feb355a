//! A consumer's reader: blocking reads on a connection of their own, and what a consumer does from time to time.

use std::{sync::Arc, time::Duration};

use ::redis::{Cmd, RedisError, Value, aio::MultiplexedConnection, cmd};
use bytes::Bytes;
use skyloom_core::broker::{AckSender, BrokerError, Delivery};
use tokio::{
    sync::mpsc::UnboundedSender,
    task::yield_now,
    time::{Instant, sleep, timeout},
};

use crate::remote::Pauses;

use super::{
    clock::Clock,
    entry::{Entry, entries},
    intake::Intake,
    link::connect,
    node::Node,
    presence,
    scripts::Script,
    seat::Seat,
    shared::{Shared, Task},
    trouble::{Refusal, is_answer, refused, said},
};

/// How often a consumer looks after its channel.
const TICK: Duration = Duration::from_millis(250);

/// An ephemeral channel stays for so long without a consumer.
const EPHEMERAL: Duration = Duration::from_secs(10);

/// A process may be gone for so long before its work is given to others.
const GRACE: Duration = Duration::from_secs(1);

/// After a connection was made, others are given so long to come back too, for the server may have been away.
const SETTLING_IN: Duration = Duration::from_secs(5);

/// The lease of a consumer whose name says none.
const USUAL_LEASE: Duration = Duration::from_secs(30);

/// How many messages are read at once, whatever the credit.
const MOST: u32 = 1024;

/// A consumer's reader.
pub(super) struct Reader {
    task: Task,
    seat: Arc<Seat>,
    intake: Intake,
    /// Who waits for the consumer to be there.
    opened: Option<AckSender>,
    /// The broker was there before this consumer, so that those who are gone are gone.
    is_first: bool,
    /// The last entry that has arrived.
    last: Bytes,
}

/// Why a reader's connection is given up.
enum Fault {
    Redis(RedisError),
    Broker(BrokerError),
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

/// A connection and what belongs to it.
struct Link {
    connection: MultiplexedConnection,
    /// Its number at the server, by which a blocking read is ended.
    id: u64,
    clock: Clock,
    /// From when on the work of others may be taken.
    settled_in: Instant,
    next_tick: Instant,
    next_due: Option<u64>,
}

impl Reader {
    pub(super) fn new(task: Task, seat: Arc<Seat>, sender: UnboundedSender<Delivery>, opened: AckSender) -> Self {
        let intake = Intake::new(Arc::clone(&task.0), Arc::clone(&seat), sender);
        Self { task, seat, intake, opened: Some(opened), is_first: true, last: Bytes::new() }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.task.0
    }

    fn group(&self) -> (&str, &str) {
        let group = self.seat.place.group.as_ref();
        group.map_or(("", self.seat.place.base.as_str()), |(group, groups)| (group, groups))
    }

    /// Reads until the consumer is stopped or the broker closed.
    pub(super) async fn run(mut self) {
        let mut pauses = Pauses::default();
        let nodes = Arc::clone(&self.shared().nodes);
        while !self.seat.is_stopping() && nodes.is_open() {
            let node = nodes.of(self.seat.place.slot);
            let fault = match self.open(&node).await {
                Ok(link) => {
                    pauses.works();
                    if let Some(opened) = self.opened.take() {
                        opened.send(Ok(()));
                    }
                    self.is_first = false;
                    match self.follow(link).await {
                        Ok(()) => break,
                        Err(fault) => fault,
                    }
                }
                Err(fault) => fault,
            };
            node.suspect();
            if !self.goes_on_after(fault) {
                return self.seat.set_stopped();
            }
            let pause = async {
                sleep(pauses.next()).await;
                drop(nodes.refresh().await);
            };
            tokio::select! {
                () = pause => {}
                () = self.seat.changed.notified() => {}
                () = nodes.left() => {}
            }
        }
        self.leave().await;
    }

    /// Whether it makes sense to try again.
    fn goes_on_after(&mut self, fault: Fault) -> bool {
        let (error, is_final) = match fault {
            Fault::Redis(error) if is_answer(&error) => {
                let is_final = Refusal::of(&error).is_told() && !said(&error).contains("NOGROUP");
                (refused(&error), is_final)
            }
            Fault::Redis(error) => (BrokerError::unavailable(said(&error)), false),
            Fault::Broker(error) => (error, true),
        };
        tracing::debug!(channel = %self.seat.place.shown, %error, "a consumer's connection ended");
        match (is_final, self.opened.take()) {
            // Nobody waits any more for the consumer.
            (_, Some(opened)) if opened.is_abandoned() => false,
            (true, Some(opened)) => {
                opened.send(Err(error));
                false
            }
            (_, opened) => {
                self.opened = opened;
                true
            }
        }
    }

    /// Connects and takes the consumer's seat.
    async fn open(&self, node: &Arc<Node>) -> Result<Link, Fault> {
        let shared = self.shared();
        let alive = format!("{}{}", shared.names.alive(), shared.nodes.session);
        let mut connection = connect(&shared.nodes.options, &node.address, TICK).await?;
        presence::ensure(&shared.nodes, node, &alive).await.map_err(Fault::Broker)?;
        let id = cmd("CLIENT").arg("ID").query_async(&mut connection).await?;
        let (group, groups) = self.group();
        let mut join = Script::Join.call(&[&self.seat.place.base, groups]);
        let stays = if self.seat.ephemeral { EPHEMERAL.as_millis() } else { 0 };
        join.arg(&self.seat.name).arg(u64::try_from(stays).unwrap_or_default()).arg(group);
        join.arg(&self.last[..]);
        let now: u64 = run(&mut connection, join).await?;
        let at = Instant::now();
        let settled_in = if self.is_first { at } else { at + SETTLING_IN };
        Ok(Link { connection, id, clock: Clock::new(now, at), settled_in, next_tick: at, next_due: None })
    }

    /// Reads until the consumer is stopped.
    async fn follow(&mut self, mut link: Link) -> Result<(), Fault> {
        let nodes = Arc::clone(&self.shared().nodes);
        loop {
            if self.seat.is_stopping() || !nodes.is_open() {
                return Ok(());
            }
            let overdue = self.shared().table.end_overdue(&self.seat);
            if Instant::now() >= link.next_tick {
                self.tick(&mut link).await?;
            }
            self.intake.advance(Some(&link.clock));
            let count = self.intake.wants().min(MOST);
            if count == 0 {
                let due = self.intake.due().unwrap_or(overdue);
                tokio::select! {
                    () = self.seat.changed.notified() => {}
                    () = tokio::time::sleep_until(overdue.min(link.next_tick).min(due)) => {}
                    () = nodes.left() => {}
                }
                continue;
            }
            let answer = self.read(&mut link, count).await?;
            self.shared().busy_poll.came();
            let read = entries(answer).into_iter().map(|(id, fields)| {
                self.last = id.clone();
                Entry::of(id, fields)
            });
            self.intake.take(read, &link.clock);
            // What is settled at once goes out before the next read, which is only to wait.
            yield_now().await;
        }
    }

    /// One blocking read; it is ended when the consumer is.
    async fn read(&self, link: &mut Link, count: u32) -> Result<Value, RedisError> {
        let (nodes, place) = (&self.shared().nodes, &self.seat.place);
        let now = Instant::now();
        let until_tick = link.next_tick.saturating_duration_since(now);
        let block = match link.next_due {
            Some(due) => until_tick.min(link.clock.until(due, now)),
            None => until_tick,
        };
        let block = u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg("workers").arg(&self.seat.name).arg("COUNT").arg(count).arg("BLOCK").arg(block);
        read.arg("STREAMS").arg(format!("{}:work", place.base)).arg(">");
        let answer = link.connection.send_packed_command(&read);
        tokio::pin!(answer);
        let mut is_ended = false;
        loop {
            let stops = !is_ended && (self.seat.is_stopping() || !nodes.is_open());
            if stops {
                is_ended = true;
                let mut unblock = cmd("CLIENT");
                unblock.arg("UNBLOCK").arg(link.id);
                self.shared().tell(place, unblock);
            }
            tokio::select! {
                biased;
                answer = &mut answer => return answer?.extract_error(),
                () = self.seat.changed.notified(), if !is_ended => {}
                () = nodes.left(), if !is_ended => {}
            }
            // Due leases wait for the end of the read, which is never far.
        }
    }

    async fn tick(&self, link: &mut Link) -> Result<(), RedisError> {
        let mut tick = Script::Tick.call(&[&self.seat.place.base]);
        let grace = if Instant::now() >= link.settled_in { GRACE } else { Duration::ZERO };
        let stays = if self.seat.ephemeral { EPHEMERAL } else { Duration::ZERO };
        tick.arg(&self.seat.name).arg(self.shared().names.alive());
        for time in [stays, grace, USUAL_LEASE] {
            tick.arg(u64::try_from(time.as_millis()).unwrap_or_default());
        }
        let (now, due): (u64, String) = run(&mut link.connection, tick).await?;
        link.clock = Clock::new(now, Instant::now());
        link.next_due = due.parse::<f64>().ok().map(|due| due as u64);
        link.next_tick =
            Instant::now() + link.next_due.map_or(TICK, |due| link.clock.until(due, Instant::now()).min(TICK));
        Ok(())
    }

    /// Gives up the seat, and what is still out may be settled.
    async fn leave(self) {
        let Self { task, seat, mut intake, .. } = self;
        let shared = &task.0;
        intake.advance(None);
        // What was delivered is in the stream, and after it the stream ends.
        drop(intake);
        // An ephemeral channel stays until the last of what was delivered is settled.
        let leave = leaving(&seat, seat.is_empty());
        drop(timeout(GRACE, shared.ask(&seat.place, leave)).await);
        seat.set_stopped();
        while !seat.is_empty() && shared.nodes.is_open() {
            let overdue = shared.table.end_overdue(&seat);
            tokio::select! {
                () = seat.changed.notified() => {}
                () = tokio::time::sleep_until(overdue) => {}
                () = sleep(EPHEMERAL / 4), if seat.ephemeral => shared.tell(&seat.place, leaving(&seat, false)),
                () = shared.nodes.left() => {}
            }
        }
        shared.tell(&seat.place, leaving(&seat, true));
    }
}

/// The consumer gives up its place, and an ephemeral channel may end or stays for a while.
fn leaving(seat: &Seat, may_end: bool) -> Cmd {
    let (group, groups) = seat.place.group.as_ref().map_or(("", seat.place.base.as_str()), |(g, all)| (g, all));
    let mut leave = Script::Leave.call(&[&seat.place.base, groups]);
    let stays = if seat.ephemeral && !may_end { EPHEMERAL.as_millis() } else { 0 };
    leave.arg(&seat.name).arg(i32::from(seat.ephemeral && may_end)).arg(group);
    leave.arg(u64::try_from(stays).unwrap_or_default());
    leave
}

/// Runs a script; a server that has forgotten it is taught anew.
async fn run<T: ::redis::FromRedisValue>(connection: &mut MultiplexedConnection, call: Cmd) -> Result<T, RedisError> {
    match call.query_async(connection).await {
        Err(error) if Refusal::of(&error) == Refusal::NoScript => {
            super::link::load_scripts(connection).await?;
            call.query_async(connection).await
        }
        other => other,
    }
}
