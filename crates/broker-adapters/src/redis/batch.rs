//! [`Batch`]: many operations as few commands.

use std::{collections::VecDeque, sync::Arc};

use crate::remote::QueueLimits;
use ::redis::{Cmd, Pipeline, RedisError, Value};
use skyloom_core::{Guid, broker::BrokerError};

use super::{
    arguments::{put, settle},
    op::{Op, What},
    scripts::Script,
    transaction::{self, Outcome},
    trouble::refused,
};

/// One command, or one transaction, and the operations that it does.
struct Group {
    ops: Vec<Op>,
    is_transaction: bool,
}

impl Group {
    fn new(ops: Vec<Op>) -> Self {
        Self { ops, is_transaction: false }
    }

    /// How many answers it has.
    fn answers(&self) -> usize {
        if self.is_transaction { transaction::COMMANDS } else { 1 }
    }
}

/// Many operations as few commands: those for one channel that follow each other become one script's call.
#[derive(Default)]
pub(super) struct Batch {
    groups: Vec<Group>,
}

/// How calls to a channel share its entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sharing {
    /// How many of them are put into one entry, at most.
    pub(super) most: usize,
    /// The server is asked how many consume the channel.
    pub(super) counts: bool,
}

/// How the server is told what is to be done at a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By a transaction, where that is quicker.
    Transaction,
    /// By a script alone, which can do everything.
    Script,
}

impl Sharing {
    /// Each by itself.
    const ALONE: Self = Self { most: 1, counts: false };
}

/// What became of a command.
pub(super) enum Verdict {
    /// The server did it, or did a part of it and said which.
    Done(Value),
    /// The server refused it as a whole.
    Refused(RedisError),
    /// A transaction has done nothing: it is to be done by a script.
    Nothing,
    /// It is not known what was done.
    Unknown(RedisError),
}

/// Whether two operations can be one command.
fn fit(one: &Op, other: &Op) -> bool {
    let same_kind = matches!(
        (&one.what, &other.what),
        (What::Put { .. }, What::Put { .. })
            | (What::Publish { .. }, What::Publish { .. })
            | (What::Settle { .. } | What::Finish { .. }, What::Settle { .. } | What::Finish { .. })
            | (What::Reply { .. }, What::Reply { .. })
    );
    same_kind && (Arc::ptr_eq(&one.place, &other.place) || one.place.base == other.place.base)
}

impl Batch {
    /// Takes all of these, if they can be one command: as they often are, and then none of them is moved.
    pub(super) fn whole(ops: &mut VecDeque<Op>) -> Option<Self> {
        let first = ops.front()?;
        if !ops.iter().all(|op| fit(first, op)) {
            return None;
        }
        // As many again are likely to come.
        let room = VecDeque::with_capacity(ops.len().max(ops.capacity() / 2));
        let ops = std::mem::replace(ops, room).into();
        Some(Self { groups: vec![Group::new(ops)] })
    }

