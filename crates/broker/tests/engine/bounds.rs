//! A limit on everything: what is over it is refused and changes nothing.

use skyloom_broker::engine::{AdminAnswer, AdminCommand, Conn, Input, Limits, Settle, Ticket};
use skyloom_core::broker::ConsumeOptions;

use crate::world::{World, call, cast, channel, guid, options, secs};

fn limits() -> Limits {
    Limits::default()
}

#[test]
fn a_full_channel_refuses_with_its_limit_and_the_caller_hears_it() {
    let mut world = World::with(Limits { channel_messages: 1, ..limits() });
    world.enqueue("greeter.v1", cast("a"));
    let full = "queue greeter.v1 is full: 1 messages";
    assert_eq!(world.confirm("greeter.v1", cast("b")), [format!("1 {full}")]);
    assert_eq!(world.enqueue("greeter.v1", cast("b")), [] as [&str; 0]);
    assert_eq!(world.enqueue("greeter.v1", call("b")), [format!("1 7 hears b: {full}")]);
    assert_eq!(world.confirm("greeter.v1", call("b")), [format!("1 7 hears b: {full}"), format!("1 {full}")]);
    assert_eq!(world.engine.totals().messages, 1);
}

#[test]
fn dead_letters_count() {
    let mut world = World::with(Limits { channel_messages: 1, ..limits() });
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.settle(2, "a", Settle::Bury { reason: "why not".to_owned() });
    assert_eq!(world.confirm("q", cast("b")), ["1 queue q is full: 1 messages"]);
}

#[test]
fn dead_letters_whose_callers_know_give_way_to_new_work_the_oldest_first() {
    let bury = || Settle::Bury { reason: "why not".to_owned() };
    let mut world = World::with(Limits { channel_messages: 3, ..limits() });
    world.consume(2, 1, "q", options(1));
    for message in [cast("a"), call("b"), call("c")] {
        let body = message.body;
        world.enqueue("q", message);
        world.settle(2, body, bury());
    }
    assert_eq!(world.depth("q"), [0, 0, 0, 3, 1]);
    assert_eq!(world.confirm("q", cast("d")), ["2/1 gets d #1", "1 done"]);
    assert_eq!(world.engine.totals().messages, 3);
    let dead = |world: &mut World| world.dead("q").into_iter().map(|(body, _)| body).collect::<Vec<_>>();
    assert_eq!(dead(&mut world), ["a", "c"]);
    assert_eq!(world.confirm("q", cast("e")), ["1 done"]);
    assert_eq!(dead(&mut world), ["a"], "nobody has been told of it");
    assert_eq!(world.confirm("q", cast("f")), ["1 queue q is full: 3 messages"]);
}

#[test]
fn what_has_no_room_in_any_case_drives_out_no_dead_letter() {
    let mut world = World::with(Limits { channel_bytes: 2, ..limits() });
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    world.settle(2, "a", Settle::Bury { reason: "why not".to_owned() });
    assert_eq!(world.confirm("q", cast("aaa")), ["1 queue q is full: 2 bytes"]);
    assert_eq!(world.depth("q"), [0, 0, 0, 1, 1]);
    assert_eq!(world.confirm("q", cast("aa")), ["2/1 gets aa #1", "1 done"], "this has, without it");
}

#[test]
fn dead_letters_that_were_kicked_do_not_keep_others_from_giving_way() {
    for by_number in [false, true] {
        let mut world = World::with(Limits { channel_messages: 3, ..limits() });
        world.consume(2, 1, "q", options(1));
        for body in ["a", "b", "c"] {
            world.enqueue("q", call(body));
            world.settle(2, body, Settle::Bury { reason: "why not".to_owned() });
        }
        world.admin(AdminCommand::Dead(channel("q"), 1));
        let Some(AdminAnswer::Dead(first)) = world.answers.pop() else { panic!("no list") };
        let number = by_number.then_some(first[0].number);
        assert_eq!(world.admin(AdminCommand::Kick(channel("q"), number, 1)), ["3 answer", "2/1 gets a #1"]);
        assert_eq!(world.confirm("q", cast("d")), ["1 done"]);
        assert_eq!(world.dead("q"), [("c", "why not".to_owned())]);
    }
}

#[test]
fn bytes_are_bounded_by_message_by_channel_and_in_all() {
    let bounded = Limits { message_bytes: 4, channel_bytes: 6, total_bytes: 9, ..limits() };
    let mut world = World::with(bounded);
    assert_eq!(world.confirm("q", cast("aaaaa")), ["1 the message has 5 bytes; the broker takes at most 4"]);
    assert_eq!(world.confirm("q", cast("aaaa")), ["1 done"]);
    assert_eq!(world.confirm("q", cast("bbb")), ["1 queue q is full: 6 bytes"]);
    assert_eq!(world.confirm("r", cast("cccc")), ["1 done"]);
    assert_eq!(world.confirm("s", cast("dd")), ["1 the broker is full: 9 bytes"]);
    world.consume(2, 1, "q", options(1));
    world.settle(2, "aaaa", Settle::Done);
    assert_eq!(world.confirm("s", cast("dd")), ["1 done"]);
    assert_eq!(world.engine.totals().bytes, 6);
    assert_eq!(world.confirm("s", cast("eee")), ["1 done"], "up to the limit");
    assert_eq!(world.engine.totals().bytes, 9);
    world.consume(2, 2, "r", options(1));
    world.settle(2, "cccc", Settle::Done);
    assert_eq!(world.confirm("s", cast("f")), ["1 done"], "up to the limit");
    assert_eq!(world.confirm("s", cast("g")), ["1 queue s is full: 6 bytes"]);
}

