//! The task that owns a consumer's connection.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Channel,
    broker::{AckSender, EnqueueOptions},
};
use tokio::{
    io::AsyncWriteExt as _,
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    super::{
        burst::Burst,
        codec::{Command, Reply},
        janitor,
        pipe::{Pipe, Reader, SILENCE, Trouble},
        shared::lock,
    },
    consumer::Lane,
    plan::{Expect, Plan},
    receive::{Fresh, Round},
};
use crate::remote::Pauses;

/// How long one `reserve` waits, in seconds: a connection that is dead is found out soon after.
const WAIT: u32 = 2;

/// How many jobs are asked for at once, at most.
const BURST: usize = 16;

/// How long to hold back after the server has warned that a job's time ends.
const LATE: Duration = Duration::from_millis(50);

/// Consumes until the consumer is stopped and all is settled, over as many connections as it takes.
pub(super) async fn run(lane: Arc<Lane>, started: AckSender) {
    let mut started = Some(started);
    let mut closing = lane.shared.closing();
    let mut pauses = Pauses::default();
    loop {
        let opened = tokio::select! {
            opened = Pipe::open(&lane.shared.options.place) => opened,
            _ = closing.wait_for(|closing| *closing) => break,
        };
        match opened {
            Ok(pipe) => {
                pauses.works();
                match Session::new(&lane, pipe).run(&mut started).await {
                    Ok(()) => break,
                    Err(trouble) => {
                        tracing::warn!(channel = %lane.channel, reason = %trouble, "a consumer lost its connection");
                    }
                }
            }
            Err(error) => tracing::debug!(channel = %lane.channel, %error, "a consumer cannot connect yet"),
        }
        if lane.lost() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(pauses.next()) => {}
            _ = closing.wait_for(|closing| *closing) => break,
        }
    }
    lock(&lane.state).end();
    if let Some(started) = started {
        started.send(Err(super::super::shared::closed()));
    }
}

impl Lane {
    /// The connection is gone. Whether nothing is left to do.
    fn lost(&self) -> bool {
        let mut state = lock(&self.state);
        state.lose_jobs();
        state.is_done()
    }
}

struct Session<'a> {
    lane: &'a Arc<Lane>,
    pipe: Pipe,
    used: String,
    closing: watch::Receiver<bool>,
}

impl<'a> Session<'a> {
    fn new(lane: &'a Arc<Lane>, pipe: Pipe) -> Self {
        Self { lane, pipe, used: String::new(), closing: lane.shared.closing() }
    }

    async fn run(mut self, started: &mut Option<AckSender>) -> Result<(), Trouble> {
        self.begin().await?;
        if let Some(started) = started.take() {
            started.send(Ok(()));
        }
        let (lane, mut burst) = (self.lane, Burst::up_to(BURST));
        let mut round = Round::default();
        loop {
            // Workers that answer at once do so before the next write.
            if !*self.closing.borrow() {
                lane.hand_over(&mut lock(&lane.state));
            }
            tokio::task::yield_now().await;
            let is_closing = *self.closing.borrow_and_update();
            let Round { fresh, asked, is_late: late, .. } = std::mem::take(&mut round);
            burst.came(asked, fresh.len());
            let (plan, due, waits) = self.plan(fresh, burst.at_once(), late, is_closing);
            if plan.expected.is_empty() {
                let done = lock(&lane.state).is_done();
                if done || is_closing {
                    return self.end().await;
                }
                let until = if late { Instant::now() + LATE } else { due };
                tokio::select! {
                    () = lane.news.notified() => {}
                    () = sleep_until(until) => {}
                    _ = self.closing.changed() => {}
                }
                continue;
            }
            self.exchange(plan, waits, due, &mut round).await?;
        }
    }

    /// Says which jobs are wanted.
    async fn begin(&mut self) -> Result<(), Trouble> {
        let lane = self.lane;
        let mut plan = Plan::default();
        plan.say(Command::Watch(&lane.wake), Expect::Nothing);
        plan.say(Command::Ignore("default"), Expect::Nothing);
        if !lock(&lane.state).is_stopped() {
            plan.say(Command::Watch(&lane.tube), Expect::Nothing);
        }
        self.exchange(plan, false, Instant::now() + SILENCE, &mut Round::default()).await?;
        if matches!(lane.channel, Channel::Group(..)) && !lane.options.ephemeral {
            self.mark_group().await?;
        }
        Ok(())
    }

