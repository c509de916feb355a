//! An engine with a clock in the test's hand, whose outputs are lines of text.

use std::{collections::HashMap, time::Duration};

use skyloom_broker::engine::{
    AdminAnswer, AdminCommand, Conn, ConsumerId, Engine, Input, Limits, Message, Output, RegistryChange, Settle, Ticket,
};
use skyloom_core::{
    Channel, Guid,
    broker::{ConsumeOptions, Lease},
};

pub(crate) type Body = &'static str;

/// A number that is neither a ticket of nobody nor one that a test would choose by chance.
const TICKET: Ticket = Ticket(9);

pub(crate) struct World {
    pub(crate) engine: Engine<Body>,
    pub(crate) now: Duration,
    /// The newest lease of each body.
    pub(crate) leases: HashMap<Body, Lease>,
    pub(crate) answers: Vec<AdminAnswer<Body>>,
}

pub(crate) fn guid(number: u8) -> Guid {
    Guid::from_bytes([number; 16])
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn channel(name: &str) -> Channel {
    name.parse().unwrap()
}

/// A call that is answered to inbox 7.
pub(crate) fn call(body: Body) -> Message<Body> {
    Message { reply_to: Some(guid(7)), ..cast(body) }
}

/// A message that nobody waits for. Its GUID is its first letter.
pub(crate) fn cast(body: Body) -> Message<Body> {
    Message {
        id: guid(body.as_bytes()[0]),
        reply_to: None,
        priority: 0,
        delay: Duration::ZERO,
        time_to_live: None,
        size: body.len(),
        body,
    }
}

pub(crate) fn options(credit: u32) -> ConsumeOptions {
    ConsumeOptions { credit, lease: secs(30), max_attempts: 3, ephemeral: false }
}

pub(crate) fn retry(delay: Duration) -> Settle<Body> {
    Settle::Retry { delay, reason: "it did not work".to_owned() }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    /// Connections 1 to 3, of the sessions with the same numbers; connection 1 has inbox 7.
    pub(crate) fn with(limits: Limits) -> Self {
        let engine = Engine::new(limits);
        let mut world = Self { engine, now: secs(1), leases: HashMap::new(), answers: Vec::new() };
        for conn in 1..=3 {
            assert_eq!(world.connect(conn.into(), conn), [] as [&str; 0]);
        }
        assert_eq!(world.open_inbox(1, 7), ["1 done"]);
        world
    }

    pub(crate) fn step(&mut self, input: Input<Body>) -> Vec<String> {
        let mut outputs = Vec::new();
        self.engine.step(self.now, input, &mut outputs);
        outputs.into_iter().map(|output| self.line(output)).collect()
    }

    fn line(&mut self, output: Output<Body>) -> String {
        match output {
            Output::Deliver { conn, consumer, lease, attempt, body, .. } => {
                self.leases.insert(body, lease);
                format!("{}/{} gets {body} #{attempt}", conn.0, consumer.0)
            }
            Output::Reply { conn, body, inbox } => format!("{} {} hears {body}", conn.0, inbox.as_bytes()[0]),
            Output::Refused { conn, inbox, call, error } => {
                let call = char::from(call.as_bytes()[0]);
                format!("{} {} hears {call}: {error}", conn.0, inbox.as_bytes()[0])
            }
            Output::Done { conn, ticket, result } => {
                assert_eq!(ticket, TICKET);
                result.map_or_else(|error| format!("{} {error}", conn.0), |()| format!("{} done", conn.0))
            }
            Output::Admin { conn, answer, .. } => {
                self.answers.push(answer);
                format!("{} answer", conn.0)
            }
            Output::Closed { conn, error } => format!("{} closed: {error}", conn.0),
            Output::Job { conn, answer } => format!("{} {answer:?}", conn.0),
            Output::Registry { conn, change } => match change {
                RegistryChange::Up(instance) => format!("{} up {}", conn.0, instance.id.as_bytes()[0]),
                RegistryChange::Down(id) => format!("{} down {}", conn.0, id.as_bytes()[0]),
                RegistryChange::Contract(contract) => format!("{} contract {}", conn.0, contract.name),
                RegistryChange::Forgotten(service) => format!("{} forgotten {service}", conn.0),
                RegistryChange::Complete => format!("{} complete", conn.0),
            },
        }
    }

    /// Lets time pass in one leap, and ticks.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.step(Input::Tick)
    }

    pub(crate) fn connect(&mut self, conn: u64, session: u8) -> Vec<String> {
        self.step(Input::Connect { conn: Conn(conn), session: guid(session) })
    }

    pub(crate) fn disconnect(&mut self, conn: u64) -> Vec<String> {
        self.step(Input::Disconnect(Conn(conn)))
    }

    pub(crate) fn heard(&mut self, conn: u64) -> Vec<String> {
        self.step(Input::Heard(Conn(conn)))
    }

    pub(crate) fn open_inbox(&mut self, conn: u64, inbox: u8) -> Vec<String> {
        self.step(Input::OpenInbox { conn: Conn(conn), ticket: TICKET, inbox: guid(inbox) })
    }

    /// From connection 1, without a ticket.
    pub(crate) fn enqueue(&mut self, to: &str, message: Message<Body>) -> Vec<String> {
        self.step(Input::Enqueue { conn: Conn(1), ticket: Ticket::NONE, channel: channel(to), message })
    }

    /// As [`World::enqueue`], with a ticket.
    pub(crate) fn confirm(&mut self, to: &str, message: Message<Body>) -> Vec<String> {
        self.step(Input::Enqueue { conn: Conn(1), ticket: TICKET, channel: channel(to), message })
    }

    pub(crate) fn publish(&mut self, topic: &str, message: Message<Body>) -> Vec<String> {
        self.step(Input::Publish { conn: Conn(1), ticket: TICKET, topic: topic.parse().unwrap(), message })
    }

    pub(crate) fn consume(&mut self, conn: u64, consumer: u32, from: &str, options: ConsumeOptions) -> Vec<String> {
        let consumer = ConsumerId(consumer);
        self.step(Input::Consume { conn: Conn(conn), ticket: TICKET, consumer, channel: channel(from), options })
    }

    pub(crate) fn stop(&mut self, conn: u64, consumer: u32) -> Vec<String> {
        self.step(Input::Stop { conn: Conn(conn), ticket: TICKET, consumer: ConsumerId(consumer) })
    }

    /// Settles the newest lease of this body.
    pub(crate) fn settle(&mut self, conn: u64, body: Body, settle: Settle<Body>) -> Vec<String> {
        let lease = self.leases[body];
        self.step(Input::Settle { conn: Conn(conn), ticket: Ticket::NONE, lease, settle })
    }

    /// As [`World::settle`], with a ticket.
    pub(crate) fn settle_confirmed(&mut self, conn: u64, body: Body, settle: Settle<Body>) -> Vec<String> {
        let lease = self.leases[body];
        self.step(Input::Settle { conn: Conn(conn), ticket: TICKET, lease, settle })
    }

    pub(crate) fn once(&mut self, conn: u64, body: Body) -> Vec<String> {
        let lease = self.leases[body];
        self.step(Input::Once { conn: Conn(conn), ticket: TICKET, lease })
    }

    pub(crate) fn extend(&mut self, conn: u64, body: Body) -> Vec<String> {
        let lease = self.leases[body];
        self.step(Input::Extend { conn: Conn(conn), ticket: TICKET, lease })
    }

    pub(crate) fn partial(&mut self, conn: u64, body: Body, reply: Body) -> Vec<String> {
        let lease = self.leases[body];
        self.step(Input::Partial { conn: Conn(conn), ticket: TICKET, lease, body: reply })
    }

    pub(crate) fn admin(&mut self, command: AdminCommand) -> Vec<String> {
        self.step(Input::Admin { conn: Conn(3), ticket: TICKET, command })
    }

    /// The bodies and reasons of a channel's dead letters.
    pub(crate) fn dead(&mut self, of: &str) -> Vec<(Body, String)> {
        assert_eq!(self.admin(AdminCommand::Dead(channel(of), 100)), ["3 answer"]);
        match self.answers.pop().unwrap() {
            AdminAnswer::Dead(dead) => dead.into_iter().map(|dead| (dead.body, dead.reason)).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// What a channel holds: ready, delayed, leased, dead, consumers.
    pub(crate) fn depth(&mut self, of: &str) -> [u64; 5] {
        assert_eq!(self.admin(AdminCommand::Depth(channel(of))), ["3 answer"]);
        match self.answers.pop().unwrap() {
            AdminAnswer::Depth(depth) => [depth.ready, depth.delayed, depth.leased, depth.dead, depth.consumers],
            other => panic!("{other:?}"),
        }
    }
}
