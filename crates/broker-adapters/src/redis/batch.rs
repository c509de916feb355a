//! [`Batch`]: many operations as few commands.

use std::sync::Arc;

use ::redis::{Cmd, Pipeline, RedisError, Value};
use skyloom_core::{Guid, broker::BrokerError};
use tokio::time::Instant;

use crate::remote::QueueLimits;

use super::{
    op::{Op, What},
    scripts::Script,
    trouble::refused,
};

/// How many bytes of several calls share an entry.
const BUNDLE_BYTES: usize = 32 << 10;

/// One command, and the operations that it does.
struct Group {
    ops: Vec<Op>,
}

/// Many operations as few commands: those for one channel that follow each other become one script's call.
#[derive(Default)]
pub(super) struct Batch {
    groups: Vec<Group>,
}

/// What became of a command.
pub(super) enum Verdict {
    /// The server did it, or did a part of it and said which.
    Done(Value),
    /// The server refused it as a whole.
    Refused(RedisError),
}

/// Whether two operations can be one command.
fn fit(one: &Op, other: &Op) -> bool {
    let same_kind = matches!(
        (&one.what, &other.what),
        (What::Put { .. }, What::Put { .. })
            | (What::Publish { .. }, What::Publish { .. })
            | (What::Settle { .. }, What::Settle { .. })
            | (What::Reply { .. }, What::Reply { .. })
    );
    same_kind && (Arc::ptr_eq(&one.place, &other.place) || one.place.base == other.place.base)
}

