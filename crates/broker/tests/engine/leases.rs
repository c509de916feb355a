//! How leases end, and what becomes of the work.

use std::time::Duration;

use skyloom_broker::engine::Settle;
use skyloom_core::broker::ConsumeOptions;

use crate::world::{World, call, cast, ms, options, retry, secs};

const NOTHING: [&str; 0] = [];
const STALE: &str = "the lease has ended; somebody else has the work now";

#[test]
fn a_lost_connection_returns_its_leases_at_once_in_their_old_order() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(3));
    for body in ["a", "b", "c"] {
        world.enqueue("q", cast(body));
    }
    world.settle(2, "a", Settle::Done);
    world.enqueue("q", cast("d"));
    world.enqueue("q", cast("e"));
    world.consume(3, 1, "q", options(3));
    assert_eq!(world.disconnect(2), ["3/1 gets b #2", "3/1 gets c #2"]);
    assert_eq!(world.settle(3, "e", Settle::Done), ["3/1 gets d #2"]);
}

#[test]
fn two_consumers_of_a_lost_connection_do_not_inherit_from_each_other() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.consume(2, 2, "q", options(1));
    assert_eq!(world.disconnect(2), NOTHING);
    assert_eq!(world.consume(3, 1, "q", options(1)), ["3 done", "3/1 gets a #2"]);
}

#[test]
fn a_lease_that_ends_is_a_failed_attempt_and_what_is_settled_later_changes_nothing() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    let old = world.leases["a"];
    world.consume(3, 1, "q", options(1));
    assert_eq!(world.pass(ms(29_999)), NOTHING);
    assert_eq!(world.pass(ms(1)), ["3/1 gets a #2"]);
    let new = world.leases.insert("a", old).unwrap();
    assert_eq!(world.settle_confirmed(2, "a", Settle::Reply("A")), [format!("2 {STALE}")]);
    assert_eq!(world.settle(2, "a", Settle::Reply("A")), NOTHING);
    world.leases.insert("a", new);
    assert_eq!(world.settle_confirmed(2, "a", Settle::Reply("A")), [format!("2 {STALE}")], "it is not 2's lease");
    assert_eq!(world.settle(3, "a", Settle::Reply("B")), ["1 7 hears B"]);
}

#[test]
fn an_extended_lease_lasts_longer() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.pass(secs(20));
    assert_eq!(world.extend(2, "a"), ["2 done"]);
    assert_eq!(world.extend(3, "a"), [format!("3 {STALE}")]);
    assert_eq!(world.pass(ms(29_999)), NOTHING);
    assert_eq!(world.pass(ms(1)), NOTHING);
    assert_eq!(world.extend(2, "a"), [format!("2 {STALE}"), "2/1 gets a #2".to_owned()]);
    assert_eq!(world.extend(2, "a"), ["2 done"]);
}

#[test]
fn a_consumer_that_hangs_gets_nothing_while_another_does_the_work() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", cast("a"));
    world.consume(3, 1, "q", options(1));
    assert_eq!(world.pass(secs(30)), ["3/1 gets a #2"], "it has credit for one more, but may hang");
    assert_eq!(world.enqueue("q", cast("b")), NOTHING);
    assert_eq!(world.settle(3, "a", retry(Duration::ZERO)), ["3/1 gets a #3"]);
    assert_eq!(world.settle(3, "a", Settle::Done), ["3/1 gets b #1"]);
    assert_eq!(world.enqueue("q", cast("c")), NOTHING);
    assert_eq!(world.heard(2), ["2/1 gets c #1"]);
    assert_eq!(world.enqueue("q", cast("d")), ["2/1 gets d #1"]);
    assert_eq!(world.depth("q"), [0, 0, 3, 0, 2]);
}

#[test]
fn a_message_waits_for_the_only_consumer_to_be_heard_and_uses_up_no_attempts() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    for _ in 0..5 {
        assert_eq!(world.pass(secs(30)), NOTHING);
        assert_eq!(world.depth("q"), [1, 0, 0, 0, 1]);
    }
    assert_eq!(world.heard(2), ["2/1 gets a #2"]);
    assert_eq!(world.heard(2), NOTHING);
}

