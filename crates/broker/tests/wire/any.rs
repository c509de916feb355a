//! Any frame.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use skyloom_broker::{
    engine::{AdminAnswer, AdminCommand, ConsumerId, DeadMessage, Message, RegistryChange, Settle, Ticket, Totals},
    wire::{ClientFrame, ServerFrame},
};
use skyloom_core::{
    Channel, GroupName, Guid, QueueName, ServiceRef, TopicName,
    broker::{BrokerError, ChannelStats, ConsumeOptions, Depth, Lease},
    registry::Instance,
};

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9](\\.?[a-z0-9_-]){0,31}"
}

pub(crate) fn guid() -> impl Strategy<Value = Guid> {
    any::<[u8; 16]>().prop_map(Guid::from_bytes)
}

/// The wire counts microseconds.
fn duration() -> impl Strategy<Value = Duration> {
    (0..u64::MAX).prop_map(Duration::from_micros)
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![
        name().prop_map(|name| Channel::Queue(QueueName::new(name).unwrap())),
        (name(), name())
            .prop_map(|(topic, group)| Channel::Group(TopicName::new(topic).unwrap(), GroupName::new(group).unwrap())),
        guid().prop_map(Channel::Instance),
    ]
}

fn ticket() -> impl Strategy<Value = Ticket> {
    any::<u32>().prop_map(Ticket)
}

fn lease() -> impl Strategy<Value = Lease> {
    (any::<u32>(), any::<u64>()).prop_map(|(slot, number)| Lease { slot, number })
}

fn body() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn message() -> impl Strategy<Value = Message<Bytes>> {
    let reply_to = prop::option::of(guid().prop_filter("zeros mean none", |guid| *guid != Guid::default()));
    (guid(), reply_to, any::<u32>(), duration(), prop::option::of(duration()), body()).prop_map(
        |(id, reply_to, priority, delay, time_to_live, body)| Message {
            id,
            reply_to,
            priority,
            delay,
            time_to_live,
            size: body.len(),
            body,
        },
    )
}

fn settle() -> impl Strategy<Value = Settle<Bytes>> {
    prop_oneof![
        body().prop_map(Settle::Reply),
        Just(Settle::Done),
        (duration(), ".{0,40}").prop_map(|(delay, reason)| Settle::Retry { delay, reason }),
        Just(Settle::Release),
        ".{0,40}".prop_map(|reason| Settle::Bury { reason }),
    ]
}

fn options() -> impl Strategy<Value = ConsumeOptions> {
    (any::<u32>(), duration(), any::<u32>(), any::<bool>())
        .prop_map(|(credit, lease, max_attempts, ephemeral)| ConsumeOptions { credit, lease, max_attempts, ephemeral })
}

fn instance() -> impl Strategy<Value = Instance> {
    (guid(), name(), ".{0,20}", any::<u32>(), any::<u64>()).prop_map(|(id, queue, host, pid, started)| Instance {
        id,
        services: vec![ServiceRef {
            name: format!("{queue}.Service"),
            queue: QueueName::new(&queue).unwrap(),
            version: pid,
        }],
        host,
        region: String::new(),
        pid,
        started,
    })
}

fn command() -> impl Strategy<Value = AdminCommand> {
    let number = prop::option::of(any::<u64>());
    prop_oneof![
        Just(AdminCommand::Channels),
        Just(AdminCommand::Totals),
        channel().prop_map(AdminCommand::Depth),
        (channel(), any::<u32>()).prop_map(|(channel, limit)| AdminCommand::Dead(channel, limit)),
        (channel(), number.clone(), any::<u32>())
            .prop_map(|(channel, number, limit)| AdminCommand::Kick(channel, number, limit)),
        (channel(), number).prop_map(|(channel, number)| AdminCommand::DropDead(channel, number)),
        (channel(), duration()).prop_map(|(channel, time)| AdminCommand::Pause(channel, time)),
        (channel(), any::<u32>()).prop_map(|(channel, limit)| AdminCommand::Peek(channel, limit)),
        name().prop_map(AdminCommand::Forget),
    ]
}

pub(crate) fn client_frame() -> impl Strategy<Value = ClientFrame<Bytes>> {
    let consumer = any::<u32>().prop_map(ConsumerId);
    let names = (name(), name());
    prop_oneof![
        (ticket(), channel(), message()).prop_map(|(ticket, channel, message)| ClientFrame::Enqueue {
            ticket,
            channel,
            message
        }),
        (ticket(), name(), message()).prop_map(|(ticket, topic, message)| ClientFrame::Publish {
            ticket,
            topic: TopicName::new(topic).unwrap(),
            message
        }),
        (ticket(), consumer.clone(), channel(), options()).prop_map(|(ticket, consumer, channel, options)| {
            ClientFrame::Consume { ticket, consumer, channel, options }
        }),
        (ticket(), consumer).prop_map(|(ticket, consumer)| ClientFrame::Stop { ticket, consumer }),
        (ticket(), names).prop_map(|(ticket, (topic, group))| ClientFrame::Unsubscribe {
            ticket,
            topic: TopicName::new(topic).unwrap(),
            group: GroupName::new(group).unwrap()
        }),
        (ticket(), guid()).prop_map(|(ticket, inbox)| ClientFrame::OpenInbox { ticket, inbox }),
        guid().prop_map(|inbox| ClientFrame::CloseInbox { inbox }),
        (ticket(), lease(), settle()).prop_map(|(ticket, lease, settle)| ClientFrame::Settle { ticket, lease, settle }),
        (ticket(), lease(), body()).prop_map(|(ticket, lease, body)| ClientFrame::Partial { ticket, lease, body }),
        (ticket(), lease()).prop_map(|(ticket, lease)| ClientFrame::Extend { ticket, lease }),
        (ticket(), lease()).prop_map(|(ticket, lease)| ClientFrame::Once { ticket, lease }),
        (ticket(), instance()).prop_map(|(ticket, instance)| ClientFrame::Register {
            ticket,
            instance: Box::new(instance),
            contracts: Vec::new()
        }),
        (ticket(), guid()).prop_map(|(ticket, instance)| ClientFrame::Deregister { ticket, instance }),
        Just(ClientFrame::Watch),
        (ticket(), command()).prop_map(|(ticket, command)| ClientFrame::Admin { ticket, command }),
        Just(ClientFrame::Ping),
        Just(ClientFrame::Bye),
    ]
}

