//! A planned restart of the broker, in which nothing is lost.

use skyloom_broker::engine::{
    AdminAnswer, AdminCommand, Conn, Engine, Exported, Input, Limits, Message, Settle, Ticket,
};
use skyloom_core::{
    broker::{BrokerError, ConsumeOptions},
    registry::Instance,
};

use crate::world::{Body, World, call, cast, channel, guid, ms, options, retry, secs};

const NOTHING: [&str; 0] = [];

impl World {
    /// Writes the engine down and reads it into a new one, whose clock begins elsewhere.
    pub(crate) fn restart(&mut self) {
        let text = serde_json::to_string(&self.engine.export(self.now)).unwrap();
        let exported: Exported<Body> = serde_json::from_str(Box::leak(text.into_boxed_str())).unwrap();
        assert_eq!(exported.messages() as u64, self.engine.totals().messages);
        assert!(!exported.is_empty());
        self.now = secs(5_000);
        self.engine = Engine::import(Limits::default(), self.now, exported);
    }
}

#[test]
fn an_engine_that_holds_nothing_is_not_worth_keeping() {
    let mut world = World::new();
    world.enqueue("q", cast("a"));
    assert!(!world.engine.export(world.now).is_empty());
    let engine: Engine<Body> = Engine::new(Limits::default());
    assert!(engine.export(world.now).is_empty());
}

#[test]
fn a_lease_is_valid_on_the_sessions_next_connection_and_counts_against_its_credit() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    for body in ["a", "b", "c"] {
        world.enqueue("q", call(body));
    }
    world.settle(2, "a", Settle::Reply("A"));
    world.restart();
    world.connect(20, 2);
    world.connect(10, 1);
    world.open_inbox(10, 7);
    assert_eq!(world.consume(20, 1, "q", options(2)), ["20 done"], "it holds b and c");
    assert_eq!(
        world.settle_confirmed(20, "a", Settle::Reply("late")),
        ["20 the lease has ended; somebody else has the work now"]
    );
    assert_eq!(world.settle_confirmed(20, "b", Settle::Reply("B")), ["10 7 hears B", "20 done"]);
    world.connect(3, 3);
    assert_eq!(
        world.step(Input::Enqueue { conn: Conn(10), ticket: Ticket::NONE, channel: channel("q"), message: call("d") }),
        ["20/1 gets d #1"]
    );
    assert_eq!(world.settle(20, "c", Settle::Release), ["20/1 gets c #1"]);
    assert_eq!(world.disconnect(20), NOTHING);
    assert_eq!(world.depth("q"), [2, 0, 0, 0, 0]);
}

#[test]
fn who_comes_back_after_a_restart_does_not_hang() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", cast("a"));
    world.pass(secs(15));
    world.enqueue("q", cast("b"));
    assert_eq!(world.pass(secs(15)), NOTHING, "it keeps b and is passed over");
    world.restart();
    world.connect(20, 2);
    assert_eq!(world.consume(20, 1, "q", options(2)), ["20 done", "20/1 gets a #2"]);
    world.connect(1, 1);
    assert_eq!(world.settle(20, "b", Settle::Done), NOTHING);
    assert_eq!(world.enqueue("q", cast("c")), ["20/1 gets c #1"]);
}

#[test]
fn a_session_that_does_not_come_back_loses_its_leases() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    world.restart();
    world.connect(30, 3);
    assert_eq!(world.consume(30, 1, "q", options(1)), ["30 done"]);
    assert_eq!(world.pass(ms(9_999)), NOTHING);
    assert_eq!(world.pass(ms(1)), ["30/1 gets a #2"]);
    world.connect(20, 2);
    assert_eq!(world.consume(20, 1, "q", options(1)), ["20 done"]);
}

#[test]
fn a_lease_goes_on_where_it_stood() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    world.once(2, "a");
    world.pass(secs(25));
    world.restart();
    world.connect(10, 1);
    world.open_inbox(10, 7);
    assert_eq!(world.pass(ms(4_999)), NOTHING);
    let told = world.pass(ms(1));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("10 7 hears a: the broker cannot say what became of it: it may be tried only once"));
}