    /// Adds an operation. Operations for one channel or inbox keep their order.
    pub(super) fn add(&mut self, op: Op) {
        // One that nobody may be overtaken by or overtake stands by itself.
        let barrier = self.groups.iter().rposition(|group| matches!(group.ops[0].what, What::Ask { .. }));
        let open = self.groups.iter_mut().skip(barrier.map_or(0, |at| at + 1));
        match open.rev().find(|group| fit(&group.ops[0], &op)) {
            Some(group) => group.ops.push(op),
            None => self.groups.push(Group::new(vec![op])),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many answers the commands have.
    pub(super) fn answers(&self) -> usize {
        self.groups.iter().map(Group::answers).sum()
    }

    /// The commands. How calls to a channel share its entries is asked with the channel and the last of them.
    pub(super) fn commands(
        &mut self,
        limits: &QueueLimits,
        way: impl Fn(&str) -> Way,
        mut sharing: impl FnMut(&str, Guid) -> Sharing,
    ) -> Pipeline {
        let mut pipeline = ::redis::pipe();
        for group in &mut self.groups {
            if group.ops.first().is_some_and(Op::is_of_a_lease) {
                settle::arrange(&mut group.ops);
            }
            let newest = group.ops.iter().rev().find_map(Op::call);
            let sharing = newest.map_or(Sharing::ALONE, |call| sharing(&group.ops[0].place.base, call));
            group.is_transaction = way(&group.ops[0].place.base) == Way::Transaction
                && add_transaction(&mut pipeline, &group.ops, limits, sharing);
            if !group.is_transaction {
                pipeline.add_command(command(&group.ops, limits, sharing));
            }
        }
        pipeline
    }

    /// All operations in order.
    pub(super) fn into_ops(self) -> impl Iterator<Item = Op> {
        self.groups.into_iter().flat_map(|group| group.ops)
    }

    /// The operations of each command or transaction, and what became of it.
    pub(super) fn answered(self, answers: Vec<Value>) -> impl Iterator<Item = (Vec<Op>, Verdict)> {
        let mut answers = answers.into_iter();
        self.groups.into_iter().map(move |group| {
            let mut next = || answers.next().unwrap_or_default();
            if !group.is_transaction {
                return (group.ops, next().extract_error().map_or_else(Verdict::Refused, Verdict::Done));
            }
            let is_put = matches!(group.ops[0].what, What::Put { .. });
            let verdict = match transaction::outcome(is_put, std::array::from_fn(|_| next())) {
                Outcome::Done(value) => Verdict::Done(value),
                Outcome::Nothing => Verdict::Nothing,
                Outcome::Refused(error) => Verdict::Refused(error),
                Outcome::Unknown(error) => Verdict::Unknown(error),
            };
            (group.ops, verdict)
        })
    }
}

/// Adds a transaction for these, if there can be one.
fn add_transaction(to: &mut Pipeline, ops: &[Op], limits: &QueueLimits, sharing: Sharing) -> bool {
    match &ops[0].what {
        What::Put { .. } => transaction::put(to, ops, limits, sharing.most, sharing.counts),
        What::Finish { .. } => transaction::settle(to, ops, limits),
        _ => false,
    }
}

fn command(ops: &[Op], limits: &QueueLimits, sharing: Sharing) -> Cmd {
    let place = &ops[0].place;
    let base = [place.base.as_str()];
    match &ops[0].what {
        What::Put { .. } => {
            let mut call = Script::Put.call(&base);
            call.arg(i32::from(place.instance.is_some())).arg(limits.messages).arg(limits.bytes);
            call.arg(i32::from(sharing.counts));
            put::arguments(&mut call, ops, sharing.most);
            call
        }
        What::Publish { .. } => {
            let groups = place.group.as_ref().map_or("", |(_, groups)| groups);
            let mut call = Script::Publish.call(&[&place.base, groups]);
            call.arg(limits.messages).arg(limits.bytes);
            bodies(&mut call, ops);
            call
        }
        What::Settle { .. } | What::Finish { .. } => {
            let mut call = Script::Settle.call(&base);
            settle::arguments(&mut call, ops, &limits.prefix);
            call
        }
        What::Reply { .. } => {
            let mut call = Script::Reply.call(&base);
            bodies(&mut call, ops);
            call
        }
        What::Ask { command, .. } => Cmd::clone(command),
    }
}

fn bodies(call: &mut Cmd, ops: &[Op]) {
    for op in ops {
        if let What::Publish { body } | What::Reply { body } = &op.what {
            call.arg(&body[..]);
        }
    }
}

/// The channel that messages were put on, and how many consume it, if the server was asked.
pub(super) fn consumers<'a>(ops: &'a [Op], value: &Value) -> Option<(&'a str, usize)> {
    let first = ops.first().filter(|op| matches!(op.what, What::Put { .. }))?;
    let Value::Array(answer) = value else { return None };
    let Some(Value::Int(consumers)) = answer.first() else { return None };
    Some((&first.place.base, usize::try_from(*consumers).ok()?))
}

/// Tells everybody that the server has refused a command as a whole.
pub(super) fn refuse(ops: Vec<Op>, error: &RedisError) {
    let error = refused(error);
    ops.into_iter().for_each(|op| op.fail(error.clone()));
}

/// Tells everybody what became of a command that the server did, or did in part.
pub(super) fn conclude(ops: Vec<Op>, value: Value, limits: &QueueLimits) {
    match ops.first().map(|op| &op.what) {
        Some(What::Put { .. }) => conclude_puts(ops, value, limits),
        Some(What::Publish { .. }) => conclude_events(ops, value, limits),
        Some(What::Settle { .. } | What::Finish { .. }) => conclude_settlements(ops, value),
        Some(What::Ask { .. }) => ops.into_iter().for_each(|op| op.answered(value.clone())),
        _ => ops.into_iter().for_each(Op::done),
    }
}

/// Pairs of an index, 1 for the first, and a word.
fn exceptions(value: Value) -> Vec<(usize, String)> {
    ::redis::from_redis_value(value).unwrap_or_default()
}

fn conclude_puts(ops: Vec<Op>, value: Value, limits: &QueueLimits) {
    let exceptions = match value {
        Value::Array(mut answer) if !answer.is_empty() => exceptions(Value::Array(answer.split_off(1))),
        _ => Vec::new(),
    };
    let all_absent = exceptions.first().is_some_and(|(index, _)| *index == 0);
    let mut refused = exceptions.into_iter().peekable();
    for (index, op) in (1..).zip(ops) {
        if let Some(instance) = op.place.instance.filter(|_| all_absent) {
            op.fail(BrokerError::Gone { instance });
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
    let mut ops = ops.into_iter();
    loop {
        let (count, together) = settle::next(ops.as_slice());
        if together == 0 {
            return;
        }
        index += count;
        let mut is_stale = false;
        while stale.next_if(|stale| *stale <= index).is_some() {
            is_stale = true;
        }
        for op in ops.by_ref().take(together) {
            match (is_stale, op.repeated) {
                (false, _) => op.done(),
                (true, false) => op.fail(BrokerError::Stale),
                (true, true) => op.fail(BrokerError::lost("it broke while the settlement was under way")),
            }
        }
    }
}
