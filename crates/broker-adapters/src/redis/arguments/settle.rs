//! What `settle.lua` is told.

use std::collections::HashMap;

use ::redis::Cmd;
use bytes::Bytes;
use skyloom_core::Guid;

use super::{
    super::{
        names::inbox_key,
        op::{Op, What},
    },
    bundle::bundle,
};

/// The entry of several that an operation finishes a message of, and how many it came with. One that may have been
/// done already says nothing of the others.
fn shared(op: &Op) -> Option<(&Bytes, usize)> {
    match &op.what {
        What::Finish { id, part, .. } if part.of > 1 && !op.repeated => Some((id, part.of as usize)),
        _ => None,
    }
}

/// Puts those that finish a whole entry side by side, in the place of the last of them. All others keep theirs.
pub(in super::super) fn arrange(ops: &mut Vec<Op>) {
    if next(ops).1 == ops.len() {
        return;
    }
    let mut whole: HashMap<Bytes, (usize, Vec<Op>), foldhash::fast::RandomState> = HashMap::default();
    for (id, _) in ops.iter().filter_map(shared) {
        whole.entry(id.clone()).or_default().0 += 1;
    }
    for (id, of) in ops.iter().filter_map(shared) {
        if whole.get(id).is_some_and(|(here, _)| *here < of) {
            whole.remove(id);
        }
    }
    if whole.is_empty() {
        return;
    }
    let mut arranged = Vec::with_capacity(ops.len());
    for op in ops.drain(..) {
        match shared(&op).and_then(|(id, of)| Some((whole.get_mut(id)?, of))) {
            Some(((_, those), of)) => {
                those.push(op);
                if those.len() == of {
                    arranged.append(those);
                }
            }
            None => arranged.push(op),
        }
    }
    *ops = arranged;
}

/// Whether two are the same entry. Those of one delivery are the same bytes, which need not be looked at.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    one.len() == other.len() && (one.as_ptr() == other.as_ptr() || one == other)
}

/// How many operations of the script come next, and how many of ours they are.
pub(in super::super) fn next(ops: &[Op]) -> (usize, usize) {
    let Some(first) = ops.first() else { return (0, 0) };
    if let Some((id, of)) = shared(first)
        && let Some(those) = ops.get(..of)
        && those.iter().all(|op| shared(op).is_some_and(|(other, _)| is_same(other, id)))
    {
        return (1, of);
    }
    match first.what {
        What::Settle { count, .. } => (count, 1),
        _ => (1, 1),
    }
}

/// The operations with their arguments.
pub(in super::super) fn arguments(call: &mut Cmd, mut ops: &[Op], prefix: &str) {
    let mut keys = Keys { prefix, last: None };
    loop {
        let (these, others) = ops.split_at(next(ops).1);
        match these {
            [] => return,
            [one] => alone(call, one, &mut keys),
            several => all(call, several, &mut keys),
        }
        ops = others;
    }
}

/// The keys of inboxes; often it is the same again.
struct Keys<'a> {
    prefix: &'a str,
    last: Option<(Guid, String)>,
}

impl Keys<'_> {
    fn of(&mut self, inbox: Guid) -> &str {
        let known = self.last.take().filter(|(last, _)| *last == inbox);
        &self.last.insert(known.unwrap_or_else(|| (inbox, inbox_key(self.prefix, inbox)))).1
    }
}

fn alone(call: &mut Cmd, op: &Op, keys: &mut Keys<'_>) {
    match &op.what {
        What::Finish { id, part, size, reply } => {
            let word = if reply.is_some() { "reply" } else { "done" };
            call.arg(word).arg(&id[..]).arg(part.number).arg(part.of).arg(*size);
            if let Some((inbox, body)) = reply {
                call.arg(keys.of(*inbox)).arg(&body[..]);
            }
        }
        What::Settle { args, .. } => {
            for arg in args {
                call.arg(&arg[..]);
            }
        }
        _ => {}
    }
}

