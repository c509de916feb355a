//! The task that owns the connection.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use skyloom_core::broker::BrokerError;
use tokio::{io::AsyncWriteExt as _, sync::mpsc, time::Instant};

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

/// Sends what comes until the broker is closed, over as many connections as it takes.
pub(in super::super) async fn run(shared: Arc<Shared>, first: Pipe, mut ops: mpsc::UnboundedReceiver<Op>) {
    let mut ending = shared.ending();
    let mut waiting: VecDeque<Op> = VecDeque::new();
    let mut rooms = Rooms::default();
    let (mut next, mut pauses) = (Some(first), Pauses::default());
    loop {
        let connected = async {
            match next.take() {
                Some(pipe) => pipe,
                None => reconnect(&shared, &mut ops, &mut waiting, &mut pauses).await,
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

/// Connects anew. Meanwhile what is to be sent waits here, and its callers are told if the server's memory is gone.
async fn reconnect(
    shared: &Shared,
    ops: &mut mpsc::UnboundedReceiver<Op>,
    waiting: &mut VecDeque<Op>,
    pauses: &mut Pauses,
) -> Pipe {
    loop {
        tokio::time::sleep(pauses.next()).await;
        match Pipe::open(&shared.options.place).await {
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
            Err(error) => tracing::debug!(%error, "beanstalkd cannot be reached yet"),
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
