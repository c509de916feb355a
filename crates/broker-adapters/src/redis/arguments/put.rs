//! What `put.lua` is told.

use ::redis::Cmd;
use bytes::BytesMut;
use tokio::time::Instant;

use super::super::op::{Op, What};
use crate::remote::begin_member;

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
                let (times, bundle) = bundle(several, now);
                call.arg(times).arg(&bundle[..]);
            }
        }
        ops = others;
    }
}

fn left(expires: Option<Instant>, now: Instant) -> u64 {
    let left = expires.map_or(0, |at| at.saturating_duration_since(now).as_millis().max(1));
    u64::try_from(left).unwrap_or(u64::MAX)
}

fn bundle(ops: &[Op], now: Instant) -> (String, BytesMut) {
    let (mut times, mut bundle) = (String::new(), BytesMut::new());
    for op in ops {
        if let What::Put { expires, body, .. } = &op.what {
            if !times.is_empty() {
                times.push(' ');
            }
            times.push_str(&left(*expires, now).to_string());
            begin_member(&mut bundle, body.len());
            bundle.extend_from_slice(body);
        }
    }
    (times, bundle)
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
