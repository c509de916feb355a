//! Who gets what, and when.

use std::time::Duration;

use skyloom_broker::engine::{Conn, Input, Message, Output, Settle, Ticket};

use crate::world::{World, call, cast, channel, ms, options, secs};

const NOTHING: [&str; 0] = [];

#[test]
fn work_waits_for_a_worker_that_has_not_started() {
    let mut world = World::new();
    assert_eq!(world.confirm("q", cast("a")), ["1 done"]);
    assert_eq!(world.depth("q"), [1, 0, 0, 0, 0]);
    assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done", "2/1 gets a #1"]);
    assert_eq!(world.depth("q"), [0, 0, 1, 0, 1]);
}

#[test]
fn a_call_is_answered_to_its_inbox() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    assert_eq!(world.enqueue("q", call("a")), ["2/1 gets a #1"]);
    assert_eq!(world.settle_confirmed(2, "a", Settle::Reply("A")), ["1 7 hears A", "2 done"]);
    assert_eq!(
        world.settle_confirmed(2, "a", Settle::Reply("A")),
        ["2 the lease has ended; somebody else has the work now"]
    );
    assert_eq!(world.engine.totals().messages, 0);
    assert_eq!(world.engine.totals().bytes, 0);
}

#[test]
fn lower_priority_numbers_come_first_and_equal_ones_in_order() {
    let mut world = World::new();
    for (body, priority) in [("a", 5), ("b", 1), ("c", 5), ("d", 0)] {
        world.enqueue("q", Message { priority, ..cast(body) });
    }
    let expected = ["2 done", "2/1 gets d #1", "2/1 gets b #1", "2/1 gets a #1", "2/1 gets c #1"];
    assert_eq!(world.consume(2, 1, "q", options(9)), expected);
}

#[test]
fn a_consumer_holds_no_more_than_its_credit() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    for (body, expected) in [("a", 1), ("b", 1), ("c", 0), ("d", 0)] {
        assert_eq!(world.enqueue("q", cast(body)).len(), expected, "{body}");
    }
    assert_eq!(world.settle(2, "b", Settle::Done), ["2/1 gets c #1"]);
    assert_eq!(world.settle(2, "a", Settle::Done), ["2/1 gets d #1"]);
    assert_eq!(world.settle(2, "d", Settle::Done), NOTHING);
}

#[test]
fn consumers_with_credit_take_turns() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(3));
    world.consume(3, 5, "q", options(1));
    world.consume(2, 2, "q", options(3));
    let got: Vec<String> = ["a", "b", "c", "d", "e"].iter().flat_map(|body| world.enqueue("q", cast(body))).collect();
    assert_eq!(got, ["2/1 gets a #1", "3/5 gets b #1", "2/2 gets c #1", "2/1 gets d #1", "2/2 gets e #1"]);
}

#[test]
fn a_delayed_message_is_held_back_and_then_takes_its_place() {
    let mut world = World::new();
    world.enqueue("q", Message { delay: secs(5), ..cast("a") });
    world.enqueue("q", cast("b"));
    assert_eq!(world.depth("q"), [1, 1, 0, 0, 0]);
    assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done", "2/1 gets b #1"]);
    world.enqueue("q", cast("c"));
    assert_eq!(world.engine.next_wakeup(), Some(secs(6)));
    assert_eq!(world.pass(ms(4_999)), NOTHING);
    assert_eq!(world.depth("q"), [1, 1, 1, 0, 1]);
    assert_eq!(world.pass(ms(1)), NOTHING);
    assert_eq!(world.settle(2, "b", Settle::Done), ["2/1 gets a #1"], "it was enqueued before c");
}

#[test]
fn a_delivery_says_how_long_it_waited_and_what_is_left_of_its_time() {
    let mut world = World::new();
    world.enqueue("q", Message { time_to_live: Some(secs(10)), ..cast("a") });
    world.now += secs(4);
    let (conn, ticket) = (Conn(2), Ticket::NONE);
    let consumer = skyloom_broker::engine::ConsumerId(1);
    let input = Input::Consume { conn, ticket, consumer, channel: channel("q"), options: options(1) };
    let mut outputs = Vec::new();
    world.engine.step(world.now, input, &mut outputs);
    let [Output::Deliver { time_to_live, waited, lease_time, .. }] = outputs.as_slice() else {
        panic!("{outputs:?}");
    };
    assert_eq!((*time_to_live, *waited, *lease_time), (Some(secs(6)), secs(4), secs(30)));
}

#[test]
fn a_stopped_consumer_gets_nothing_more_but_may_settle() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    world.enqueue("q", call("b"));
    assert_eq!(world.stop(2, 1), ["2 done"]);
    assert_eq!(world.settle_confirmed(2, "a", Settle::Reply("A")), ["1 7 hears A", "2 done"]);
    assert_eq!(world.depth("q"), [1, 0, 0, 0, 0]);
    assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done", "2/1 gets b #1"], "its number is free again");
}

#[test]
fn a_stopped_consumer_that_begins_anew_is_charged_for_what_it_holds() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", cast("a"));
    world.stop(2, 1);
    world.enqueue("q", cast("b"));
    world.enqueue("q", cast("c"));
    assert_eq!(world.consume(2, 1, "q", options(2)), ["2 done", "2/1 gets b #1"]);
    assert_eq!(world.settle(2, "a", Settle::Done), ["2/1 gets c #1"]);
}

#[test]
fn partial_replies_come_before_the_final_one() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    assert_eq!(world.partial(2, "a", "x"), ["1 7 hears x", "2 done"]);
    assert_eq!(world.partial(2, "a", "y"), ["1 7 hears y", "2 done"]);
    assert_eq!(world.settle(2, "a", Settle::Reply("z")), ["1 7 hears z"]);
    assert_eq!(world.partial(2, "a", "late"), ["2 the lease has ended; somebody else has the work now"]);
}

#[test]
fn who_sends_a_stream_hears_with_the_next_extension_that_its_reader_is_gone() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", call("stream"));
    world.enqueue("q", call("work"));
    world.partial(2, "stream", "x");
    assert_eq!(world.extend(2, "stream"), ["2 done"]);
    world.disconnect(1);
    assert_eq!(world.extend(2, "stream"), ["2 done"], "the reader may come back");
    world.pass(secs(10));
    assert_eq!(world.extend(2, "stream"), ["2 the broker refused: nobody reads this stream any more: end it"]);
    assert_eq!(world.extend(2, "work"), ["2 done"], "what is no stream runs to its end");
    assert_eq!(world.pass(secs(19)), NOTHING, "it lasts until it is settled");
    assert_eq!(world.settle(2, "stream", Settle::Done), NOTHING);
    assert_eq!(world.depth("q")[2], 1);
}

#[test]
fn a_paused_channel_delivers_nothing_until_the_pause_ends() {
    use skyloom_broker::engine::AdminCommand::Pause;
    let mut world = World::new();
    world.consume(2, 1, "q", options(9));
    assert_eq!(world.admin(Pause(channel("q"), secs(5))), ["3 done"]);
    assert_eq!(world.enqueue("q", cast("a")), NOTHING);
    assert_eq!(world.pass(secs(5)), ["2/1 gets a #1"]);
    world.admin(Pause(channel("q"), secs(5)));
    assert_eq!(world.enqueue("q", cast("b")), NOTHING);
    assert_eq!(world.admin(Pause(channel("q"), Duration::ZERO)), ["3 done", "2/1 gets b #1"]);
    let refused = world.admin(Pause(channel("nowhere"), secs(5)));
    assert_eq!(refused, ["3 the broker refused: there is no channel nowhere; list them to see their names"]);
}
