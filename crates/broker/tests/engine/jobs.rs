//! Jobs and tubes on the engine itself, with the clock in the test's hand.

use std::time::Duration;

use skyloom_broker::engine::{Conn, Input, JobCommand, Output, TubeName};

use crate::world::{World, cast, secs};

const PULLER: Conn = Conn(7);

/// What the engine says to a command, and at the next tick after so many seconds.
fn job(world: &mut World, command: JobCommand<&'static str>) -> Vec<String> {
    step(world, Input::Job { conn: PULLER, command })
}

fn pass(world: &mut World, time: Duration) -> Vec<String> {
    world.now += time;
    step(world, Input::Tick)
}

fn step(world: &mut World, input: Input<&'static str>) -> Vec<String> {
    let mut outputs = Vec::new();
    world.engine.step(world.now, input, &mut outputs);
    let text = |output| match output {
        Output::Job { answer, .. } => format!("{answer:?}"),
        other => format!("{other:?}"),
    };
    outputs.into_iter().map(text).collect()
}

fn world() -> World {
    let mut world = World::new();
    world.connect(PULLER.0, 7);
    assert!(job(&mut world, JobCommand::Begin).is_empty());
    world
}

fn put(ttr: u32, delay: u64, body: &'static str) -> JobCommand<&'static str> {
    let mut message = cast(body);
    message.delay = secs(delay);
    JobCommand::Put { ttr, last: false, message }
}

#[test]
fn what_comes_in_time_ends_a_wait_before_its_time_does() {
    let mut world = world();
    job(&mut world, put(60, 2, "a"));
    assert!(job(&mut world, JobCommand::Reserve(Some(secs(2)))).is_empty());
    // Both are due in the same step.
    assert_eq!(pass(&mut world, secs(3)), ["Reserved(1, \"a\")"]);
    assert!(job(&mut world, JobCommand::Reserve(Some(secs(2)))).is_empty());
    assert_eq!(pass(&mut world, secs(3)), ["TimedOut"]);
}

#[test]
fn a_wait_ends_a_second_before_a_lease_does() {
    let mut world = world();
    job(&mut world, put(5, 0, "a"));
    assert_eq!(job(&mut world, JobCommand::Reserve(None)), ["Reserved(1, \"a\")"]);
    assert!(job(&mut world, JobCommand::Reserve(None)).is_empty());
    assert!(pass(&mut world, Duration::from_millis(3_999)).is_empty());
    assert_eq!(pass(&mut world, Duration::from_millis(1)), ["DeadlineSoon"]);
    assert_eq!(job(&mut world, JobCommand::Reserve(Some(Duration::ZERO))), ["DeadlineSoon"]);
    assert_eq!(job(&mut world, JobCommand::Touch(1)), ["Touched"]);
    assert_eq!(job(&mut world, JobCommand::Reserve(Some(Duration::ZERO))), ["TimedOut"]);
    assert!(pass(&mut world, secs(5)).is_empty());
    assert_eq!(job(&mut world, JobCommand::Touch(1)), ["NotFound"]);
    assert_eq!(job(&mut world, JobCommand::Reserve(None)), ["Reserved(1, \"a\")"]);
}

#[test]
fn the_first_of_all_watched_tubes_is_taken() {
    let mut world = world();
    let other = TubeName::new(b"Other tube"); // A space is not allowed.
    assert_eq!(other, None);
    let other = TubeName::new(b"Other").unwrap();
    job(&mut world, JobCommand::Watch(other.clone()));
    job(&mut world, put(9, 0, "first"));
    job(&mut world, JobCommand::Use(other));
    job(&mut world, put(9, 0, "second"));
    for (id, body) in [(1, "first"), (2, "second")] {
        assert_eq!(job(&mut world, JobCommand::Reserve(None)), [format!("Reserved({id}, {body:?})")]);
    }
}
