//! Which transitions are tried, mostly such as mean something in the present state.

use proptest::{prelude::*, sample::select};

use crate::{
    model::{Model, Place},
    transition::{How, Label, Sent, Transition, Where},
};

fn place() -> impl Strategy<Value = Where> + Clone {
    prop_oneof![
        4 => (0_u8..2).prop_map(Where::Queue),
        2 => (0_u8..2).prop_map(Where::Group),
        2 => Just(Where::Instance),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let reply_to = prop::option::weighted(0.7, 0_u8..3);
    let delay = prop_oneof![4 => Just(0), 1 => 1_u64..150];
    let time_to_live = prop::option::weighted(0.3, 0_u64..200);
    (reply_to, 0_u32..3, delay, time_to_live, 0_usize..=6).prop_map(
        |(reply_to, priority, delay, time_to_live, size)| {
            // Mostly small: a full broker refuses everything.
            let size = if size < 5 { 1 } else { size };
            Sent { reply_to, priority, delay, time_to_live, size }
        },
    )
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        3 => Just(How::Reply),
        1 => Just(How::Done),
        2 => prop_oneof![Just(0_u64), 1_u64..150].prop_map(How::Retry),
        1 => Just(How::Release),
        1 => Just(How::Bury),
    ]
}

/// Leases with who holds them, and now and then one that has ended or is somebody else's.
fn leases(model: &Model) -> Vec<(u64, Label)> {
    let held = model.messages.iter().filter_map(|message| match message.place {
        Place::Leased { holder, label, .. } => Some((model.consumers[holder].conn.unwrap_or(1), label)),
        _ => None,
    });
    let mut leases: Vec<_> = held.flat_map(|lease| [lease; 4]).collect();
    let ever = model.granted.iter().flat_map(|((conn, consumer), granted)| {
        (0..*granted).map(|nth| Label { conn: *conn, consumer: *consumer, nth })
    });
    leases.extend(ever.flat_map(|label| model.conns.keys().map(move |conn| (*conn, label))).take(20));
    leases
}

pub(crate) fn transitions(model: &Model) -> BoxedStrategy<Transition> {
    let connect = (0_u8..3).prop_map(|session| Transition::Connect { session });
    let time = prop_oneof![3 => 0_u64..60, 2 => 50_u64..200, 1 => Just(400_u64)];
    let time = prop_oneof![
        4 => time.clone().prop_map(Transition::Pass),
        1 => time.prop_map(Transition::Lag),
    ];
    let known: Vec<u64> = model.conns.keys().copied().collect();
    if known.is_empty() {
        return prop_oneof![6 => connect, 1 => time].boxed();
    }
    // A connection that is not known any more is ignored.
    let conn = prop_oneof![30 => select(known), 1 => 1..model.next_conn];
    let mut choices = vec![
        (3, connect.boxed()),
        (6, time.boxed()),
        (1, Just(Transition::Restart).boxed()),
        (2, conn.clone().prop_map(|conn| Transition::Disconnect { conn }).boxed()),
        (3, conn.clone().prop_map(|conn| Transition::Heard { conn }).boxed()),
        (14, sending(conn.clone())),
        (12, consuming(model, conn.clone())),
        (5, inboxes(conn.clone())),
        (4, ordering(conn)),
    ];
    let leases = leases(model);
    if !leases.is_empty() {
        choices.push((24, settling(leases)));
    }
    prop::strategy::Union::new_weighted(choices).boxed()
}

fn sending(conn: impl Strategy<Value = u64> + Clone + 'static) -> BoxedStrategy<Transition> {
    prop_oneof![
        5 => (conn.clone(), place(), sent()).prop_map(|(conn, to, sent)| Transition::Enqueue { conn, to, sent }),
        1 => (conn, sent()).prop_map(|(conn, sent)| Transition::Publish { conn, sent }),
    ]
    .boxed()
}

/// Consumers have numbers that are their connection's own, or were of their session before a restart.
fn consuming(model: &Model, conn: impl Strategy<Value = u64> + Clone + 'static) -> BoxedStrategy<Transition> {
    let mut consumers: Vec<(u64, u32)> = Vec::new();
    for conn in model.conns.keys() {
        let base = u32::try_from(*conn).unwrap() * 4;
        consumers.extend([(*conn, base), (*conn, base + 1)]);
    }
    let there = model.consumers.iter().filter(|consumer| !consumer.gone);
    consumers.extend(there.filter_map(|consumer| consumer.conn.map(|conn| (conn, consumer.id))));
    let consumer = select(consumers);
    let options = (place(), 0_u32..=4, select(vec![40_u64, 120]), any::<bool>());
    let consume = (consumer.clone(), options).prop_map(|((conn, consumer), (from, credit, lease, ephemeral))| {
        Transition::Consume { conn, consumer, from, credit, lease, ephemeral }
    });
    let stop = consumer.prop_map(|(conn, consumer)| Transition::Stop { conn, consumer });
    let unsubscribe = (conn, 0_u8..2).prop_map(|(conn, group)| Transition::Unsubscribe { conn, group });
    prop_oneof![8 => consume, 2 => stop, 1 => unsubscribe].boxed()
}

fn inboxes(conn: impl Strategy<Value = u64> + Clone + 'static) -> BoxedStrategy<Transition> {
    prop_oneof![
        4 => (conn.clone(), 0_u8..3).prop_map(|(conn, inbox)| Transition::OpenInbox { conn, inbox }),
        1 => (conn, 0_u8..3).prop_map(|(conn, inbox)| Transition::CloseInbox { conn, inbox }),
    ]
    .boxed()
}

fn ordering(conn: impl Strategy<Value = u64> + Clone + 'static) -> BoxedStrategy<Transition> {
    let pause = (conn.clone(), place(), 0_u64..100);
    prop_oneof![
        2 => (conn.clone(), place()).prop_map(|(conn, channel)| Transition::Kick { conn, channel }),
        1 => (conn, place()).prop_map(|(conn, channel)| Transition::DropDead { conn, channel }),
        1 => pause.prop_map(|(conn, channel, time)| Transition::Pause { conn, channel, time }),
    ]
    .boxed()
}

fn settling(leases: Vec<(u64, Label)>) -> BoxedStrategy<Transition> {
    let lease = select(leases);
    prop_oneof![
        6 => (lease.clone(), how()).prop_map(|((conn, label), how)| Transition::Settle { conn, label, how }),
        1 => lease.clone().prop_map(|(conn, label)| Transition::Partial { conn, label }),
        1 => lease.clone().prop_map(|(conn, label)| Transition::Extend { conn, label }),
        1 => lease.prop_map(|(conn, label)| Transition::Once { conn, label }),
    ]
    .boxed()
}