/// All messages of an entry.
pub(in super::super) struct Whole<'a> {
    pub(in super::super) id: &'a Bytes,
    pub(in super::super) count: usize,
    /// The bytes of their envelopes.
    pub(in super::super) bytes: usize,
    /// The replies to each inbox.
    pub(in super::super) inboxes: Vec<(Guid, Vec<&'a Bytes>)>,
}

/// What these settle, if it is an entry as a whole and nothing else.
pub(in super::super) fn whole(ops: &[Op]) -> Option<Whole<'_>> {
    let (id, count) = ops.first().and_then(shared).filter(|(_, of)| *of == ops.len() && next(ops).1 == *of)?;
    let (mut bytes, mut inboxes) = (0, Vec::<(Guid, Vec<&Bytes>)>::new());
    for op in ops {
        let What::Finish { size, reply, .. } = &op.what else { continue };
        bytes += size;
        if let Some((inbox, body)) = reply {
            match inboxes.iter_mut().find(|(known, _)| known == inbox) {
                Some((_, bodies)) => bodies.push(body),
                None => {
                    let mut bodies = Vec::with_capacity(ops.len());
                    bodies.push(body);
                    inboxes.push((*inbox, bodies));
                }
            }
        }
    }
    Some(Whole { id, count, bytes, inboxes })
}

/// The replies to one inbox as one.
pub(in super::super) fn replies(call: &mut Cmd, bodies: &[&Bytes]) {
    match bodies {
        [one] => {
            call.arg(&one[..]);
        }
        _ => bundle(call, bodies.iter().copied()),
    }
}

fn all(call: &mut Cmd, ops: &[Op], keys: &mut Keys<'_>) {
    let Some(whole) = whole(ops) else { return };
    call.arg("all").arg(&whole.id[..]).arg(whole.count).arg(whole.bytes).arg(whole.inboxes.len());
    for (inbox, bodies) in whole.inboxes {
        call.arg(keys.of(inbox));
        replies(call, &bodies);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::super::{
            names::Names,
            op::{Part, Then},
        },
        *,
    };

    /// What finishes the messages of an entry of four, in this order; those that are marked were sent before.
    fn ops(numbers: [(u32, bool); 4]) -> Vec<Op> {
        let place = Names::new("skyloom").channel(&"greeter.v1".parse().unwrap());
        let op = |(number, repeated)| {
            let what = What::Finish { id: "7-0".into(), part: Part { number, of: 4 }, size: 10, reply: None };
            Op { repeated, ..Op::new(Arc::clone(&place), what, Then::Nobody) }
        };
        numbers.map(op).into()
    }

    fn words(mut ops: Vec<Op>) -> Vec<String> {
        arrange(&mut ops);
        let mut call = Cmd::new();
        arguments(&mut call, &ops, "skyloom");
        let word = |arg| match arg {
            ::redis::Arg::Simple(word) => String::from_utf8_lossy(word).into_owned(),
            other => format!("{other:?}"),
        };
        call.args_iter().map(word).collect()
    }

    #[test]
    fn a_whole_entry_is_one_operation() {
        assert_eq!(words(ops([(2, false), (1, false), (4, false), (3, false)])), ["all", "7-0", "4", "40", "0"]);
    }

    #[test]
    fn a_part_of_an_entry_is_no_whole() {
        let ops = ops([(1, false), (2, false), (3, false), (4, false)]);
        let count = |ops| whole(ops).map(|whole| whole.count);
        assert_eq!([&ops[..1], &ops[..3], &ops[1..], &ops].map(count), [None, None, None, Some(4)]);
    }

    #[test]
    fn what_may_have_been_done_already_is_not_done_with_the_others() {
        let words = words(ops([(1, true), (2, false), (3, false), (4, false)])).join(" ");
        assert_eq!(words, "done 7-0 1 4 10 done 7-0 2 4 10 done 7-0 3 4 10 done 7-0 4 4 10");
    }
}
