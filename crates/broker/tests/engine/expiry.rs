//! Time to live.

use skyloom_broker::engine::{Limits, Message, Settle};

use crate::world::{Body, World, call, cast, ms, options, retry, secs};

const NOTHING: [&str; 0] = [];
const EXPIRED: &str = "1 7 hears a: the time ran out before a worker was free";

fn mortal(body: Body, millis: u64) -> Message<Body> {
    Message { time_to_live: Some(ms(millis)), ..call(body) }
}

#[test]
fn a_message_whose_time_is_over_is_dropped_when_its_turn_comes() {
    let mut world = World::new();
    world.enqueue("q", mortal("a", 100));
    world.enqueue("q", cast("b"));
    world.now += ms(100);
    assert_eq!(world.consume(2, 1, "q", options(9)), ["2 done", EXPIRED, "2/1 gets b #1"]);
}

#[test]
fn a_queue_without_consumers_is_rid_of_expired_messages_in_time() {
    let mut world = World::new();
    world.enqueue("q", mortal("b", 300));
    world.enqueue("q", mortal("a", 100));
    world.enqueue("q", call("c"));
    assert_eq!(world.engine.next_wakeup(), Some(ms(1_100)));
    assert_eq!(world.pass(ms(100)), [EXPIRED]);
    assert_eq!(world.engine.next_wakeup(), Some(ms(1_300)));
    assert_eq!(world.pass(ms(200)), [EXPIRED.replace("a:", "b:")]);
    assert_eq!(world.depth("q"), [1, 0, 0, 0, 0]);
}

#[test]
fn a_long_queue_is_searched_in_several_turns() {
    let mut world = World::new();
    for _ in 0..2_500 {
        world.enqueue("q", cast("x"));
        world.enqueue("q", mortal("a", 100));
    }
    let mut told = world.pass(ms(100)).len();
    assert_eq!(told, 500, "one turn looks at a thousand messages");
    for _ in 0..4 {
        told += world.pass(ms(1)).len();
    }
    assert_eq!(told, 2_500);
    assert_eq!(world.depth("q"), [2_500, 0, 0, 0, 0]);
}

#[test]
fn expired_messages_make_room_in_a_full_queue() {
    let mut world = World::with(Limits { channel_messages: 2, ..Limits::default() });
    world.enqueue("q", mortal("a", 100));
    world.enqueue("q", cast("b"));
    assert_eq!(world.confirm("q", cast("c")), ["1 queue q is full: 2 messages"]);
    world.now += ms(100);
    assert_eq!(world.confirm("q", cast("c")), [EXPIRED, "1 done"]);
}

#[test]
fn a_lease_is_not_ended_by_the_time_to_live_but_its_return_is_the_end() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", mortal("a", 100));
    assert_eq!(world.pass(secs(10)), NOTHING);
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), ["1 7 hears A"]);
    world.enqueue("q", mortal("a", 100));
    world.pass(secs(10));
    let told = "1 7 hears a: the broker cannot say what became of it: its time ran out after a failed attempt";
    assert_eq!(world.settle(2, "a", retry(ms(0))), [told], "an attempt was made: its outcome is unknown");
}

#[test]
fn a_delay_does_not_outlast_the_time_to_live() {
    let mut world = World::new();
    world.enqueue("q", Message { delay: secs(60), ..mortal("a", 100) });
    assert_eq!(world.pass(ms(100)), [EXPIRED]);
    assert_eq!(world.engine.totals().messages, 0);
}
