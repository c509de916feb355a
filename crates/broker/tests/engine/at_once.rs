//! What a driver does without a step of its own is a step all the same.

use skyloom_broker::engine::{Conn, Message, Settle};

use crate::world::{World, cast, channel, ms, options, secs};

#[test]
fn a_message_that_is_put_at_once_has_its_time_from_now_on() {
    let mut world = World::new();
    let mut out = Vec::new();
    for (now, queue) in [(5, "q"), (3, "r")] {
        let message = Message { time_to_live: Some(ms(100)), ..cast("a") };
        let put = world.engine.enqueue_now(secs(now), Conn(1), &channel(queue), message, &mut out);
        assert_eq!(put, Some(Ok(())));
        assert_eq!(world.engine.next_wakeup(), Some(ms(5_100)), "the clock does not run backwards");
    }
    assert_eq!(world.engine.enqueue_now(secs(5), Conn(9), &channel("q"), cast("c"), &mut out), None);
}

#[test]
fn what_is_settled_at_once_makes_room_for_the_next_whose_time_begins_now() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.enqueue("q", cast("b"));
    let mut out = Vec::new();
    let lease = world.leases["a"];
    let settled = world.engine.settle_now(secs(20), Conn(2), lease, Settle::Done, &mut out);
    assert_eq!((settled, out.len()), (Some(Ok(())), 1));
    assert_eq!(world.engine.next_wakeup(), Some(secs(50)));
    assert_eq!(world.engine.settle_now(secs(20), Conn(9), lease, Settle::Done, &mut out), None);
}
