//! An operator's questions and orders.

use skyloom_broker::engine::{
    AdminAnswer,
    AdminCommand::{self, Channels, DropDead, Kick, Peek},
    Message, Settle,
};

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
    assert_eq!(world.admin(Channels), ["3 answer"]);
    let Some(AdminAnswer::Channels(stats)) = world.answers.pop() else { panic!("no list") };
    let names: Vec<String> = stats.iter().map(|stats| stats.channel.to_string()).collect();
    assert_eq!(names, ["a", "b", "z"]);
    assert_eq!((stats[0].expired, stats[0].depth.ready), (1, 0));
    assert_eq!((stats[1].enqueued, stats[1].settled, stats[1].redelivered, stats[1].bytes), (1, 2, 1, 0));
    assert_eq!((stats[2].oldest_ms, stats[2].bytes, stats[2].paused), (1_000, 8, true));
}
