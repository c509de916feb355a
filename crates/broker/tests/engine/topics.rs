//! Topics, groups and ephemeral channels.

use skyloom_broker::engine::{Conn, Input, Limits, Settle, Ticket};
use skyloom_core::broker::ConsumeOptions;

use crate::world::{World, call, cast, guid, options, retry, secs};

const NOTHING: [&str; 0] = [];

fn ephemeral() -> ConsumeOptions {
    ConsumeOptions { ephemeral: true, ..options(1) }
}

#[test]
fn each_group_gets_each_event_once() {
    let mut world = World::new();
    assert_eq!(world.publish("t", cast("a")), ["1 done"], "nobody is subscribed");
    world.consume(2, 1, "t/g", options(9));
    world.consume(3, 1, "t/g", options(9));
    world.consume(3, 2, "t/h", options(9));
    world.consume(3, 3, "other/h", options(9));
    assert_eq!(world.publish("t", cast("b")), ["2/1 gets b #1", "3/2 gets b #1", "1 done"]);
    assert_eq!(world.publish("t", cast("c")), ["3/1 gets c #1", "3/2 gets c #1", "1 done"]);
}

#[test]
fn a_group_keeps_its_events_while_nobody_consumes_it() {
    let mut world = World::with(Limits { channel_idle: secs(5), ..Limits::default() });
    world.consume(2, 1, "t/g", options(9));
    world.disconnect(2);
    world.pass(secs(3600));
    world.publish("t", cast("a"));
    assert_eq!(world.consume(3, 1, "t/g", options(9)), ["3 done", "3/1 gets a #1"]);
}

#[test]
fn a_full_group_refuses_the_event_for_all() {
    let mut world = World::with(Limits { channel_messages: 1, ..Limits::default() });
    world.consume(2, 1, "t/g", options(9));
    world.consume(2, 2, "t/h", options(9));
    world.publish("t", cast("a"));
    world.settle(2, "a", Settle::Done);
    assert_eq!(world.publish("t", cast("b")), ["1 group t/g is full: 1 messages"]);
    assert_eq!(world.engine.totals().messages, 1);
}

#[test]
fn the_bytes_of_all_copies_count() {
    let mut world = World::with(Limits { total_bytes: 5, ..Limits::default() });
    world.consume(2, 1, "t/g", options(9));
    world.consume(2, 2, "t/h", options(9));
    assert_eq!(world.publish("t", cast("aaa")), ["1 the broker is full: 5 bytes"]);
    assert_eq!(world.publish("t", cast("aa")).len(), 3);
}

#[test]
fn an_unsubscribed_group_is_gone_with_what_waits_in_it() {
    let mut world = World::new();
    world.consume(2, 1, "t/g", options(1));
    world.publish("t", cast("a"));
    world.publish("t", cast("b"));
    let (topic, group) = ("t".parse().unwrap(), "g".parse().unwrap());
    let unsubscribe = Input::Unsubscribe { conn: Conn(3), ticket: Ticket(9), topic, group };
    assert_eq!(world.step(unsubscribe), ["3 done"]);
    assert_eq!(world.publish("t", cast("c")), ["1 done"]);
    assert_eq!(world.engine.totals().messages, 1, "what is leased may be finished");
    assert_eq!(world.settle_confirmed(2, "a", Settle::Done), ["2 done"]);
    assert_eq!(world.engine.totals().messages, 0);
    assert_eq!(world.engine.totals().channels, 0);
}

#[test]
fn who_calls_an_unsubscribed_group_hears_whether_the_call_was_tried() {
    let mut world = World::new();
    world.consume(2, 1, "t/g", options(2));
    for body in ["a", "b", "c"] {
        world.enqueue("t/g", call(body));
    }
    let (topic, group) = ("t".parse().unwrap(), "g".parse().unwrap());
    let unsubscribe = Input::Unsubscribe { conn: Conn(3), ticket: Ticket::NONE, topic, group };
    assert_eq!(
        world.step(unsubscribe),
        ["1 7 hears c: the broker is not available: nobody consumes group t/g any more"]
    );
    let lost =
        "the broker cannot say what became of it: its last attempt failed and nobody consumes group t/g any more";
    assert_eq!(world.settle(2, "a", retry(secs(0))), [format!("1 7 hears a: {lost}")]);
    let dead = "1 7 hears b: it failed 1 times and is a dead letter now: no";
    assert_eq!(world.settle(2, "b", Settle::Bury { reason: "no".to_owned() }), [dead]);
    let totals = world.engine.totals();
    assert_eq!((totals.messages, totals.channels), (0, 0));
}

#[test]
fn an_ephemeral_group_vanishes_with_its_last_consumer() {
    let mut world = World::new();
    world.consume(2, 1, "t/g", ephemeral());
    world.consume(3, 1, "t/g", ephemeral());
    world.publish("t", cast("a"));
    world.disconnect(2);
    world.publish("t", cast("b"));
    assert_eq!(world.depth("t/g"), [1, 0, 1, 0, 1]);
    world.stop(3, 1);
    assert_eq!(world.depth("t/g"), [0, 0, 0, 0, 0]);
    assert_eq!(world.settle_confirmed(3, "a", Settle::Done), ["3 done"]);
    assert_eq!(world.engine.totals().channels, 0);
}

#[test]
fn callers_hear_that_an_instance_is_gone() {
    let mut world = World::new();
    let instance = format!("_inst.{}", guid(5));
    world.consume(2, 1, &instance, options(1));
    world.enqueue(&instance, call("a"));
    world.enqueue(&instance, call("b"));
    let gone = |body: &str, error: &str| format!("1 7 hears {body}: {error}");
    let unsent = format!("no instance {} is running; `sky instances` lists those that are", guid(5));
    let lost = format!(
        "the broker cannot say what became of it: its last attempt failed and nobody consumes instance {} any more",
        guid(5)
    );
    assert_eq!(world.disconnect(2), [gone("a", &lost), gone("b", &unsent)]);
    assert_eq!(world.engine.totals().channels, 0);
    assert_eq!(world.engine.totals().messages, 0);
}

#[test]
fn a_stopped_instance_may_still_answer_but_takes_nothing_more() {
    let mut world = World::new();
    let instance = format!("_inst.{}", guid(5));
    world.consume(2, 1, &instance, options(1));
    world.enqueue(&instance, call("a"));
    world.stop(2, 1);
    let refused = format!("1 7 hears b: no instance {} is running; `sky instances` lists those that are", guid(5));
    assert_eq!(world.enqueue(&instance, call("b")), [refused]);
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), ["1 7 hears A"]);
    assert_eq!(world.engine.totals().channels, 0);
}

#[test]
fn an_instance_channel_belongs_to_its_session() {
    let mut world = World::new();
    let instance = format!("_inst.{}", guid(5));
    world.consume(2, 1, &instance, options(1));
    let refused = format!("3 the broker refused: the channel of instance {} belongs to somebody else", guid(5));
    assert_eq!(world.consume(3, 1, &instance, options(1)), [refused]);
    world.connect(4, 2);
    assert_eq!(world.consume(4, 1, &instance, options(1)), ["4 done"]);
    assert_eq!(world.disconnect(2), NOTHING);
    assert_eq!(world.enqueue(&instance, call("a")), ["4/1 gets a #1"]);
}