#[test]
fn a_stream_knows_after_a_restart_that_it_is_one() {
    let mut world = World::new();
    world.consume(2, 1, "q", ConsumeOptions { lease: secs(60), ..options(1) });
    world.enqueue("q", call("a"));
    assert_eq!(world.partial(2, "a", "begun"), ["1 7 hears begun", "2 done"]);
    world.restart();
    world.connect(20, 2);
    assert_eq!(world.extend(20, "a"), ["20 done"], "its reader may come back");
    world.pass(secs(10));
    assert_eq!(world.extend(20, "a"), [format!("20 {}", BrokerError::unread())]);
}

#[test]
fn every_kind_of_message_is_where_it_was() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    world.settle(2, "a", retry(secs(5)));
    world.enqueue("q", call("b"));
    world.settle(2, "b", Settle::Bury { reason: "no".to_owned() });
    world.enqueue("q", cast("c"));
    world.stop(2, 1);
    world.settle(2, "c", Settle::Release);
    world.enqueue("q", Message { time_to_live: Some(secs(8)), ..cast("d") });
    world.consume(2, 2, "t/g", options(1));
    world.admin(AdminCommand::Pause(channel("t/g"), secs(7)));
    world.publish("t", cast("e"));
    world.pass(secs(1));
    world.restart();
    world.connect(3, 3);
    assert_eq!(world.depth("q"), [2, 1, 0, 1, 0]);
    assert_eq!(world.dead("q"), [("b", "no".to_owned())]);
    world.pass(secs(4));
    assert_eq!(world.consume(3, 1, "q", options(9)), ["3 done", "3/1 gets a #2", "3/1 gets c #1", "3/1 gets d #1"]);
    assert_eq!(world.consume(3, 2, "t/g", options(9)), ["3 done"]);
    assert_eq!(world.pass(secs(2)), ["3/2 gets e #1"]);
    world.connect(1, 1);
    assert_eq!(world.publish("t", cast("f")), ["3/2 gets f #1", "1 done"], "the group is still subscribed");
}

#[test]
fn what_came_for_an_absent_client_is_kept() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", call("a"));
    world.enqueue("q", call("b"));
    world.disconnect(1);
    world.settle(2, "a", Settle::Reply("A"));
    world.settle(2, "b", Settle::Bury { reason: "no".to_owned() });
    world.restart();
    world.connect(10, 1);
    let told = "10 7 hears b: it failed 1 times and is a dead letter now: no";
    assert_eq!(world.open_inbox(10, 7), ["10 done", "10 7 hears A", told]);
}

#[test]
fn an_ephemeral_channel_waits_for_its_consumer_and_then_vanishes() {
    for comes_back in [true, false] {
        let mut world = World::new();
        let instance = format!("_inst.{}", guid(5));
        world.consume(2, 1, &instance, options(1));
        world.restart();
        world.connect(1, 1);
        world.open_inbox(1, 7);
        assert_eq!(world.enqueue(&instance, call("a")), NOTHING);
        world.pass(secs(9));
        if comes_back {
            world.connect(20, 2);
            assert_eq!(world.consume(20, 1, &instance, options(1)), ["20 done", "20/1 gets a #1"]);
            assert_eq!(world.pass(secs(10)), NOTHING);
        } else {
            let told = format!("1 7 hears a: no instance {} is running; `sky instances` lists those that are", guid(5));
            assert_eq!(world.pass(secs(1)), [told]);
        }
    }
}

#[test]
fn instances_stay_up_for_a_session_that_comes_back() {
    for comes_back in [true, false] {
        let mut world = World::new();
        let (id, services, host, region) = (guid(11), Vec::new(), String::new(), String::new());
        let instance = Box::new(Instance { id, services, host, region, pid: 1, started: 0 });
        let contracts = Vec::new();
        world.step(Input::Register { conn: Conn(2), ticket: Ticket(9), instance, contracts });
        world.restart();
        world.connect(30, 3);
        assert_eq!(world.step(Input::Watch { conn: Conn(30) }), ["30 up 11", "30 complete"]);
        if comes_back {
            world.connect(20, 2);
            world.pass(ms(2_499));
            world.step(Input::Heard(Conn(20)));
            assert_eq!(world.pass(ms(2_499)), NOTHING);
            assert_eq!(world.disconnect(20), ["30 down 11"]);
        } else {
            assert_eq!(world.pass(secs(10)), ["30 down 11"]);
        }
    }
}

