//! The task that owns the connection.

use std::{
    collections::{HashSet, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use skyloom_core::broker::BrokerError;
use tokio::{
    io::AsyncWriteExt as _,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    super::{
        codec::Command,
        op::{Body, Op, Put},
        pipe::{Facts, Pipe, SILENCE, Trouble},
        shared::{Shared, closed},
    },
    room::Rooms,
    turn::{Expect, Turn, tell},
};
use crate::remote::Pauses;

/// How much goes out before answers are waited for, in bytes and in commands.
const AHEAD_BYTES: usize = 1 << 20;
const AHEAD: usize = 16_384;

/// How many operations are taken at once.
const BATCH: usize = 1_024;

/// How often a silent connection is tried.
const BEAT: Duration = Duration::from_secs(1);

/// How often it is looked, while there is no connection, whether somebody's time is up. Callers leave 25 ms of theirs for
/// the answer.
const GLANCE: Duration = Duration::from_millis(20);

/// Sends what comes until the broker is closed, over as many connections as it takes.
pub(in super::super) async fn run(shared: Arc<Shared>, first: Pipe, mut ops: mpsc::UnboundedReceiver<Op>) {
    let mut ending = shared.ending();
    let mut waiting: VecDeque<Op> = VecDeque::new();
    let mut rooms = Rooms::default();
    let (mut next, mut pauses) = (Some(first), Pauses::default());
    let mut why = String::new();
    loop {
        let connected = async {
            match next.take() {
                Some(pipe) => pipe,
                None => reconnect(&shared, &mut ops, &mut waiting, (&mut pauses, &mut why)).await,
            }
        };
        let pipe = tokio::select! {
            pipe = connected => pipe,
            _ = ending.wait_for(|ending| *ending) => break,
        };
        pauses.works();
        let mut turn = Turn::new(&shared, &mut rooms);
        turn.take(waiting.drain(..));
        let ended = tokio::select! {
            trouble = serve(pipe, &mut turn, &mut ops) => trouble,
            _ = ending.wait_for(|ending| *ending) => Trouble("the connection was closed here".to_owned()),
        };
        let unsent = turn.lost(&ended.0);
        waiting.extend(unsent.into_iter().inspect(|put| shared.waits_again(put)).map(Op::Put));
        if *ending.borrow_and_update() {
            break;
        }
        tracing::warn!(server = %shared.options.place, reason = %ended, "the connection to beanstalkd was lost");
        why = format!("the connection to beanstalkd at {} was lost: {ended}", shared.options.place);
    }
    ops.close();
    while let Ok(op) = ops.try_recv() {
        waiting.push_back(op);
    }
    for op in waiting {
        match op {
            Op::Put(put) => tell(&shared, put.done, Err(closed())),
            Op::Ask { answer, .. } => drop(answer.send(Err(closed()))),
            Op::Close(done) => drop(done.send(())),
        }
    }
}

/// Serves one connection until it is of no use any more.
async fn serve(mut pipe: Pipe, turn: &mut Turn<'_>, ops: &mut mpsc::UnboundedReceiver<Op>) -> Trouble {
    let mut taken = Vec::with_capacity(BATCH);
    let mut heard = Instant::now();
    let mut beat = tokio::time::interval(BEAT);
    loop {
        let may_take = turn.out.len() < AHEAD_BYTES && turn.expected.len() < AHEAD;
        tokio::select! {
            filled = pipe.reader.fill() => {
                if let Err(trouble) = filled {
                    return trouble;
                }
                heard = Instant::now();
                loop {
                    match pipe.reader.ready() {
                        Ok(Some(reply)) => turn.answered(reply),
                        Ok(None) => break,
                        Err(trouble) => return trouble,
                    }
                }
            }
            count = ops.recv_many(&mut taken, BATCH), if may_take => {
                if count == 0 {
                    return Trouble("the connection was closed here".to_owned());
                }
                if turn.expected.is_empty() {
                    heard = Instant::now();
                }
                turn.take(taken.drain(..));
            }
            written = pipe.writer.write_buf(&mut turn.out), if !turn.out.is_empty() => {
                if let Err(error) = written {
                    return error.into();
                }
            }
            _ = beat.tick() => {
                if turn.expected.is_empty() {
                    heard = Instant::now();
                    turn.command(Command::ListTubeUsed, Expect::Nothing);
                } else if heard.elapsed() > SILENCE {
                    return Trouble(format!("it has not answered for {} s", SILENCE.as_secs()));
                }
            }
        }
    }
}

/// Connects anew. Meanwhile what is to be sent waits here, as long as it may, and its callers are told if the server's
/// memory is gone.
async fn reconnect(
    shared: &Shared,
    ops: &mut mpsc::UnboundedReceiver<Op>,
    waiting: &mut VecDeque<Op>,
    (pauses, why): (&mut Pauses, &mut String),
) -> Pipe {
    loop {
        let pause = pauses.next();
        let attempt = async {
            tokio::time::sleep(pause).await;
            Pipe::open(&shared.options.place).await
        };
        match while_away(shared, ops, waiting, why, attempt).await {
            Ok(pipe) => {
                while let Ok(op) = ops.try_recv() {
                    waiting.push_back(op);
                }
                let before = shared.facts();
                shared.set_facts(pipe.facts.clone());
                tracing::info!(server = %shared.options.place, "connected to beanstalkd again");
                if is_memory_gone(&before, &pipe.facts) {
                    tell_of_loss(shared, waiting);
                }
                return pipe;
            }
            Err(error) => {
                tracing::debug!(%error, "beanstalkd cannot be reached yet");
                *why = error.to_string();
            }
        }
    }
}

/// Takes what is to be sent while there is no connection; whose time ends meanwhile is told why nothing was sent.
async fn while_away<T>(
    shared: &Shared,
    ops: &mut mpsc::UnboundedReceiver<Op>,
    waiting: &mut VecDeque<Op>,
    why: &str,
    future: impl Future<Output = T>,
) -> T {
    let mut future = pin!(future);
    let mut glance = interval(GLANCE);
    glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut taken = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            output = &mut future => return output,
            _ = ops.recv_many(&mut taken, BATCH) => waiting.extend(taken.drain(..)),
            _ = glance.tick(), if !waiting.is_empty() => drop_over(shared, waiting, why),
        }
    }
}

fn drop_over(shared: &Shared, waiting: &mut VecDeque<Op>, why: &str) {
    if !waiting.iter().any(Op::is_over) {
        return;
    }
    let (over, left): (VecDeque<_>, VecDeque<_>) = waiting.drain(..).partition(Op::is_over);
    *waiting = left;
    for op in over {
        if let Op::Put(put) = op {
            shared.taken(&put);
            tell(shared, put.done, Err(BrokerError::unavailable(why)));
        }
    }
}

fn is_memory_gone(before: &Facts, after: &Facts) -> bool {
    before.id != after.id && !(before.persistent && after.persistent)
}

fn tell_of_loss(shared: &Shared, waiting: &VecDeque<Op>) {
    let unsent: HashSet<_> = waiting
        .iter()
        .filter_map(|op| match op {
            Op::Put(Put { body: Body::Envelope(envelope, _), .. }) => Some(envelope.id),
            _ => None,
        })
        .collect();
    shared.lost(&BrokerError::lost("beanstalkd was restarted and keeps nothing on disk"), &unsent);
}
