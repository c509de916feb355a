//! Private reply channels.

use skyloom_broker::engine::{Conn, Input, Limits, Settle};

use crate::world::{Body, World, call, guid, ms, options, secs};

const NOTHING: [&str; 0] = [];
const LOST: &str = "the broker cannot say what became of it: more replies came than are kept for a client that is away";

/// A world in which worker 2 holds these calls of connection 1.
fn with_calls(limits: Limits, bodies: &[Body]) -> World {
    let mut world = World::with(limits);
    world.consume(2, 1, "q", options(9));
    for body in bodies {
        world.enqueue("q", call(body));
    }
    world
}

#[test]
fn replies_wait_for_a_client_that_comes_back() {
    let mut world = with_calls(Limits::default(), &["a", "b"]);
    world.disconnect(1);
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), NOTHING);
    let bury = Settle::Bury { reason: "no".to_owned() };
    assert_eq!(world.settle(2, "b", bury), NOTHING);
    world.pass(ms(9_999));
    world.connect(4, 1);
    let told = "4 7 hears b: it failed 1 times and is a dead letter now: no";
    assert_eq!(world.open_inbox(4, 7), ["4 done", "4 7 hears A", told]);
    assert_eq!(world.pass(secs(60)), NOTHING);
    assert_eq!(world.engine.totals().inboxes, 1);
    assert_eq!(world.engine.totals().lost_replies, 0);
}

#[test]
fn an_abandoned_inbox_vanishes_after_its_grace_and_its_replies_are_counted_as_lost() {
    let mut world = with_calls(Limits::default(), &["a", "b", "c"]);
    world.disconnect(1);
    world.settle(2, "a", Settle::Reply("A"));
    world.settle(2, "c", Settle::Bury { reason: "it is no reply".to_owned() });
    world.pass(secs(10));
    assert_eq!(world.engine.totals().inboxes, 0);
    assert_eq!(world.engine.totals().lost_replies, 1);
    assert_eq!(world.settle_confirmed(2, "b", Settle::Reply("B")), ["2 done"]);
    assert_eq!(world.engine.totals().lost_replies, 2);
}

#[test]
fn the_backlog_is_bounded() {
    let mut world = with_calls(Limits { inbox_backlog: 1, ..Limits::default() }, &["a", "b"]);
    world.disconnect(1);
    world.settle(2, "a", Settle::Reply("A"));
    world.settle(2, "b", Settle::Reply("B"));
    assert_eq!(world.engine.totals().lost_replies, 1);
    world.connect(4, 1);
    assert_eq!(world.open_inbox(4, 7), ["4 done", "4 7 hears A", format!("4 7 hears b: {LOST}").as_str()]);
}

#[test]
fn of_calls_without_a_reply_as_many_are_kept_for_a_client_that_is_away() {
    let mut world = with_calls(Limits { inbox_backlog: 1, ..Limits::default() }, &["a", "b", "c"]);
    world.disconnect(1);
    for body in ["a", "b", "c"] {
        world.settle(2, body, Settle::Bury { reason: "no".to_owned() });
    }
    world.connect(4, 1);
    let told = |call| format!("4 7 hears {call}: it failed 1 times and is a dead letter now: no");
    assert_eq!(world.open_inbox(4, 7), ["4 done".to_owned(), told("a"), told("b")]);
}

#[test]
fn an_inbox_that_is_opened_twice_is_kept_like_any_other() {
    let mut world = with_calls(Limits::default(), &["a"]);
    assert_eq!(world.open_inbox(1, 7), ["1 done"]);
    world.disconnect(1);
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), NOTHING);
    world.connect(4, 1);
    assert_eq!(world.open_inbox(4, 7), ["4 done", "4 7 hears A"]);
}

#[test]
fn a_stream_has_no_gap_that_nobody_sees() {
    let mut world = with_calls(Limits { inbox_backlog_bytes: 2, ..Limits::default() }, &["a"]);
    world.engine = world.engine.weighing(|body| body.len());
    world.disconnect(1);
    for body in ["1", "23", "4"] {
        world.partial(2, "a", body);
    }
    world.connect(4, 1);
    let told = format!("4 7 hears a: {LOST}");
    assert_eq!(world.open_inbox(4, 7), ["4 done", "4 7 hears 1", told.as_str()], "and nothing after the gap");
    assert_eq!(world.partial(2, "a", "5"), ["2 done"]);
    assert_eq!(world.settle_confirmed(2, "a", Settle::Reply("A")), ["2 done"]);
}

#[test]
fn what_an_inbox_has_fetched_takes_no_room_any_more() {
    let mut world = with_calls(Limits { inbox_backlog_bytes: 1, ..Limits::default() }, &["a"]);
    world.engine = world.engine.weighing(|body| body.len());
    for (gone, back, body) in [(1, 4, "1"), (4, 5, "2"), (5, 6, "3")] {
        world.disconnect(gone);
        world.partial(2, "a", body);
        world.connect(back, 1);
        assert_eq!(world.open_inbox(back, 7), [format!("{back} done"), format!("{back} 7 hears {body}")]);
    }
}

#[test]
fn an_inbox_belongs_to_its_session() {
    let mut world = with_calls(Limits::default(), &["a"]);
    let refused = format!("2 the broker refused: inbox {} belongs to somebody else", guid(7));
    assert_eq!(world.open_inbox(2, 7), [refused.as_str()]);
    world.step(Input::CloseInbox { conn: Conn(2), inbox: guid(7) });
    world.connect(4, 1);
    assert_eq!(world.open_inbox(4, 7), ["4 done"], "the same session on a new connection");
    world.disconnect(1);
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), ["4 7 hears A"]);
    world.disconnect(4);
    assert_eq!(world.open_inbox(2, 7), [refused]);
}

#[test]
fn a_closed_inbox_is_gone_at_once() {
    let mut world = with_calls(Limits::default(), &["a"]);
    world.step(Input::CloseInbox { conn: Conn(1), inbox: guid(7) });
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), NOTHING);
    assert_eq!(world.engine.totals().lost_replies, 1);
    assert_eq!(world.open_inbox(3, 7), ["3 done"]);
}