#[test]
fn who_comes_back_answers_for_its_own_instances_alone() {
    let mut world = World::new();
    for (conn, number) in [(1, 11), (2, 12)] {
        let (id, services, host, region) = (guid(number), Vec::new(), String::new(), String::new());
        let instance = Box::new(Instance { id, services, host, region, pid: 1, started: 0 });
        world.step(Input::Register { conn: Conn(conn), ticket: Ticket(9), instance, contracts: Vec::new() });
    }
    world.restart();
    world.connect(30, 3);
    world.step(Input::Watch { conn: Conn(30) });
    world.connect(20, 2);
    assert_eq!(world.disconnect(20), ["30 down 12"]);
    assert_eq!(world.pass(secs(10)), ["30 down 11"]);
}

#[test]
fn a_lease_that_ended_before_is_not_mistaken_for_a_new_one() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.settle(2, "a", Settle::Done);
    world.restart();
    world.connect(20, 2);
    world.connect(1, 1);
    world.consume(20, 1, "q", options(1));
    for body in ["b", "c"] {
        assert_eq!(world.enqueue("q", cast(body)), [format!("20/1 gets {body} #1")]);
        let late = world.settle_confirmed(20, "a", Settle::Done);
        assert_eq!(late, ["20 the lease has ended; somebody else has the work now"]);
        world.settle(20, body, Settle::Done);
    }
}

#[test]
fn what_is_kept_for_an_absent_client_is_weighed_anew() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", call("a"));
    world.enqueue("q", call("b"));
    world.disconnect(1);
    world.settle(2, "a", Settle::Reply("A"));
    let kept = world.engine.export(world.now);
    let limits = Limits { inbox_backlog_bytes: 1, ..Limits::default() };
    world.engine = Engine::import(limits, world.now, kept).weighing(|body| body.len());
    world.connect(2, 2);
    world.settle(2, "b", Settle::Reply("B"));
    world.connect(10, 1);
    let told = "10 7 hears b: the broker cannot say what became of it: more replies came than are kept for a client that is away";
    assert_eq!(world.open_inbox(10, 7), ["10 done", "10 7 hears A", told]);
}

#[test]
fn a_detached_channel_does_not_take_the_name_from_its_successor() {
    let mut world = World::new();
    let instance = format!("_inst.{}", guid(5));
    world.consume(2, 1, &instance, options(1));
    world.enqueue(&instance, call("a"));
    world.stop(2, 1);
    world.consume(2, 2, &instance, options(1));
    world.restart();
    world.connect(20, 2);
    world.connect(1, 1);
    world.open_inbox(1, 7);
    assert_eq!(world.consume(20, 2, &instance, options(1)), ["20 done"]);
    assert_eq!(world.settle(20, "a", Settle::Reply("A")), ["1 7 hears A"]);
    assert_eq!(world.enqueue(&instance, call("b")), ["20/2 gets b #1"]);
    assert_eq!(world.engine.totals().channels, 1);
}

#[test]
fn of_two_consumers_with_one_name_the_second_loses_its_leases() {
    let mut world = World::new();
    world.connect(4, 2);
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.consume(4, 1, "q", options(1));
    world.enqueue("q", cast("b"));
    world.restart();
    world.connect(20, 2);
    world.connect(3, 3);
    assert_eq!(world.depth("q"), [1, 0, 1, 0, 0]);
    assert_eq!(world.consume(20, 2, "q", options(1)), ["20 done", "20/2 gets b #2"]);
    world.disconnect(20);
    assert_eq!(world.depth("q"), [2, 0, 0, 0, 0], "the first one kept its lease until its end");
}

#[test]
fn the_time_of_a_call_runs_out_after_it_as_it_would_have() {
    let mut world = World::new();
    world.enqueue("q", Message { time_to_live: Some(secs(8)), ..call("a") });
    // The engine itself has heard of no time since.
    world.now += secs(3);
    world.restart();
    world.connect(10, 1);
    world.open_inbox(10, 7);
    assert_eq!(world.pass(ms(4_999)), NOTHING);
    assert_eq!(world.pass(ms(1)), ["10 7 hears a: the time ran out before a worker was free"]);
    assert_eq!(world.engine.totals().messages, 0);
}

