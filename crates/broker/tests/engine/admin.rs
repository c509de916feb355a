//! An operator's questions and orders.

use skyloom_broker::engine::{
    AdminAnswer,
    AdminCommand::{self, Channels, DropDead, Kick, Peek},
    Conn, Input, LISTED, Message, Settle, Ticket,
};
use skyloom_core::broker::ChannelStats;

use crate::world::{Body, World, call, cast, channel, ms, options, secs};

/// A world in which these calls on `q` are dead letters and nobody consumes it.
fn with_dead(bodies: &[Body]) -> World {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    for body in bodies {
        world.enqueue("q", call(body));
        world.settle(2, body, Settle::Bury { reason: "no".to_owned() });
    }
    world.stop(2, 1);
    world
}

impl World {
    fn count(&mut self, command: AdminCommand) -> u64 {
        assert_eq!(self.admin(command), ["3 answer"]);
        match self.answers.pop().unwrap() {
            AdminAnswer::Count(count) => count,
            other => panic!("{other:?}"),
        }
    }

    fn channels(&mut self) -> Vec<ChannelStats> {
        assert_eq!(self.admin(Channels), ["3 answer"]);
        match self.answers.pop().unwrap() {
            AdminAnswer::Channels(stats) => stats,
            other => panic!("{other:?}"),
        }
    }

