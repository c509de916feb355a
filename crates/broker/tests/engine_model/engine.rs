//! The engine as the model sees it.

use std::{collections::BTreeMap, time::Duration};

use skyloom_broker::engine::{
    AdminAnswer, AdminCommand, Conn, ConsumerId, Engine, Exported, Input, Limits, Message, Output, Settle, Ticket,
};
use skyloom_core::{
    Channel, Guid,
    broker::{ConsumeOptions, Depth, Lease},
};

use crate::{
    event::{self, Event},
    model::{CHANNEL_BYTES, CHANNEL_MESSAGES, CREDIT, GRACE, MAX_ATTEMPTS, MESSAGE_BYTES, Model, Place, TOTAL_BYTES},
    rules::{PARTIAL, REPLY},
    transition::{How, Label, Sent, Transition, Where},
};

const TICKET: Ticket = Ticket(1);
/// A connection that only asks.
const OBSERVER: Conn = Conn(1 << 40);
/// How far a new engine's clock is from the old one's.
const LEAP: Duration = Duration::from_secs(3_600);

pub(crate) struct Driven {
    engine: std::cell::RefCell<Engine<u32>>,
    now: Duration,
    next_conn: u64,
    next_id: u32,
    leases: BTreeMap<(u64, u32), Vec<Lease>>,
    /// The message under each lease, by which a reply is known.
    bodies: BTreeMap<(u64, u32), Vec<u32>>,
}

fn limits() -> Limits {
    Limits {
        channel_messages: CHANNEL_MESSAGES,
        channel_bytes: CHANNEL_BYTES,
        total_bytes: TOTAL_BYTES,
        message_bytes: MESSAGE_BYTES,
        credit: CREDIT,
        inbox_grace: Duration::from_millis(GRACE),
        ..Limits::default()
    }
}

fn guid(kind: u8, number: u32) -> Guid {
    let mut bytes = [kind; 16];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    Guid::from_bytes(bytes)
}

fn number(guid: Guid) -> u32 {
    u32::from_le_bytes(guid.as_bytes()[..4].try_into().unwrap())
}

fn channel(name: Where) -> Channel {
    match name {
        Where::Queue(number) => Channel::Queue(format!("q{number}").parse().unwrap()),
        Where::Group(number) => Channel::Group("t".parse().unwrap(), format!("g{number}").parse().unwrap()),
        Where::Instance => Channel::Instance(guid(b'i', 0)),
    }
}

fn message(id: u32, sent: Sent) -> Message<u32> {
    Message {
        id: guid(b'm', id),
        reply_to: sent.reply_to.map(|inbox| guid(b'r', inbox.into())),
        priority: sent.priority,
        delay: Duration::from_millis(sent.delay),
        time_to_live: sent.time_to_live.map(Duration::from_millis),
        size: sent.size,
        body: id,
    }
}

impl Driven {
    pub(crate) fn new() -> Self {
        let engine = Engine::new(limits()).into();
        let (leases, bodies) = (BTreeMap::new(), BTreeMap::new());
        let driven = Self { engine, now: LEAP, next_conn: 1, next_id: 1, leases, bodies };
        driven.observe();
        driven
    }

    fn observe(&self) {
        self.step(Input::Connect { conn: OBSERVER, session: guid(b'o', 0) });
    }

    fn step(&self, input: Input<u32>) -> Vec<Output<u32>> {
        let mut outputs = Vec::new();
        self.engine.borrow_mut().step(self.now, input, &mut outputs);
        outputs
    }

    pub(crate) fn apply(&mut self, transition: &Transition) -> Vec<Event> {
        match transition {
            Transition::Lag(time) => {
                self.now += Duration::from_millis(*time);
                return Vec::new();
            }
            Transition::Restart => {
                self.restart();
                return Vec::new();
            }
            Transition::Pass(time) => self.now += Duration::from_millis(*time),
            _ => {}
        }
        let input = self.input(transition);
        let outputs = self.step(input);
        outputs.into_iter().map(|output| self.event(output)).collect()
    }