#[test]
fn every_input_of_its_connection_counts_a_consumer_in_again() {
    type Speak = fn(&mut World) -> Vec<String>;
    let inputs: [(Speak, &[&str]); 4] = [
        (|world| world.heard(2), &[]),
        (|world| world.open_inbox(2, 8), &["2 done"]),
        (|world| world.stop(2, 5), &["2 done"]),
        (|world| world.consume(2, 2, "other", options(1)), &["2 done"]),
    ];
    for (speak, said) in inputs {
        let mut world = World::new();
        world.consume(2, 1, "q", options(1));
        world.enqueue("q", cast("a"));
        assert_eq!(world.pass(secs(30)), NOTHING);
        assert_eq!(speak(&mut world), [said, &["2/1 gets a #2"]].concat());
    }
}

#[test]
fn only_a_lease_that_ran_out_makes_its_consumer_wait() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.consume(2, 2, "other", options(1));
    world.enqueue("q", cast("a"));
    assert_eq!(world.pass(secs(30)), NOTHING);
    assert_eq!(world.enqueue("other", cast("b")), ["2/2 gets b #1"], "another consumer of the same connection");
    assert_eq!(world.consume(3, 1, "q", options(1)), ["3 done", "3/1 gets a #2"]);
    assert_eq!(world.settle(3, "a", retry(Duration::ZERO)), ["3/1 gets a #3"]);
    assert_eq!(world.settle(3, "a", Settle::Release), ["3/1 gets a #3"]);
}

#[test]
fn a_hung_consumer_can_be_stopped_and_started_again() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(2));
    world.enqueue("q", cast("a"));
    world.pass(secs(15));
    world.enqueue("q", cast("b"));
    assert_eq!(world.pass(secs(15)), NOTHING);
    assert_eq!(world.stop(2, 1), ["2 done"]);
    assert_eq!(world.pass(secs(30)), NOTHING, "it is stopped and has lost both");
    assert_eq!(world.depth("q"), [2, 0, 0, 0, 0]);
    assert_eq!(world.consume(2, 1, "q", options(2)), ["2 done", "2/1 gets a #2", "2/1 gets b #2"]);
}

#[test]
fn a_message_that_its_workers_die_of_does_not_take_others_with_it() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(3));
    for body in ["a", "b", "c"] {
        world.enqueue("q", call(body));
    }
    world.disconnect(2);
    world.connect(4, 4);
    let all = ["4 done", "4/1 gets a #2", "4/1 gets b #2", "4/1 gets c #2"];
    assert_eq!(world.consume(4, 1, "q", options(3)), all, "a worker may be lost for any reason");
    world.disconnect(4);
    world.connect(5, 5);
    assert_eq!(world.consume(5, 1, "q", options(3)), ["5 done", "5/1 gets a #3"], "one of the three may be why");
    assert_eq!(world.enqueue("q", call("d")), NOTHING);
    assert_eq!(world.settle(5, "a", Settle::Done), ["5/1 gets b #3"]);
    assert_eq!(
        world.disconnect(5),
        ["1 7 hears b: it failed 3 times and is a dead letter now: the worker's connection was lost"]
    );
    world.consume(3, 1, "q", options(3));
    world.consume(1, 1, "q", options(3));
    assert_eq!(world.depth("q"), [0, 0, 2, 1, 2], "one for each, as long as there is one that may be why");
    assert_eq!(world.enqueue("q", call("e")), NOTHING);
    assert_eq!(world.enqueue("q", call("f")), NOTHING);
    assert_eq!(world.settle(3, "c", Settle::Done), ["3/1 gets e #1", "1/1 gets f #1"]);
    assert_eq!(world.enqueue("q", call("g")), ["3/1 gets g #1"]);
}

