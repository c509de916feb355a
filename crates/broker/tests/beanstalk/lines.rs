//! What generated sessions do not say, said to both.

use crate::pair::Pair;

#[test]
fn a_line_that_has_no_end_is_given_up_after_224_bytes() {
    let mut pair = Pair::start(1);
    // The first carriage return is no end, so nothing is found before the line is too long.
    pair.say(0, b"use a\rb\r\nuse c\r\n", 0);
    pair.say(0, &[b'x'; 300], 0);
    pair.say(0, b"\r\nlist-tube-used\r\n", 2);
    // A line feed alone is no end either.
    pair.say(0, b"use d\nuse e\r\nlist-tube-used\r\n", 2);
    // The longest name and the longest line. A line that is one byte longer takes the next with it.
    let name = "n".repeat(200);
    pair.ask(0, &format!("use {name}"));
    pair.ask(0, &format!("use {name}n"));
    pair.ask(0, &format!("pause-tube {name} 0000000001"));
    pair.say(0, &[&[b'y'; 222][..], b"\r\n", &[b'y'; 223], b"\r\nlist-tube-used\r\n"].concat(), 2);
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut pair = Pair::start(1);
    for byte in b"put 1 0 10 4\r\n\r\n\r\n\r\nreserve\r\ndelete 1\r\n" {
        pair.say(0, &[*byte], 0);
    }
    for _ in 0..3 {
        pair.compare(0);
    }
}

#[test]
fn a_job_may_be_as_large_as_allowed_and_no_larger() {
    let mut pair = Pair::start(1);
    for size in [0, 65_534, 65_535, 65_536, 200_000] {
        pair.say(0, format!("put 1 0 10 {size}\r\n").as_bytes(), 0);
        pair.say(0, &vec![b'b'; size], 0);
        pair.say(0, b"\r\npeek-ready\r\n", 2);
    }
    pair.ask(0, "stats-tube default");
}

#[test]
fn many_commands_at_once_are_answered_in_their_order() {
    let mut pair = Pair::start(1);
    let mut commands = Vec::new();
    for number in 0..2_000 {
        commands.extend(format!("put {} 0 100 4\r\n{number:04}\r\n", number % 7).into_bytes());
    }
    pair.say(0, &commands, 2_000);
    pair.say(0, &b"reserve\r\n".repeat(2_000), 2_000);
    let deletes: Vec<u8> = (1..=2_001).flat_map(|id| format!("delete {id}\r\n").into_bytes()).collect();
    pair.say(0, &deletes, 2_001);
    pair.ask(0, "stats");
}

#[test]
fn who_says_that_nothing_more_comes_waits_no_longer() {
    let pair = Pair::start(1);
    let [real, ours] = pair.sides.map(|mut side| {
        let mut client = side.clients.remove(0);
        client.send(b"list-tube-used\r\nreserve\r\nlist-tube-used\r\nreserve-with-timeout 1000\r\nput 1 0 10 1\r\na\r\nreserve\r\n");
        client.half_close();
        client.rest()
    });
    assert_eq!(ours, real);
    assert_eq!(ours.matches("TIMED_OUT").count(), 2, "{ours}");
    assert!(ours.contains("RESERVED 1 1"), "{ours}");
}

#[test]
fn quit_closes_after_what_came_before() {
    let pair = Pair::start(1);
    let [real, ours] = pair.sides.map(|mut side| {
        let mut client = side.clients.remove(0);
        client.send(b"put 1 0 10 1\r\na\r\npeek 1\r\nquit\r\nlist-tube-used\r\n");
        client.rest()
    });
    assert_eq!(ours, real);
}

#[test]
fn of_those_that_wait_the_one_that_has_waited_longest_is_served() {
    let mut pair = Pair::start(4);
    for client in [2, 0, 3] {
        pair.reserve(client, "reserve");
    }
    for _ in 0..3 {
        pair.ask(1, "list-tube-used");
        pair.sides[1].clients[1].put("0 0 100", b"x");
    }
    for (client, job) in [(2, 1), (0, 2), (3, 3)] {
        assert_eq!(pair.sides[1].clients[client].job(), (job, b"x".to_vec()));
    }
}

/// Whoever reads YAML takes it for text, whatever beanstalkd's version, and not for a number.
#[test]
fn the_version_is_in_quotes() {
    let mut pair = Pair::start(1);
    for side in &mut pair.sides {
        let stats = side.clients[0].ask("stats");
        assert!(stats.contains("\\nversion: \\\"1.1"), "{stats}");
    }
}