    /// A group that outlives its consumers has a job that nobody takes.
    async fn mark_group(&mut self) -> Result<(), Trouble> {
        let marker = self.lane.shared.options.names.marker(&self.lane.channel);
        let mut plan = Plan::default();
        plan.say(Command::StatsTube(&marker), Expect::Nothing);
        self.pipe.writer.write_all(&plan.out).await?;
        if self.pipe.reader.next(SILENCE).await? != Reply::NotFound {
            return Ok(());
        }
        let mut plan = Plan::default();
        let body = b"A group of subscribers; delete this job when it is to end.";
        let (priority, ttr) = (EnqueueOptions::DEFAULT_PRIORITY, self.lane.shared.options.ttr);
        plan.say(Command::Use(&marker), Expect::Nothing);
        plan.say(Command::Put { priority, delay: 0, ttr, body }, Expect::Nothing);
        self.used = marker;
        self.exchange(plan, false, Instant::now() + SILENCE, &mut Round::default()).await
    }

    /// What to write next, when to look again whatever happens, and whether the last command waits.
    fn plan(
        &mut self,
        fresh: Vec<Fresh>,
        at_once: Option<usize>,
        late: bool,
        is_closing: bool,
    ) -> (Plan, Instant, bool) {
        let lane = self.lane;
        let mut plan = Plan { used: std::mem::take(&mut self.used), ..Plan::default() };
        let mut state = lock(&lane.state);
        let now = Instant::now();
        let over: Vec<u64> = state.held.iter().filter(|(_, held)| held.ends <= now).map(|(id, _)| *id).collect();
        for number in over {
            if let Some(held) = state.held.remove(&number) {
                lane.expire(&mut state, held);
            }
        }
        if is_closing && !state.is_stopped() {
            let (stopped, ack) = skyloom_core::broker::Ack::waiting();
            state.stop(stopped);
            drop(ack);
        }
        lane.hand_over(&mut state);
        for job in state.touch_due(now) {
            plan.say(Command::Touch(job), Expect::Nothing);
        }
        lane.plan(&mut state, &mut plan);
        self.used = std::mem::take(&mut plan.used);
        let taken = state.held.len() + state.surplus.len() + fresh.len();
        let room = (lane.options.credit as usize).saturating_sub(taken);
        let eager = !fresh.is_empty();
        for Fresh { id, body } in fresh {
            plan.say(Command::StatsJob(id), Expect::Stats { job: id, body });
        }
        let wanted = if state.is_stopped() || late { 0 } else { room };
        let waits = wanted > 0 && !eager && at_once.is_none();
        if waits {
            state.waits = true;
            plan.say(Command::Reserve { seconds: WAIT }, Expect::Reserve);
        }
        for _ in 0..wanted.min(at_once.unwrap_or_default()) {
            plan.say(Command::Reserve { seconds: 0 }, Expect::Reserve);
        }
        let due = state.due().unwrap_or_else(|| now + Duration::from_secs(3_600));
        (plan, due, waits)
    }

    /// Writes, and takes the answers as they come.
    async fn exchange(&mut self, plan: Plan, waits: bool, due: Instant, round: &mut Round) -> Result<(), Trouble> {
        let Self { lane, pipe, closing, .. } = self;
        let Pipe { reader, writer, .. } = pipe;
        let write = async { writer.write_all(&plan.out).await.map_err(Trouble::from) };
        let read = async {
            let count = plan.expected.len();
            for (n, expect) in plan.expected.into_iter().enumerate() {
                let reply = match waits && n + 1 == count {
                    true => wait(lane, reader, due, closing).await,
                    false => reader.next(SILENCE).await,
                };
                match reply {
                    Ok(reply) => lane.answered(expect, reply, round),
                    Err(trouble) => return Err(trouble),
                }
            }
            Ok(())
        };
        let result = tokio::try_join!(write, read);
        lock(&lane.state).waits = false;
        result.map(drop)
    }

    /// All is settled.
    async fn end(self) -> Result<(), Trouble> {
        let lane = self.lane;
        if lane.options.ephemeral || matches!(lane.channel, Channel::Instance(_)) {
            drop(self.pipe);
            janitor::purge_if_unwatched(&lane.shared, &lane.tube).await;
        }
        Ok(())
    }
}

/// The answer to a command that waits; the wait is ended when something is due.
async fn wait(
    lane: &Lane,
    reader: &mut Reader,
    due: Instant,
    closing: &mut watch::Receiver<bool>,
) -> Result<Reply, Trouble> {
    let patience = SILENCE + Duration::from_secs(WAIT.into());
    tokio::select! {
        reply = reader.next(patience) => return reply,
        () = sleep_until(due) => {}
        _ = closing.changed() => {}
    }
    lane.change(|_| ());
    reader.next(patience).await
}