fn error() -> impl Strategy<Value = BrokerError> {
    let reason = || ".{0,40}";
    prop_oneof![
        (reason(), reason()).prop_map(|(what, limit)| BrokerError::Full { what, limit }),
        (any::<usize>(), any::<usize>()).prop_map(|(size, limit)| BrokerError::TooLarge { size, limit }),
        reason().prop_map(|reason| BrokerError::Unavailable { reason }),
        reason().prop_map(|reason| BrokerError::Lost { reason }),
        Just(BrokerError::Expired),
        (any::<u32>(), reason()).prop_map(|(attempts, reason)| BrokerError::Dead { attempts, reason }),
        Just(BrokerError::Stale),
        reason().prop_map(|reason| BrokerError::Refused { reason }),
        guid().prop_map(|instance| BrokerError::Gone { instance }),
    ]
}

fn depth() -> impl Strategy<Value = Depth> {
    any::<[u64; 5]>().prop_map(|[ready, delayed, leased, dead, consumers]| Depth {
        ready,
        delayed,
        leased,
        dead,
        consumers,
    })
}

fn stats() -> impl Strategy<Value = ChannelStats> {
    (channel(), depth(), any::<[Option<u64>; 6]>(), any::<bool>()).prop_map(
        |(channel, depth, [bytes, enqueued, settled, redelivered, expired, oldest_ms], paused)| ChannelStats {
            bytes,
            enqueued,
            settled,
            redelivered,
            expired,
            oldest_ms,
            paused,
            ..ChannelStats::new(channel, depth)
        },
    )
}

fn dead() -> impl Strategy<Value = DeadMessage<Bytes>> {
    (any::<u64>(), guid(), ".{0,40}", any::<u32>(), duration(), body())
        .prop_map(|(number, id, reason, attempts, age, body)| DeadMessage { number, id, reason, attempts, age, body })
}

fn answer() -> impl Strategy<Value = AdminAnswer<Bytes>> {
    prop_oneof![
        prop::collection::vec(stats(), 0..4).prop_map(AdminAnswer::Channels),
        depth().prop_map(AdminAnswer::Depth),
        prop::collection::vec(dead(), 0..4).prop_map(AdminAnswer::Dead),
        any::<u64>().prop_map(AdminAnswer::Count),
        prop::collection::vec(body(), 0..4).prop_map(AdminAnswer::Peek),
        any::<u64>().prop_map(|messages| AdminAnswer::Totals(Totals { messages, ..Totals::default() })),
    ]
}

pub(crate) fn server_frame() -> impl Strategy<Value = ServerFrame<Bytes>> {
    let times = (duration(), prop::option::of(duration()), duration());
    prop_oneof![
        (any::<u32>(), lease(), any::<u32>(), times, body()).prop_map(
            |(consumer, lease, attempt, (lease_time, time_to_live, waited), body)| ServerFrame::Deliver {
                consumer: ConsumerId(consumer),
                lease,
                lease_time,
                attempt,
                time_to_live,
                waited,
                body
            }
        ),
        (guid(), body()).prop_map(|(inbox, body)| ServerFrame::Reply { inbox, body }),
        (guid(), guid(), error()).prop_map(|(inbox, call, error)| ServerFrame::Refused { inbox, call, error }),
        (ticket(), error()).prop_map(|(ticket, error)| ServerFrame::Done { ticket, result: Err(error) }),
        ticket().prop_map(|ticket| ServerFrame::Done { ticket, result: Ok(()) }),
        (ticket(), answer()).prop_map(|(ticket, answer)| ServerFrame::Admin { ticket, answer }),
        instance().prop_map(|instance| ServerFrame::Registry(RegistryChange::Up(instance.into()))),
        guid().prop_map(|guid| ServerFrame::Registry(RegistryChange::Down(guid))),
        name().prop_map(|name| ServerFrame::Registry(RegistryChange::Forgotten(name))),
        Just(ServerFrame::Registry(RegistryChange::Complete)),
        Just(ServerFrame::Pong),
        ".{0,40}".prop_map(|reason| ServerFrame::GoAway { reason }),
        ".{0,40}".prop_map(|reason| ServerFrame::Failed { reason }),
    ]
}