    fn peek(&mut self, limit: u32) -> Vec<Body> {
        assert_eq!(self.admin(Peek(channel("q"), limit)), ["3 answer"]);
        match self.answers.pop().unwrap() {
            AdminAnswer::Peek(bodies) => bodies,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_kicked_dead_letter_starts_anew_and_its_caller_is_not_told_again() {
    let mut world = with_dead(&["a", "b", "c"]);
    assert_eq!(world.count(Kick(channel("q"), None, 2)), 2);
    assert_eq!(world.dead("q").len(), 1);
    assert_eq!(world.consume(2, 1, "q", options(9)), ["2 done", "2/1 gets a #1", "2/1 gets b #1"]);
    assert_eq!(world.settle_confirmed(2, "a", Settle::Reply("A")), ["2 done"]);
    assert_eq!(world.engine.totals().lost_replies, 0);
    assert_eq!(world.count(Kick(channel("nowhere"), None, 2)), 0);
}

#[test]
fn dead_letters_are_kicked_and_dropped_by_number() {
    let mut world = with_dead(&["a", "b", "c"]);
    world.admin(AdminCommand::Dead(channel("q"), 2));
    let Some(AdminAnswer::Dead(dead)) = world.answers.pop() else { panic!("no list") };
    assert_eq!(dead.iter().map(|dead| (dead.body, dead.attempts)).collect::<Vec<_>>(), [("a", 1), ("b", 1)]);
    let number = dead[1].number;
    assert_eq!(world.count(Kick(channel("q"), Some(number), 0)), 1);
    assert_eq!(world.count(Kick(channel("q"), Some(number), 0)), 0);
    assert_eq!(world.count(DropDead(channel("q"), Some(dead[0].number))), 1);
    assert_eq!(world.peek(9), ["b"]);
    assert_eq!(world.count(DropDead(channel("q"), None)), 1);
    assert_eq!(world.depth("q"), [1, 0, 0, 0, 0]);
    assert_eq!(world.engine.totals().bytes, 1);
}

#[test]
fn what_would_come_next_can_be_seen() {
    let mut world = World::new();
    for (body, priority) in [("a", 5), ("b", 1), ("c", 5)] {
        world.enqueue("q", Message { priority, ..cast(body) });
    }
    assert_eq!(world.peek(2), ["b", "a"]);
    assert_eq!(world.depth("q"), [3, 0, 0, 0, 0]);
}

#[test]
fn the_figures_of_all_channels_are_listed_by_name() {
    let mut world = World::new();
    world.enqueue("z", cast("old"));
    world.now += ms(500);
    world.enqueue("z", Message { priority: 0, ..cast("young") });
    world.enqueue("a", Message { time_to_live: Some(ms(100)), ..cast("brief") });
    world.consume(2, 1, "b", options(1));
    world.enqueue("b", cast("twice"));
    world.settle(2, "twice", Settle::Retry { delay: secs(0), reason: String::new() });
    world.settle(2, "twice", Settle::Done);
    world.pass(ms(500));
    world.admin(AdminCommand::Pause(channel("z"), secs(9)));
    let stats = world.channels();
    let names: Vec<String> = stats.iter().map(|stats| stats.channel.to_string()).collect();
    assert_eq!(names, ["a", "b", "z"]);
    assert_eq!((stats[0].expired, stats[0].ready), (Some(1), 0));
    let counted = [stats[1].enqueued, stats[1].settled, stats[1].redelivered, stats[1].bytes];
    assert_eq!(counted, [1, 2, 1, 0].map(Some));
    assert_eq!((stats[2].oldest_ms, stats[2].bytes, stats[2].paused), (Some(1_000), Some(8), true));
}

#[test]
fn a_kicked_dead_letter_has_no_deadline_any_more() {
    let mut world = World::new();
    world.consume(2, 1, "q", options(1));
    world.enqueue("q", Message { time_to_live: Some(ms(100)), ..call("a") });
    world.settle(2, "a", Settle::Bury { reason: "no".to_owned() });
    world.pass(secs(1));
    assert_eq!(world.admin(Kick(channel("q"), None, 1)), ["3 answer", "2/1 gets a #1"]);
}

#[test]
fn what_has_expired_is_not_shown_as_what_would_come_next() {
    let mut world = World::new();
    world.enqueue("q", Message { time_to_live: Some(ms(100)), ..cast("a") });
    world.enqueue("q", cast("b"));
    assert_eq!(world.peek(9), ["a", "b"]);
    world.now += ms(100);
    assert_eq!(world.peek(9), ["b"]);
}

#[test]
fn one_answer_lists_no_more_than_so_many() {
    let bodies = vec!["a"; LISTED as usize + 1];
    let mut world = with_dead(&bodies);
    for body in bodies {
        world.enqueue("q", cast(body));
    }
    assert_eq!(world.peek(u32::MAX).len(), LISTED as usize);
    world.admin(AdminCommand::Dead(channel("q"), u32::MAX));
    let Some(AdminAnswer::Dead(dead)) = world.answers.pop() else { panic!("no list") };
    assert_eq!(dead.len(), LISTED as usize);
}

#[test]
fn the_oldest_message_need_not_be_the_next() {
    let mut world = World::new();
    world.enqueue("q", Message { priority: 5, ..cast("old") });
    world.now += ms(500);
    world.enqueue("q", Message { priority: 1, ..cast("young") });
    assert_eq!(world.channels()[0].oldest_ms, Some(500));
}

#[test]
fn a_channel_is_listed_as_paused_until_it_is_resumed_or_the_time_is_over() {
    let mut world = World::new();
    world.enqueue("q", cast("a"));
    assert!(!world.channels()[0].paused);
    for resume in [true, false] {
        world.admin(AdminCommand::Pause(channel("q"), secs(9)));
        assert!(world.channels()[0].paused);
        if resume {
            world.admin(AdminCommand::Pause(channel("q"), secs(0)));
        } else {
            world.now += secs(9);
        }
        assert!(!world.channels()[0].paused);
    }
}

#[test]
fn a_channel_that_is_going_is_not_listed() {
    let mut world = World::new();
    world.consume(2, 1, "t/g", options(1));
    world.publish("t", cast("a"));
    let (topic, group) = ("t".parse().unwrap(), "g".parse().unwrap());
    world.step(Input::Unsubscribe { conn: Conn(3), ticket: Ticket::NONE, topic, group });
    assert_eq!(world.channels(), []);
    assert_eq!(world.engine.totals().channels, 1, "it goes when its lease ends");
}
