//! A body's way past Lua, which would copy it and look at each of its bytes: it is put into its stream by a command of its
//! own, and a short script after that counts it or takes it back. Both are one transaction, so that nobody has seen what is
//! taken back.

use ::redis::{Cmd, Pipeline, RedisError, Value, aio::MultiplexedConnection};
use bytes::Bytes;

use super::{
    arguments::{put, settle},
    names::inbox_key,
    op::{Op, What},
    scripts::Half,
};
use crate::remote::QueueLimits;

/// How many commands it is, each of which is answered.
pub(super) const COMMANDS: usize = 4;

/// Fewer bytes than this are as quick as arguments of a script.
const LEAST: usize = 2 << 10;

/// So many bytes of an envelope say which it is: they have its GUID, with which it begins.
const MARK: usize = 18;

/// What became of a transaction.
pub(super) enum Outcome {
    /// It was done, and its script has answered this.
    Done(Value),
    /// It was not, and can be done in another way, which finds the reason if there is one.
    Nothing,
    /// The script ended with this, and nothing was done.
    Refused(RedisError),
    /// Nobody knows.
    Unknown(RedisError),
}

/// Whether this user of the server may make one.
pub(super) async fn is_allowed(connection: &mut MultiplexedConnection) -> Result<bool, RedisError> {
    let mut attempt = ::redis::pipe();
    attempt.cmd("MULTI").cmd("EVAL").arg("return 1").arg(0).cmd("EXEC");
    let answers = connection.send_packed_commands(&attempt, 0, 3).await?;
    Ok(matches!(answers.last(), Some(Value::Array(results)) if results[..] == [Value::Int(1)]))
}

/// Adds what puts all of these into one entry.
pub(super) fn put(to: &mut Pipeline, ops: &[Op], limits: &QueueLimits, share: usize, counts: bool) -> bool {
    let Some(What::Put { body: first, .. }) = ops.first().map(|op| &op.what) else { return false };
    // An instance must be there, or nothing is put.
    let Some(place) = ops.first().map(|op| &op.place).filter(|place| place.instance.is_none()) else { return false };
    let Some((entry, size)) = put::whole(ops, share).filter(|(_, size)| *size >= LEAST) else { return false };
    let mut count = Half::Added.call(&place.base);
    count.arg(i32::from(counts)).arg(limits.messages).arg(limits.bytes).arg(ops.len()).arg(size).arg(mark(first));
    add(to, entry, count);
    true
}

/// Adds what settles an entry as a whole, all of whose answers are for one inbox.
pub(super) fn settle(to: &mut Pipeline, ops: &[Op], limits: &QueueLimits) -> bool {
    let (Some(whole), Some(op)) = (settle::whole(ops), ops.first()) else { return false };
    let [(inbox, bodies)] = &whole.inboxes[..] else { return false };
    let Some(first) = bodies.first().filter(|_| bodies.iter().map(|body| body.len()).sum::<usize>() >= LEAST) else {
        return false;
    };
    let inbox = inbox_key(&limits.prefix, *inbox);
    let mut answer = Cmd::with_capacity(6, 0);
    // An inbox that is gone is not made anew.
    answer.arg("XADD").arg(&inbox).arg("NOMKSTREAM").arg("*").arg("m");
    settle::replies(&mut answer, bodies);
    let mut end = Half::Answered.call(&op.place.base);
    end.arg(&whole.id[..]).arg(whole.count).arg(whole.bytes).arg(inbox).arg(mark(first));
    add(to, answer, end);
    true
}

fn mark(body: &Bytes) -> &[u8] {
    body.get(..MARK).unwrap_or(body)
}

fn add(to: &mut Pipeline, body: Cmd, script: Cmd) {
    to.cmd("MULTI");
    to.add_command(body).add_command(script);
    to.cmd("EXEC");
}

/// What the answers to its commands say.
pub(super) fn outcome(is_put: bool, answers: [Value; COMMANDS]) -> Outcome {
    let is_error = |value: &Value| matches!(value, Value::ServerError(_));
    let [begun, body, script, executed] = answers;
    if let Err(error) = begun.extract_error() {
        // Without a beginning, each was done by itself, as far as it was.
        return if is_error(&body) && is_error(&script) { Outcome::Nothing } else { Outcome::Unknown(error) };
    }
    let Value::Array(results) = executed else { return Outcome::Nothing };
    let Ok([body, script]) = <[Value; 2]>::try_from(results) else { return Outcome::Nothing };
    match (script.extract_error(), is_put) {
        // There is nothing on the queue that could count.
        (_, true) if is_error(&body) => Outcome::Nothing,
        (Ok(Value::Int(_)), _) => Outcome::Nothing,
        (Ok(answer), _) => Outcome::Done(answer),
        (Err(error), true) => Outcome::Unknown(error),
        (Err(error), false) => Outcome::Refused(error),
    }
}