    fn restart(&mut self) {
        let text = serde_json::to_string(&self.engine.borrow().export(self.now)).unwrap();
        let exported: Exported<u32> = serde_json::from_str(&text).unwrap();
        self.now += LEAP;
        self.engine = Engine::import(limits(), self.now, exported).into();
        self.observe();
    }

    fn input(&mut self, transition: &Transition) -> Input<u32> {
        let ticket = TICKET;
        match *transition {
            Transition::Connect { session } => {
                let conn = Conn(self.next_conn);
                self.next_conn += 1;
                Input::Connect { conn, session: guid(b's', session.into()) }
            }
            Transition::Disconnect { conn } => Input::Disconnect(Conn(conn)),
            Transition::Heard { conn } => Input::Heard(Conn(conn)),
            Transition::OpenInbox { conn, inbox } => {
                Input::OpenInbox { conn: Conn(conn), ticket, inbox: guid(b'r', inbox.into()) }
            }
            Transition::CloseInbox { conn, inbox } => {
                Input::CloseInbox { conn: Conn(conn), inbox: guid(b'r', inbox.into()) }
            }
            Transition::Enqueue { conn, to, sent } => {
                Input::Enqueue { conn: Conn(conn), ticket, channel: channel(to), message: message(self.id(), sent) }
            }
            Transition::Publish { conn, sent } => {
                let topic = "t".parse().unwrap();
                Input::Publish { conn: Conn(conn), ticket, topic, message: message(self.id(), sent) }
            }
            Transition::Consume { conn, consumer, from, credit, lease, ephemeral } => {
                let (lease, max_attempts) = (Duration::from_millis(lease), MAX_ATTEMPTS);
                let options = ConsumeOptions { credit, lease, max_attempts, ephemeral };
                let consumer = ConsumerId(consumer);
                Input::Consume { conn: Conn(conn), ticket, consumer, channel: channel(from), options }
            }
            Transition::Stop { conn, consumer } => {
                Input::Stop { conn: Conn(conn), ticket, consumer: ConsumerId(consumer) }
            }
            Transition::Unsubscribe { conn, group } => {
                let (topic, group) = ("t".parse().unwrap(), format!("g{group}").parse().unwrap());
                Input::Unsubscribe { conn: Conn(conn), ticket, topic, group }
            }
            Transition::Settle { conn, label, how } => {
                let (lease, settle) = (self.lease(label), self.how(label, how));
                Input::Settle { conn: Conn(conn), ticket, lease, settle }
            }
            Transition::Partial { conn, label } => {
                Input::Partial { conn: Conn(conn), ticket, lease: self.lease(label), body: PARTIAL + self.body(label) }
            }
            Transition::Extend { conn, label } => Input::Extend { conn: Conn(conn), ticket, lease: self.lease(label) },
            Transition::Once { conn, label } => Input::Once { conn: Conn(conn), ticket, lease: self.lease(label) },
            Transition::Kick { conn, channel: name } => admin(conn, AdminCommand::Kick(channel(name), None, u32::MAX)),
            Transition::DropDead { conn, channel: name } => admin(conn, AdminCommand::DropDead(channel(name), None)),
            Transition::Pause { conn, channel: name, time } => {
                admin(conn, AdminCommand::Pause(channel(name), Duration::from_millis(time)))
            }
            Transition::Pass(_) | Transition::Lag(_) | Transition::Restart => Input::Tick,
        }
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn lease(&self, label: Label) -> Lease {
        self.leases[&(label.conn, label.consumer)][label.nth]
    }

    fn body(&self, label: Label) -> u32 {
        self.bodies[&(label.conn, label.consumer)][label.nth]
    }

    fn how(&self, label: Label, how: How) -> Settle<u32> {
        let reason = "no".to_owned();
        match how {
            How::Reply => Settle::Reply(REPLY + self.body(label)),
            How::Done => Settle::Done,
            How::Retry(delay) => Settle::Retry { delay: Duration::from_millis(delay), reason },
            How::Release => Settle::Release,
            How::Bury => Settle::Bury { reason },
        }
    }

    fn event(&mut self, output: Output<u32>) -> Event {
        match output {
            Output::Deliver { conn, consumer, lease, attempt, body, .. } => {
                let key = (conn.0, consumer.0);
                self.leases.entry(key).or_default().push(lease);
                self.bodies.entry(key).or_default().push(body);
                Event::Deliver { conn: conn.0, consumer: consumer.0, message: body, attempt }
            }
            Output::Reply { conn, inbox, body } => {
                Event::Reply { conn: conn.0, inbox: u8::try_from(number(inbox)).unwrap(), body }
            }
            Output::Refused { conn, inbox, call, error } => Event::Refused {
                conn: conn.0,
                inbox: u8::try_from(number(inbox)).unwrap(),
                message: number(call),
                error: event::kind(&error),
            },
            Output::Done { conn, result, .. } => {
                Event::Done { conn: conn.0, result: result.map_err(|error| event::kind(&error)) }
            }
            Output::Admin { conn, answer: AdminAnswer::Count(count), .. } => Event::Count { conn: conn.0, count },
            other => panic!("{other:?}"),
        }
    }

    /// What both hold is the same, and the engine asks to be woken in time.
    pub(crate) fn check(&self, model: &Model) {
        let totals = self.engine.borrow().totals();
        assert_eq!(totals.messages, model.present(None).count() as u64, "messages");
        assert_eq!(totals.bytes, model.bytes(None) as u64, "bytes");
        assert_eq!(totals.inboxes, model.inboxes.len() as u64, "inboxes");
        assert_eq!(totals.lost_replies, model.lost_replies, "lost replies");
        assert_eq!(totals.connections, model.conns.len() as u64 + 1, "connections");
        for name in [Where::Queue(0), Where::Queue(1), Where::Group(0), Where::Group(1), Where::Instance] {
            assert_eq!(self.depth(name), depth(model, name), "{name:?}");
        }
        if let Some(next) = next(model) {
            let next = self.now + Duration::from_millis(next.saturating_sub(model.now));
            let wakeup = self.engine.borrow().next_wakeup();
            assert!(wakeup.is_some_and(|wakeup| wakeup <= next), "{wakeup:?} is later than {next:?}");
        }
    }

    fn depth(&self, name: Where) -> Depth {
        let command = AdminCommand::Depth(channel(name));
        let outputs = self.step(Input::Admin { conn: OBSERVER, ticket: TICKET, command });
        match outputs.as_slice() {
            [Output::Admin { answer: AdminAnswer::Depth(depth), .. }] => *depth,
            other => panic!("{other:?}"),
        }
    }
}

fn admin(conn: u64, command: AdminCommand) -> Input<u32> {
    Input::Admin { conn: Conn(conn), ticket: TICKET, command }
}

fn depth(model: &Model, name: Where) -> Depth {
    let mut depth = Depth::default();
    let Some(channel) = model.named(name) else { return depth };
    for message in model.present(Some(channel)) {
        match message.place {
            Place::Waiting => depth.ready += 1,
            Place::Delayed(_) => depth.delayed += 1,
            Place::Leased { .. } => depth.leased += 1,
            Place::Dead | Place::Gone => depth.dead += 1,
        }
    }
    depth.consumers = model.active_consumers(channel) as u64;
    depth
}

/// When time next changes something.
fn next(model: &Model) -> Option<u64> {
    let messages = model.messages.iter().filter_map(|message| match message.place {
        Place::Waiting => Some(message.expires),
        Place::Delayed(until) => Some(until),
        Place::Leased { deadline, .. } => Some(deadline),
        Place::Dead | Place::Gone => None,
    });
    let inboxes = model.inboxes.values().map(|inbox| inbox.expires);
    let sessions = model.absent.values().copied();
    messages.chain(inboxes).chain(sessions).filter(|at| *at != crate::model::NEVER).min()
}