#[test]
fn what_was_lost_twice_and_taken_out_holds_up_nobody() {
    let mut world = World::new();
    world.enqueue("q", cast("a"));
    for conn in [4, 5] {
        world.connect(conn, 4);
        world.consume(conn, 1, "q", options(3));
        world.disconnect(conn);
    }
    world.consume(2, 1, "q", options(3));
    world.enqueue("q", cast("b"));
    assert_eq!(world.depth("q"), [1, 0, 1, 0, 1]);
    assert_eq!(world.settle(2, "a", Settle::Bury { reason: "bad".to_owned() }), ["2/1 gets b #1"]);
    assert_eq!(world.enqueue("q", cast("c")), ["2/1 gets c #1"]);
    assert_eq!(world.depth("q"), [0, 0, 2, 1, 1]);
}

#[test]
fn a_message_whose_worker_reports_a_failure_holds_up_nobody_while_it_waits() {
    let mut world = World::new();
    world.enqueue("q", cast("a"));
    for conn in [4, 5] {
        world.connect(conn, 4);
        world.consume(conn, 1, "q", options(3));
        world.disconnect(conn);
    }
    world.consume(2, 1, "q", ConsumeOptions { max_attempts: 9, ..options(3) });
    world.enqueue("q", cast("b"));
    assert_eq!(world.settle(2, "a", retry(secs(3_600))), ["2/1 gets b #1"]);
    assert_eq!(world.enqueue("q", cast("c")), ["2/1 gets c #1"], "its worker has survived it");
    assert_eq!(world.depth("q"), [0, 1, 2, 0, 1]);
    assert_eq!(world.settle(2, "b", Settle::Done), NOTHING);
    assert_eq!(world.settle(2, "c", Settle::Done), NOTHING);
    // One more loss is the first of a new row.
    assert_eq!(world.pass(secs(3_600)), ["2/1 gets a #4"]);
    world.enqueue("q", cast("d"));
    world.disconnect(2);
    assert_eq!(
        world.consume(3, 1, "q", ConsumeOptions { max_attempts: 9, ..options(3) }),
        ["3 done", "3/1 gets a #5", "3/1 gets d #2"]
    );
}

#[test]
fn who_streams_an_answer_still_gets_one_message_at_a_time_while_one_may_be_what_workers_die_of() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(3));
    world.enqueue("q", call("stream"));
    assert_eq!(world.partial(2, "stream", "begun"), ["1 7 hears begun", "2 done"]);
    world.connect(4, 4);
    world.consume(4, 1, "q", options(1));
    assert_eq!(world.enqueue("q", cast("a")), ["2/1 gets a #1"]);
    assert_eq!(world.enqueue("q", cast("b")), ["4/1 gets b #1"]);
    world.settle(2, "a", Settle::Done);
    assert_eq!(world.disconnect(4), ["2/1 gets b #2"]);
    world.pass(secs(20));
    world.extend(2, "stream");
    assert_eq!(world.pass(secs(10)), NOTHING, "it is lost for the second time");
    assert_eq!(world.heard(2), ["2/1 gets b #3"], "or it would wait for the end of the stream");
    assert_eq!(world.enqueue("q", cast("c")), NOTHING);
    assert_eq!(world.settle(2, "b", Settle::Done), ["2/1 gets c #1"]);
    assert_eq!(world.enqueue("q", cast("d")), ["2/1 gets d #1"]);
    assert_eq!(world.settle(2, "stream", Settle::Reply("end")), ["1 7 hears end"]);
    assert_eq!(world.depth("q"), [0, 0, 2, 0, 1]);
}

#[test]
fn used_up_attempts_make_a_dead_letter_and_the_caller_hears_it() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    assert_eq!(world.settle(2, "a", retry(Duration::ZERO)), ["2/1 gets a #2"]);
    assert_eq!(world.pass(secs(30)), NOTHING);
    assert_eq!(world.heard(2), ["2/1 gets a #3"]);
    let told = "1 7 hears a: it failed 3 times and is a dead letter now: ";
    assert_eq!(world.pass(secs(30)), [format!("{told}its lease of 30s ended before it was settled")]);
    assert_eq!(world.dead("q"), [("a", "its lease of 30s ended before it was settled".to_owned())]);
    assert_eq!(world.depth("q"), [0, 0, 0, 1, 1]);
}

