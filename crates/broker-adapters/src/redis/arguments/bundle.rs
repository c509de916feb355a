//! Several envelopes as one argument.

use ::redis::{Cmd, RedisWrite as _};
use bytes::{BufMut as _, Bytes};

use crate::remote::{MOST_FRAME, begin_member};

/// Adds an argument that is a `Bundle` of these.
pub(super) fn bundle<'a>(call: &mut Cmd, bodies: impl Iterator<Item = &'a Bytes> + Clone) {
    let most = bodies.clone().map(|body| MOST_FRAME + body.len()).sum();
    let mut out = call.bufmut_for_next_arg(most);
    for body in bodies {
        begin_member(&mut out, body.len());
        out.put_slice(body);
    }
}
