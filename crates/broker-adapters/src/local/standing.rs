//! What stands: consumers, inboxes, instances and a watch, announced on each connection.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;
use skyloom_broker::{
    engine::{ConsumerId, Ticket},
    wire::ClientFrame,
};
use skyloom_core::{
    Channel, Guid,
    broker::{AckSender, BrokerError, ConsumeOptions, Delivery, ReplySink},
    contract::Contract,
    registry::Instance,
};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    frames::OwnedFrame,
    tickets::{Verdict, Waiting},
};
use crate::registry::RegistryView;

/// A consumer.
pub(super) struct Stream {
    pub(super) channel: Channel,
    pub(super) options: ConsumeOptions,
    pub(super) sender: UnboundedSender<Delivery>,
    /// Waits for the first confirmation.
    pub(super) opened: Option<AckSender>,
}

/// An inbox.
pub(super) struct Sink {
    pub(super) sink: Arc<dyn ReplySink>,
    /// Waits for the first confirmation.
    pub(super) opened: Option<AckSender>,
}

/// An instance and its contracts.
pub(super) struct Registered {
    pub(super) instance: Instance,
    pub(super) contracts: Vec<Contract>,
    /// Waits for the first confirmation.
    pub(super) opened: Option<AckSender>,
}

/// Everything that stands.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) streams: HashMap<ConsumerId, Stream, RandomState>,
    pub(super) sinks: HashMap<Guid, Sink, RandomState>,
    pub(super) instances: BTreeMap<Guid, Registered>,
    pub(super) view: Option<Arc<RegistryView>>,
}

/// Something that stood and was refused; dropped once the lock is released, for that may run its
/// owner's code.
pub(super) enum Fallen {
    Stream(Stream),
    Sink(Sink),
    Instance(Box<Registered>),
}

impl Fallen {
    /// Who waits for the first confirmation.
    pub(super) fn opened(&mut self) -> Option<AckSender> {
        match self {
            Self::Stream(stream) => stream.opened.take(),
            Self::Sink(sink) => sink.opened.take(),
            Self::Instance(registered) => registered.opened.take(),
        }
    }
}

impl Standing {
    /// The announcement of one thing that stands.
    pub(super) fn announcement(&self, what: &Waiting, ticket: Ticket) -> Option<OwnedFrame> {
        Some(match what {
            Waiting::Consume(id) => {
                let Stream { channel, options, .. } = self.streams.get(id)?;
                ClientFrame::Consume { ticket, consumer: *id, channel: channel.clone(), options: *options }
            }
            Waiting::Inbox(id) => ClientFrame::OpenInbox { ticket, inbox: *id },
            Waiting::Instance(id) => {
                let Registered { instance, contracts, .. } = self.instances.get(id)?;
                ClientFrame::Register { ticket, instance: Box::new(instance.clone()), contracts: contracts.clone() }
            }
            _ => return None,
        })
    }

    /// Everything that is to be announced under a ticket: inboxes before consumers, whose handlers
    /// may call at once, and instances once they consume.
    pub(super) fn all(&self) -> Vec<Waiting> {
        let inboxes = self.sinks.keys().map(|id| Waiting::Inbox(*id));
        let mut ids: Vec<_> = self.streams.keys().copied().collect();
        ids.sort_unstable();
        let streams = ids.into_iter().map(Waiting::Consume);
        inboxes.chain(streams).chain(self.instances.keys().map(|id| Waiting::Instance(*id))).collect()
    }

    /// Notes what the broker answered to an announcement. What it refuses stands no more.
    pub(super) fn answered(
        &mut self,
        what: &Waiting,
        result: Result<(), BrokerError>,
    ) -> (Option<Verdict>, Option<Fallen>) {
        if result.is_ok() {
            let opened = match what {
                Waiting::Consume(id) => self.streams.get_mut(id).and_then(|stream| stream.opened.take()),
                Waiting::Inbox(id) => self.sinks.get_mut(id).and_then(|sink| sink.opened.take()),
                Waiting::Instance(id) => self.instances.get_mut(id).and_then(|registered| registered.opened.take()),
                _ => None,
            };
            return (opened.map(|opened| Verdict::Ack(opened, result)), None);
        }
        let mut fallen = self.remove(what);
        let opened = fallen.as_mut().and_then(Fallen::opened);
        (opened.map(|opened| Verdict::Ack(opened, result)), fallen)
    }

    fn remove(&mut self, what: &Waiting) -> Option<Fallen> {
        match what {
            Waiting::Consume(id) => self.streams.remove(id).map(Fallen::Stream),
            Waiting::Inbox(id) => self.sinks.remove(id).map(Fallen::Sink),
            Waiting::Instance(id) => self.instances.remove(id).map(|one| Fallen::Instance(Box::new(one))),
            _ => None,
        }
    }

    /// Removes everything but the watch, for whose followers the last snapshot stands.
    pub(super) fn clear(&mut self) -> Vec<Fallen> {
        let streams = self.streams.drain().map(|(_, stream)| Fallen::Stream(stream));
        let mut fallen: Vec<_> = streams.chain(self.sinks.drain().map(|(_, sink)| Fallen::Sink(sink))).collect();
        let instances = std::mem::take(&mut self.instances);
        fallen.extend(instances.into_values().map(|one| Fallen::Instance(Box::new(one))));
        fallen
    }

    /// All reply sinks.
    pub(super) fn all_sinks(&self) -> Vec<Arc<dyn ReplySink>> {
        self.sinks.values().map(|sink| Arc::clone(&sink.sink)).collect()
    }
}