#[test]
fn a_worker_that_dies_each_time_is_named_as_the_reason() {
    let mut world = World::new();
    world.enqueue("q", call("a"));
    for attempt in 1..=3 {
        assert_eq!(world.consume(2, 1, "q", options(1)), ["2 done".to_owned(), format!("2/1 gets a #{attempt}")]);
        world.disconnect(2);
        world.connect(2, 2);
    }
    assert_eq!(world.dead("q"), [("a", "the worker's connection was lost".to_owned())]);
}

#[test]
fn a_retry_waits_for_its_delay_and_a_release_does_not_count() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    for _ in 0..5 {
        assert_eq!(world.settle(2, "a", Settle::Release), ["2/1 gets a #1"]);
    }
    assert_eq!(world.settle(2, "a", retry(secs(2))), NOTHING);
    assert_eq!(world.depth("q"), [0, 1, 0, 0, 1]);
    assert_eq!(world.pass(secs(2)), ["2/1 gets a #2"]);
}

#[test]
fn a_returned_message_regains_its_place() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.enqueue("q", cast("b"));
    assert_eq!(world.settle(2, "a", Settle::Release), ["2/1 gets a #1"]);
    assert_eq!(world.settle(2, "a", retry(Duration::ZERO)), ["2/1 gets a #2"]);
}

#[test]
fn a_buried_message_is_a_dead_letter_and_the_caller_hears_the_reason() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", call("a"));
    let bury = Settle::Bury { reason: "it cannot be read".to_owned() };
    let told = "1 7 hears a: it failed 1 times and is a dead letter now: it cannot be read";
    assert_eq!(world.settle(2, "a", bury), [told]);
    assert_eq!(world.dead("q"), [("a", "it cannot be read".to_owned())]);
}

#[test]
fn a_long_reason_is_kept_shortened() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    world.settle(2, "a", Settle::Bury { reason: "ä".repeat(10_000) });
    let kept = &world.dead("q")[0].1;
    assert!(kept.len() <= 512 && kept.starts_with("ää"), "{}", kept.len());
}

#[test]
fn work_that_may_be_tried_once_is_not_delivered_again() {
    let reason = |why: &str| format!("it may be tried only once, so its outcome is unknown: {why}");
    type End = fn(&mut World) -> Vec<String>;
    let ends: [(End, &str); 4] = [
        (|world| world.pass(secs(30)), "its lease of 30s ended before it was settled"),
        (|world| world.disconnect(2), "the worker's connection was lost"),
        (|world| world.settle(2, "a", retry(Duration::ZERO)), "it did not work"),
        (|world| world.settle(2, "a", Settle::Release), "the worker gave it back"),
    ];
    for (end, why) in ends {
        let mut world = World::new();
        world.consume(2, 1, "q", options(1));
        world.enqueue("q", call("a"));
        assert_eq!(world.once(2, "a"), ["2 done"]);
        let told = format!("1 7 hears a: the broker cannot say what became of it: {}", reason(why));
        assert_eq!(end(&mut world), [told]);
        assert_eq!(world.dead("q"), [("a", reason(why))]);
    }
}

#[test]
fn work_that_was_done_once_leaves_nothing_behind() {
    for settle in [Settle::Done, Settle::Reply("A")] {
        let mut world = World::new();
        world.consume(2, 1, "q", options(1));
        world.enqueue("q", cast("a"));
        world.once(2, "a");
        assert_eq!(world.settle(2, "a", settle), NOTHING);
        assert_eq!(world.depth("q"), [0, 0, 0, 0, 1]);
    }
}

#[test]
fn what_is_settled_in_time_wakes_nobody() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", cast("a"));
    assert!(world.engine.next_wakeup().is_some());
    world.settle(2, "a", Settle::Done);
    assert_eq!(world.engine.next_wakeup(), None);
}
