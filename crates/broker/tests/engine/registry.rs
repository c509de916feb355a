//! Instances and contracts.

use std::time::Duration;

use skyloom_broker::engine::{AdminAnswer, AdminCommand, Conn, Input, Limits, Settle, Ticket};
use skyloom_core::{ServiceRef, contract::Contract, registry::Instance};

use crate::world::{World, cast, guid, ms, options};

const NOTHING: [&str; 0] = [];

fn contract(name: &str, docs: &str) -> Contract {
    Contract {
        name: name.to_owned(),
        queue: "q".parse().unwrap(),
        version: 1,
        docs: docs.to_owned(),
        methods: Vec::new(),
        events: Vec::new(),
        descriptors: Default::default(),
    }
}

fn instance(id: u8, serves: &str) -> Instance {
    let service = ServiceRef { name: serves.to_owned(), queue: "q".parse().unwrap(), version: 1 };
    let (host, region) = ("host".to_owned(), String::new());
    Instance { id: guid(id), services: vec![service], host, region, pid: 1, started: 0 }
}

impl World {
    fn register(&mut self, conn: u64, id: u8, contracts: &[Contract]) -> Vec<String> {
        let serves = contracts.first().map_or("none", |contract| &contract.name);
        let (instance, contracts) = (Box::new(instance(id, serves)), contracts.to_vec());
        self.step(Input::Register { conn: Conn(conn), ticket: Ticket(9), instance, contracts })
    }

    fn watch(&mut self, conn: u64) -> Vec<String> {
        self.step(Input::Watch { conn: Conn(conn) })
    }

    fn deregister(&mut self, conn: u64, id: u8) -> Vec<String> {
        self.step(Input::Deregister { conn: Conn(conn), ticket: Ticket(9), instance: guid(id) })
    }
}

#[test]
fn a_watch_begins_with_everything_and_goes_on_with_changes() {
    let mut world = World::new();
    world.register(1, 11, &[contract("A", "")]);
    assert_eq!(world.watch(3), ["3 contract A", "3 up 11", "3 complete"]);
    assert_eq!(world.register(2, 12, &[contract("A", "")]), ["3 up 12", "2 done"], "the contract is known");
    assert_eq!(world.register(2, 12, &[contract("A", "new")]), ["3 contract A", "2 done"], "the instance is known");
    assert_eq!(world.deregister(2, 11), ["2 done"], "it is not 2's instance");
    assert_eq!(world.deregister(2, 12), ["3 down 12", "2 done"]);
    assert_eq!(world.disconnect(1), ["3 down 11"]);
    assert_eq!(world.watch(2), ["2 contract A", "2 complete"], "a contract outlives its instances");
    world.disconnect(3);
    assert_eq!(world.register(2, 13, &[]), ["2 up 13", "2 done"], "who has left is told nothing more");
}

#[test]
fn a_silent_connections_instances_are_down_until_it_is_heard() {
    let mut world = World::new();
    world.watch(3);
    world.register(1, 11, &[]);
    assert_eq!(world.pass(ms(2_000)), NOTHING);
    world.step(Input::Heard(Conn(1)));
    assert_eq!(world.pass(ms(2_000)), NOTHING);
    assert_eq!(world.pass(ms(500)), ["3 down 11"]);
    assert_eq!(world.watch(2), ["2 complete"]);
    assert_eq!(world.pass(ms(10_000)), NOTHING);
    assert_eq!(world.step(Input::Heard(Conn(1))), ["2 up 11", "3 up 11"]);
    assert_eq!(world.pass(ms(2_500)), ["2 down 11", "3 down 11"]);
    assert_eq!(world.engine.totals().instances, 1);
    assert_eq!(world.disconnect(1), NOTHING, "it was down already");
}

#[test]
fn a_silent_connection_gets_nothing_until_it_is_heard() {
    let mut world = World::new();
    world.register(2, 11, &[]);
    world.consume(2, 1, "q", options(3));
    world.consume(3, 1, "q", options(3));
    assert_eq!(world.enqueue("q", cast("a")), ["2/1 gets a #1"]);
    assert_eq!(world.pass(ms(2_500)), NOTHING, "what it holds it keeps");
    assert_eq!(world.enqueue("q", cast("b")), ["3/1 gets b #1"]);
    assert_eq!(world.enqueue("q", cast("c")), ["3/1 gets c #1"]);
    assert_eq!(world.enqueue("q", cast("d")), ["3/1 gets d #1"]);
    assert_eq!(world.enqueue("q", cast("e")), NOTHING, "it would wait for a process that may hang");
    assert_eq!(world.settle(2, "a", Settle::Done), ["2/1 gets e #1"]);
    assert_eq!(world.enqueue("q", cast("f")), ["2/1 gets f #1"]);
}

#[test]
fn an_instance_belongs_to_its_session() {
    let mut world = World::new();
    world.register(1, 11, &[]);
    let refused = format!("2 the broker refused: instance {} belongs to somebody else", guid(11));
    assert_eq!(world.register(2, 11, &[]), [refused]);
    world.connect(4, 1);
    world.watch(3);
    assert_eq!(world.register(4, 11, &[]), ["4 done"]);
    assert_eq!(world.disconnect(1), NOTHING);
    assert_eq!(world.disconnect(4), ["3 down 11"]);
}

