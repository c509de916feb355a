//! What `put.lua` is told.

use ::redis::Cmd;
use bytes::Bytes;
use tokio::time::Instant;

use super::{
    super::op::{Op, What},
    bundle::bundle,
};

/// How many bytes of several calls share an entry.
const BUNDLE_BYTES: usize = 32 << 10;

/// For each entry its delay, how many messages it holds, their bytes, their times to live, and they themselves. At
/// most `share` calls are put into one.
pub(in super::super) fn arguments(call: &mut Cmd, mut ops: &[Op], share: usize) {
    let now = Instant::now();
    while let Some(What::Put { delay, .. }) = ops.first().map(|op| &op.what) {
        let (these, others) = ops.split_at(together(ops, share));
        call.arg(*delay).arg(these.len()).arg(these.iter().map(Op::size).sum::<usize>());
        match these {
            [one] => {
                if let What::Put { expires, body, .. } = &one.what {
                    call.arg(left(*expires, now)).arg(&body[..]);
                }
            }
            several => {
                call.arg(times(several, now));
                bundle(call, several.iter().filter_map(body));
            }
        }
        ops = others;
    }
}

/// All of these as one entry: how it is added to a stream, and its bytes without what it is wrapped in. `None` if they do
/// not share one.
pub(in super::super) fn whole(ops: &[Op], share: usize) -> Option<(Cmd, usize)> {
    let Op { place, .. } = ops.first()?;
    if ops.len() == 1 || together(ops, share) < ops.len() {
        return None;
    }
    let mut add = Cmd::with_capacity(9, 0);
    add.arg("XADD").arg(format!("{}:work", place.base)).arg("*").arg("e");
    bundle(&mut add, ops.iter().filter_map(body));
    add.arg("l").arg(times(ops, Instant::now())).arg("n").arg(ops.len());
    Some((add, ops.iter().map(Op::size).sum()))
}

fn left(expires: Option<Instant>, now: Instant) -> u64 {
    let left = expires.map_or(0, |at| at.saturating_duration_since(now).as_millis().max(1));
    u64::try_from(left).unwrap_or(u64::MAX)
}

fn body(op: &Op) -> Option<&Bytes> {
    match &op.what {
        What::Put { body, .. } => Some(body),
        _ => None,
    }
}

/// How long each has left, with spaces between them. Most have as long as the one before.
fn times(ops: &[Op], now: Instant) -> String {
    let (mut times, mut last) = (String::new(), None);
    let mut text = String::new();
    for op in ops {
        let What::Put { expires, .. } = &op.what else { continue };
        let left = left(*expires, now);
        if last != Some(left) {
            (last, text) = (Some(left), left.to_string());
        }
        if times.is_empty() {
            times.reserve(ops.len() * (text.len() + 1));
        } else {
            times.push(' ');
        }
        times.push_str(&text);
    }
    times
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