#[test]
fn a_refused_message_leaves_no_queue_behind() {
    let mut world = World::with(Limits { channel_bytes: 2, channel_idle: secs(5), ..limits() });
    assert_eq!(world.confirm("q", cast("aaa")), ["1 queue q is full: 2 bytes"]);
    world.pass(secs(5));
    assert_eq!(world.engine.totals().channels, 0);
}

#[test]
fn channels_are_bounded() {
    let mut world = World::with(Limits { channels: 1, ..limits() });
    world.enqueue("q", cast("a"));
    assert_eq!(world.confirm("r", cast("b")), ["1 the broker is full: 1 channels"]);
    assert_eq!(world.consume(2, 1, "t/g", options(1)), ["2 the broker is full: 1 channels"]);
    assert_eq!(world.confirm("q", cast("b")), ["1 done"]);
}

#[test]
fn connections_inboxes_and_consumers_are_bounded() {
    let mut world = World::with(Limits { connections: 3, inboxes: 1, consumers_per_connection: 1, ..limits() });
    assert_eq!(world.connect(4, 4), ["4 closed: the broker is full: 3 connections"]);
    assert_eq!(world.consume(4, 1, "q", options(1)), [] as [&str; 0], "it is unknown");
    assert_eq!(world.open_inbox(2, 8), ["2 the broker is full: 1 inboxes"]);
    assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done"]);
    assert_eq!(world.consume(2, 2, "q", options(1)), ["2 the connection is full: 1 consumers"]);
}

#[test]
fn a_stopped_consumer_counts_until_it_holds_nothing() {
    let mut world = World::with(Limits { consumers_per_connection: 1, ..limits() });
    world.consume(2, 1, "q", options(1));
    world.stop(2, 1);
    assert_eq!(world.consume(2, 2, "q", options(1)), ["2 done"]);
    world.enqueue("q", cast("a"));
    world.stop(2, 2);
    assert_eq!(world.consume(2, 3, "q", options(1)), ["2 the connection is full: 1 consumers"]);
    world.settle(2, "a", Settle::Done);
    assert_eq!(world.consume(2, 3, "t/g", options(1)), ["2 done"]);
    let (topic, group) = ("t".parse().unwrap(), "g".parse().unwrap());
    world.step(Input::Unsubscribe { conn: Conn(3), ticket: Ticket::NONE, topic, group });
    assert_eq!(world.consume(2, 4, "q", options(1)), ["2 done"], "its group is gone");
}

#[test]
fn nonsense_is_refused_with_advice() {
    let mut world = World::with(Limits { credit: 8, ..limits() });
    assert_eq!(world.consume(2, 1, "q", options(9)), ["2 the broker refused: a consumer's credit is 1 to 8, not 9"]);
    assert_eq!(world.consume(2, 1, "q", options(0)), ["2 the broker refused: a consumer's credit is 1 to 8, not 0"]);
    let hasty = ConsumeOptions { lease: secs(0), ..options(1) };
    let advice = "2 the broker refused: a consumer's lease must last longer than no time at all";
    assert_eq!(world.consume(2, 1, "q", hasty), [advice]);
    world.consume(2, 1, "q", options(8));
    let advice = "2 the broker refused: consumer 1 is active; stop it first or choose another number";
    assert_eq!(world.consume(2, 1, "q", options(1)), [advice]);
}

#[test]
fn what_does_not_exist_takes_no_messages() {
    let mut world = World::new();
    let instance = channel(&format!("_inst.{}", guid(5))).to_string();
    let reason = format!("no instance {} is running; `sky instances` lists those that are", guid(5));
    assert_eq!(world.enqueue(&instance, call("a")), [format!("1 7 hears a: {reason}")]);
    let reason = "the broker refused: no group g is subscribed to t; consume the group first";
    assert_eq!(world.confirm("t/g", cast("a")), [format!("1 {reason}")]);
}

#[test]
fn idle_queues_are_forgotten_and_others_are_not() {
    let mut world = World::with(Limits { channel_idle: secs(5), ..limits() });
    world.enqueue("kept", cast("a"));
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("b"));
    world.settle(2, "b", Settle::Done);
    world.pass(secs(60));
    assert_eq!(world.engine.totals().channels, 2);
    world.stop(2, 1);
    world.pass(secs(4));
    assert_eq!(world.engine.totals().channels, 2);
    world.pass(secs(1));
    assert_eq!(world.engine.totals().channels, 1);
    assert_eq!(world.depth("kept"), [1, 0, 0, 0, 0]);
    assert_eq!(world.engine.next_wakeup(), None);
}

#[test]
fn a_forgotten_queue_is_made_anew_by_whoever_names_it() {
    let mut world = World::with(Limits { channel_idle: secs(5), ..limits() });
    world.consume(2, 1, "q", options(1));
    world.stop(2, 1);
    world.pass(secs(5));
    assert_eq!(world.engine.totals().channels, 0);
    world.consume(3, 1, "other", options(1));
    assert_eq!(world.confirm("q", cast("a")), ["1 done"], "it does not come to who has its place now");
    assert_eq!(world.depth("q"), [1, 0, 0, 0, 0]);
    assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done", "2/1 gets a #1"]);
}