#[test]
fn instances_and_contracts_are_bounded() {
    let mut world = World::with(Limits { instances: 2, contracts: 2, ..Limits::default() });
    world.register(1, 11, &[contract("A", "")]);
    world.register(2, 12, &[contract("B", "")]);
    assert_eq!(world.register(3, 13, &[]), ["3 the registry is full: 2 instances"]);
    assert_eq!(world.register(2, 12, &[contract("C", "")]), ["2 the registry is full: 2 contracts"]);
    assert_eq!(world.register(1, 11, &[contract("A", "new")]), ["1 done"], "it is known");
    world.deregister(2, 12);
    assert_eq!(world.register(3, 13, &[contract("C", "")]), ["3 done"], "B has no instance and gives way");
    assert_eq!(world.watch(2), ["2 contract A", "2 contract C", "2 up 11", "2 up 13", "2 complete"]);
}

#[test]
fn the_contract_that_was_registered_longest_ago_gives_way() {
    let mut world = World::with(Limits { contracts: 2, ..Limits::default() });
    for name in ["A", "B", "A"] {
        world.register(1, 11, &[contract(name, "")]);
    }
    world.deregister(1, 11);
    world.register(2, 12, &[contract("C", "")]);
    assert_eq!(world.watch(3), ["3 contract A", "3 contract C", "3 up 12", "3 complete"]);
}

#[test]
fn a_contract_does_not_give_way_to_one_that_comes_with_it() {
    let mut world = World::with(Limits { contracts: 2, ..Limits::default() });
    for name in ["A", "B"] {
        world.register(1, 11, &[contract(name, "")]);
    }
    world.deregister(1, 11);
    world.register(1, 11, &[contract("A", ""), contract("C", "")]);
    assert_eq!(world.watch(3), ["3 contract A", "3 contract C", "3 up 11", "3 complete"]);
}

#[test]
fn an_instance_that_serves_something_else_serves_no_more_what_it_did() {
    let mut world = World::new();
    world.watch(3);
    world.register(1, 11, &[contract("A", "")]);
    assert_eq!(world.register(1, 11, &[contract("B", "")]), ["3 contract B", "3 up 11", "1 done"]);
    for _ in 0..4 {
        world.step(Input::Heard(Conn(1)));
        assert_eq!(world.pass(ms(2_000)), NOTHING, "A is not forgotten at once");
    }
    assert_eq!(world.pass(WEEK), ["3 down 11", "3 forgotten A"]);
}

#[test]
fn the_contract_of_the_only_instance_that_runs_is_not_forgotten() {
    let mut world = World::new();
    world.watch(3);
    world.register(1, 11, &[contract("A", "")]);
    assert_eq!(world.pass(WEEK * 2), ["3 down 11"]);
    assert_eq!(world.step(Input::Heard(Conn(1))), ["3 up 11"]);
}

/// How long the contract of a service without an instance is remembered.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

#[test]
fn a_contract_is_forgotten_once_its_service_has_had_no_instance_for_long() {
    let mut world = World::new();
    world.watch(3);
    world.register(1, 11, &[contract("A", "")]);
    world.register(2, 12, &[contract("A", "")]);
    world.register(2, 13, &[contract("B", "")]);
    assert_eq!(world.deregister(1, 11), ["3 down 11", "1 done"]);
    world.step(Input::Heard(Conn(2)));
    assert_eq!(world.pass(ms(1)), NOTHING);
    assert_eq!(world.disconnect(2), ["3 down 12", "3 down 13"]);
    assert_eq!(world.pass(WEEK / 2), NOTHING);
    world.register(1, 14, &[contract("B", "")]);
    world.deregister(1, 14);
    assert_eq!(world.pass(WEEK / 2 - ms(1)), NOTHING);
    assert_eq!(world.pass(ms(1)), ["3 forgotten A"]);
    assert_eq!(world.pass(WEEK / 2 - ms(1)), NOTHING, "B has had an instance meanwhile");
    assert_eq!(world.pass(ms(1)), ["3 forgotten B"]);
    assert_eq!(world.watch(1), ["1 complete"]);
}

#[test]
fn what_runs_is_not_forgotten() {
    let mut world = World::new();
    world.watch(3);
    world.register(1, 11, &[contract("A", "")]);
    world.register(2, 12, &[contract("A", "")]);
    world.disconnect(2);
    assert_eq!(world.pass(WEEK * 2), ["3 down 11"], "it is silent, and may be heard again");
    assert_eq!(world.step(Input::Heard(Conn(1))), ["3 up 11"]);
    assert_eq!(world.watch(1), ["1 contract A", "1 up 11", "1 complete"]);
}

#[test]
fn a_planned_restart_does_not_begin_the_time_anew() {
    let mut world = World::new();
    world.register(1, 11, &[contract("A", ""), contract("B", "")]);
    world.deregister(1, 11);
    world.register(1, 12, &[contract("B", "")]);
    world.pass(WEEK / 2);
    world.restart();
    world.connect(3, 3);
    assert_eq!(world.watch(3), ["3 contract A", "3 contract B", "3 up 12", "3 complete"]);
    assert_eq!(world.pass(WEEK / 2), ["3 down 12", "3 forgotten A"]);
}

#[test]
fn an_operator_has_a_contract_forgotten_unless_an_instance_runs() {
    let mut world = World::new();
    world.watch(3);
    world.register(1, 11, &[contract("A", "")]);
    let forget = |world: &mut World, name: &str| {
        let told = world.admin(AdminCommand::Forget(name.to_owned()));
        (told, matches!(world.answers.pop(), Some(AdminAnswer::Count(1))))
    };
    let not = (vec!["3 answer".to_owned()], false);
    assert_eq!(forget(&mut world, "A"), not);
    world.deregister(1, 11);
    assert_eq!(forget(&mut world, "B"), not);
    assert_eq!(forget(&mut world, "A"), (vec!["3 forgotten A".to_owned(), "3 answer".to_owned()], true));
    assert_eq!(world.watch(2), ["2 complete"]);
}
