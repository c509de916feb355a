//! [`Link`]: one connection to the engine.

use std::sync::Arc;

use skyloom_broker::engine::{Conn, ConsumerId, Input, Settle};
use skyloom_core::{
    Envelope, Guid,
    broker::{Ack, ConsumerControl, InboxGuard, Lease, Leases, Settlement},
};

use super::{
    hub::{Hub, TICKET},
    stream::Body,
};
/// One connection to the engine; it ends with its last handle.
pub(super) struct Link {
    pub(super) hub: Arc<Hub>,
    pub(super) conn: Conn,
}

impl Link {
    pub(super) fn new(hub: Arc<Hub>) -> Arc<Self> {
        let conn = hub.connect();
        Arc::new(Self { hub, conn })
    }

    pub(super) fn ask(&self, input: Input<Body>) -> Ack {
        Ack::ready(self.hub.ask(input))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.hub.disconnect(self.conn);
    }
}

impl Leases for Link {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        let settle = match settlement {
            Settlement::Reply(reply) => Settle::Reply(reply),
            Settlement::Done => Settle::Done,
            Settlement::Retry { delay, reason } => Settle::Retry { delay, reason },
            Settlement::Release => Settle::Release,
            Settlement::Bury { reason } => Settle::Bury { reason },
        };
        Ack::ready(self.hub.settle(self.conn, lease, settle))
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        self.ask(Input::Partial { conn: self.conn, ticket: TICKET, lease, body: reply })
    }

    fn extend(&self, lease: Lease) -> Ack {
        self.ask(Input::Extend { conn: self.conn, ticket: TICKET, lease })
    }

    fn once(&self, lease: Lease) -> Ack {
        self.ask(Input::Once { conn: self.conn, ticket: TICKET, lease })
    }
}

/// Stops a consumer.
pub(super) struct Control {
    pub(super) link: Arc<Link>,
    pub(super) consumer: ConsumerId,
}

impl ConsumerControl for Control {
    fn stop(&self) -> Ack {
        self.link.hub.stop(self.link.conn, self.consumer);
        Ack::ready(Ok(()))
    }
}

/// Closes an inbox when dropped.
pub(super) struct Guard {
    pub(super) link: Arc<Link>,
    pub(super) inbox: Guid,
}

impl InboxGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.link.hub.close_inbox(self.link.conn, self.inbox);
    }
}
