//! What happens by itself: it happens on both sides, though nobody compares when.

use crate::pair::Pair;

/// Ends a wait that both sides end by themselves.
fn wait(pair: &mut Pair, client: usize) -> String {
    pair.pending.retain(|pending| *pending != client);
    pair.compare(client)
}

#[test]
fn a_wait_ends_in_time() {
    let mut pair = Pair::start(1);
    pair.say(0, b"reserve-with-timeout 1\r\n", 0);
    assert!(wait(&mut pair, 0).starts_with("TIMED_OUT"));
}

#[test]
fn a_job_that_is_not_settled_comes_back() {
    let mut pair = Pair::start(2);
    // A time to run of zero means a second.
    pair.say(0, b"put 5 0 0 1\r\na\r\nreserve\r\n", 2);
    // What follows is heard as soon as the job has come.
    pair.say(1, b"reserve\r\nbury 1 7\r\n", 0);
    pair.compare_lost(1, 0);
    pair.compare(1);
    pair.ask(0, "release 1 0 0");
    assert!(pair.ask(1, "stats-job 1").contains("timeouts: 1"));
    pair.ask(1, "stats");
}

#[test]
fn who_waits_hears_that_a_deadline_is_near() {
    let mut pair = Pair::start(2);
    pair.say(0, b"put 5 0 4 1\r\na\r\nreserve\r\n", 2);
    pair.say(0, b"reserve-with-timeout 1000\r\n", 0);
    assert!(wait(&mut pair, 0).starts_with("DEADLINE_SOON"));
    // A touched job has its whole time again.
    pair.ask(0, "touch 1");
    assert!(pair.ask(0, "reserve-with-timeout 0").starts_with("TIMED_OUT"));
}

#[test]
fn what_is_held_back_comes_when_its_time_has_come() {
    let mut pair = Pair::start(2);
    pair.say(0, b"put 5 2 60 1\r\na\r\nput 9 1 60 1\r\nb\r\npeek-ready\r\npeek-delayed\r\n", 4);
    for _ in 0..2 {
        pair.say(1, b"reserve\r\n", 0);
        wait(&mut pair, 1);
    }
    pair.say(1, b"release 1 0 1\r\nreserve\r\n", 1);
    wait(&mut pair, 1);
    pair.ask(1, "stats-job 1");
}

#[test]
fn a_pause_ends() {
    let mut pair = Pair::start(2);
    pair.say(0, b"put 5 0 60 1\r\na\r\npause-tube default 1\r\nstats-tube default\r\n", 3);
    pair.say(1, b"reserve\r\n", 0);
    wait(&mut pair, 1);
    pair.ask(1, "stats-tube default");
}