impl Batch {
    /// Adds an operation. Operations for one channel or inbox keep their order.
    pub(super) fn add(&mut self, op: Op) {
        // One that nobody may be overtaken by or overtake stands by itself.
        let barrier = self.groups.iter().rposition(|group| matches!(group.ops[0].what, What::Ask { .. }));
        let open = self.groups.iter_mut().skip(barrier.map_or(0, |at| at + 1));
        match open.rev().find(|group| fit(&group.ops[0], &op)) {
            Some(group) => group.ops.push(op),
            None => self.groups.push(Group { ops: vec![op] }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many commands there are.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The last call among them.
    pub(super) fn newest_call(&self) -> Option<Guid> {
        self.groups.iter().rev().find_map(|group| group.ops.last()?.call())
    }

    /// The commands. At most `share` calls are put into one entry.
    pub(super) fn commands(&self, limits: &QueueLimits, share: usize) -> Pipeline {
        let mut pipeline = ::redis::pipe();
        for group in &self.groups {
            pipeline.add_command(command(&group.ops, limits, share));
        }
        pipeline
    }

    /// All operations in order.
    pub(super) fn into_ops(self) -> impl Iterator<Item = Op> {
        self.groups.into_iter().flat_map(|group| group.ops)
    }

    /// The operations of each command.
    pub(super) fn into_groups(self) -> impl Iterator<Item = Vec<Op>> {
        self.groups.into_iter().map(|group| group.ops)
    }
}

fn command(ops: &[Op], limits: &QueueLimits, share: usize) -> Cmd {
    let place = &ops[0].place;
    let mut call = match &ops[0].what {
        What::Put { .. } => {
            let mut call = Script::Put.call(&[&place.base]);
            call.arg(i32::from(place.needs_consumer)).arg(limits.messages).arg(limits.bytes);
            call
        }
        What::Publish { .. } => {
            let groups = place.group.as_ref().map_or("", |(_, groups)| groups);
            let mut call = Script::Publish.call(&[&place.base, groups]);
            call.arg(limits.messages).arg(limits.bytes);
            call
        }
        What::Settle { .. } => Script::Settle.call(&[&place.base]),
        What::Reply { .. } => Script::Reply.call(&[&place.base]),
        What::Ask { command, .. } => return Cmd::clone(command),
    };
    if let What::Put { .. } = &ops[0].what {
        put_arguments(&mut call, ops, share);
        return call;
    }
    for op in ops {
        match &op.what {
            What::Publish { body } | What::Reply { body } => {
                call.arg(&body[..]);
            }
            What::Settle { args, .. } => {
                for arg in args {
                    call.arg(&arg[..]);
                }
            }
            What::Put { .. } | What::Ask { .. } => {}
        }
    }
    call
}

fn put_arguments(call: &mut Cmd, mut ops: &[Op], share: usize) {
    let now = Instant::now();
    while let Some(What::Put { delay, .. }) = ops.first().map(|op| &op.what) {
        let (these, others) = ops.split_at(together(ops, share));
        call.arg(*delay).arg(these.len());
        for op in these {
            if let What::Put { expires, body, .. } = &op.what {
                let left = expires.map_or(0, |at| at.saturating_duration_since(now).as_millis().max(1));
                call.arg(u64::try_from(left).unwrap_or(u64::MAX)).arg(&body[..]);
            }
        }
        ops = others;
    }
}

/// How many of the first share an entry.
fn together(ops: &[Op], share: usize) -> usize {
    let mut bytes = 0;
    let fits = |op: &&Op| {
        bytes += op.size();
        op.may_share() && bytes <= BUNDLE_BYTES
    };
    ops.iter().take(share).take_while(fits).count().max(1)
}

/// Tells everybody what became of a command that the server has answered.
pub(super) fn conclude(ops: Vec<Op>, verdict: Verdict, limits: &QueueLimits) {
    let value = match verdict {
        Verdict::Done(value) => value,
        Verdict::Refused(error) => {
            let error = refused(&error);
            return ops.into_iter().for_each(|op| op.fail(error.clone()));
        }
    };
    match ops.first().map(|op| &op.what) {
        Some(What::Put { .. }) => conclude_puts(ops, value, limits),
        Some(What::Publish { .. }) => conclude_events(ops, value, limits),
        Some(What::Settle { .. }) => conclude_settlements(ops, value),
        Some(What::Ask { .. }) => ops.into_iter().for_each(|op| op.answered(value.clone())),
        _ => ops.into_iter().for_each(Op::done),
    }
}

/// Pairs of an index, 1 for the first, and a word.
fn exceptions(value: Value) -> Vec<(usize, String)> {
    ::redis::from_redis_value(value).unwrap_or_default()
}

fn conclude_puts(ops: Vec<Op>, value: Value, limits: &QueueLimits) {
    let exceptions = exceptions(value);
    let all_absent = exceptions.first().is_some_and(|(index, _)| *index == 0);
    let mut refused = exceptions.into_iter().peekable();
    for (index, op) in (1..).zip(ops) {
        if all_absent {
            let reason = format!("no instance {} runs; sky ps shows those that do", op.place.shown);
            op.fail(BrokerError::refused(reason));
        } else if let Some((_, why)) = refused.next_if(|(refused, _)| *refused == index) {
            let error = full(&op.place.shown, &why, limits);
            op.fail(error);
        } else {
            op.done();
        }
    }
}

fn full(queue: &str, why: &str, limits: &QueueLimits) -> BrokerError {
    let limit =
        if why == "bytes" { format!("{} bytes", limits.bytes) } else { format!("{} messages", limits.messages) };
    BrokerError::Full { what: format!("queue {queue}"), limit }
}

fn conclude_events(ops: Vec<Op>, value: Value, limits: &QueueLimits) {
    let mut refused = exceptions(value).into_iter().peekable();
    for (index, op) in (1..).zip(ops) {
        if let Some((_, group)) = refused.next_if(|(refused, _)| *refused == index) {
            let limit = format!("{} messages or {} bytes", limits.messages, limits.bytes);
            let what = format!("group {}/{group}", op.place.shown);
            op.fail(BrokerError::Full { what, limit });
        } else {
            op.done();
        }
    }
}

fn conclude_settlements(ops: Vec<Op>, value: Value) {
    let stale: Vec<usize> = ::redis::from_redis_value(value).unwrap_or_default();
    let mut stale = stale.into_iter().peekable();
    let mut index = 0;
    for op in ops {
        let What::Settle { count, .. } = op.what else { continue };
        index += count;
        let mut is_stale = false;
        while stale.next_if(|stale| *stale <= index).is_some() {
            is_stale = true;
        }
        match (is_stale, op.repeated) {
            (false, _) => op.done(),
            (true, false) => op.fail(BrokerError::Stale),
            (true, true) => op.fail(BrokerError::lost("it broke while the settlement was under way")),
        }
    }
}
