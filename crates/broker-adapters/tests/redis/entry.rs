//! Entries as any program may write them.

use skyloom_core::{Channel, Envelope};
use skyloom_testing::servers::{Server, redis_command};

use super::{caller::base, load::cast};

/// Puts an entry whose body is this, so many times, and perhaps more fields. Of several servers, one has the channel.
pub(crate) fn put<'a>(
    servers: impl IntoIterator<Item = &'a Server>,
    channel: &Channel,
    body: &[u8],
    times: u32,
    fields: &str,
) -> &'a Server {
    let body: String = body.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let put = "return redis.call('XADD', KEYS[1], '*', 'e', string.rep(ARGV[1], ARGV[2]), unpack(ARGV, 3))";
    let command = format!("EVAL \"{put}\" 1 {}:work \"{body}\" {times} {fields}", base(channel));
    let mut servers = servers.into_iter();
    let has_it = |server: &&Server| redis_command(server, &command).starts_with('$');
    servers.find(has_it).unwrap_or_else(|| panic!("no server takes {command}"))
}

/// A member of a bundle, as any program may write it: field 16 of a Bundle is an envelope.
pub(crate) fn member(number: u32) -> Vec<u8> {
    member_of(&cast(number))
}

pub(crate) fn member_of(envelope: &Envelope) -> Vec<u8> {
    let envelope = envelope.encode();
    let mut member = vec![0x82, 0x01, u8::try_from(envelope.len()).expect("it is short")];
    member.extend_from_slice(&envelope);
    member
}

/// Puts these calls in entries of so many each, with the counts that the adapter keeps.
pub(crate) fn put_together(server: &Server, channel: &Channel, calls: &[Envelope], each: usize) {
    let left = |call: &Envelope| call.budget.map_or(0, |budget| budget.as_millis()).to_string();
    for shared in calls.chunks(each) {
        let body = shared.iter().map(member_of).collect::<Vec<_>>().concat();
        let lefts = shared.iter().map(left).collect::<Vec<_>>().join(" ");
        put([server], channel, &body, 1, &format!("l \"{lefts}\" n {}", shared.len()));
        let bytes: usize = shared.iter().map(Envelope::encoded_len).sum();
        for (field, by) in [("enqueued", shared.len()), ("bytes", bytes), ("more", shared.len() - 1)] {
            let counted = redis_command(server, &format!("HINCRBY {}:count {field} {by}", base(channel)));
            assert!(counted.starts_with(':'), "{counted}");
        }
    }
}