#[test]
fn what_is_urgent_still_comes_first() {
    let mut world = World::new();
    world.enqueue("q", Message { priority: 5, ..cast("a") });
    world.enqueue("q", Message { priority: 1, ..cast("b") });
    world.restart();
    world.connect(2, 2);
    assert_eq!(world.consume(2, 1, "q", options(2)), ["2 done", "2/1 gets b #1", "2/1 gets a #1"]);
}

#[test]
fn what_waits_counts_against_the_limits() {
    let limits = Limits { channel_bytes: 4, total_bytes: 6, ..Limits::default() };
    let mut world = World::with(limits);
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("aa"));
    world.enqueue("q", cast("bb"));
    let kept = world.engine.export(world.now);
    world.engine = Engine::import(limits, world.now, kept);
    world.connect(1, 1);
    world.connect(2, 2);
    assert_eq!(world.confirm("q", cast("c")), ["1 queue q is full: 4 bytes"]);
    assert_eq!(world.confirm("p", cast("ccc")), ["1 the broker is full: 6 bytes"]);
    assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done"]);
    assert_eq!(world.settle(2, "aa", Settle::Done), ["2/1 gets bb #1"]);
    assert_eq!(world.confirm("q", cast("cc")), ["1 done"], "what is done has made room");
}

#[test]
fn channels_beyond_a_lower_limit_are_kept() {
    let mut world = World::new();
    world.enqueue("p", cast("a"));
    world.enqueue("q", cast("b"));
    let kept = world.engine.export(world.now);
    world.engine = Engine::import(Limits { channels: 1, ..Limits::default() }, world.now, kept);
    world.connect(2, 2);
    for (consumer, queue, body) in [(1, "p", "a"), (2, "q", "b")] {
        let got = format!("2/{consumer} gets {body} #1");
        assert_eq!(world.consume(2, consumer, queue, options(1)), ["2 done".to_owned(), got]);
    }
}

#[test]
fn a_client_that_does_not_come_back_leaves_no_inbox() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    world.enqueue("q", cast("b"));
    world.disconnect(1);
    world.settle(2, "a", Settle::Reply("A"));
    world.restart();
    assert_eq!(world.engine.totals().inboxes, 1);
    world.pass(secs(10));
    assert_eq!((world.engine.totals().inboxes, world.engine.totals().lost_replies), (0, 1));
    world.restart();
    assert_eq!(world.engine.totals().lost_replies, 1, "what was counted is not forgotten");
}

#[test]
fn dead_letters_keep_their_numbers_and_ages_and_whether_somebody_knows() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    for message in [call("a"), cast("b")] {
        let body = message.body;
        world.enqueue("q", message);
        world.settle(2, body, Settle::Bury { reason: "no".to_owned() });
    }
    world.pass(secs(60));
    let letters = |world: &mut World| {
        world.admin(AdminCommand::Dead(channel("q"), 9));
        let Some(AdminAnswer::Dead(dead)) = world.answers.pop() else { panic!("no list") };
        dead.into_iter().map(|dead| (dead.body, dead.number, dead.attempts, dead.age)).collect::<Vec<_>>()
    };
    let before = letters(&mut world);
    let kept = world.engine.export(world.now);
    world.engine = Engine::import(Limits { channel_messages: 2, ..Limits::default() }, world.now, kept);
    for conn in 1..=3 {
        world.connect(conn.into(), conn);
    }
    assert_eq!(letters(&mut world), before);
    // The caller of one was told, so that it gives way; of the other nobody knows yet.
    assert_eq!(world.confirm("q", cast("c")), ["1 done"]);
    assert_eq!(world.dead("q"), [("b", "no".to_owned())]);
    world.consume(2, 1, "q", options(1));
    world.admin(AdminCommand::DropDead(channel("q"), None));
    world.settle(2, "c", Settle::Bury { reason: "no".to_owned() });
    assert!(letters(&mut world)[0].1 > before[1].1, "no number is used twice");
}
