//! The two steps of every call, for a driver that wants their answers at once.

use std::time::Duration;

use skyloom_core::{
    Channel,
    broker::{BrokerError, Lease},
};

use crate::engine::{Conn, Engine, Message, Output, Settle, state::Time};

impl<M: Clone> Engine<M> {
    /// As a step with [`Input::Enqueue`](crate::engine::Input::Enqueue), with its answer returned
    /// and not given under a ticket. None if the connection is unknown.
    pub fn enqueue_now(
        &mut self,
        now: Duration,
        conn: Conn,
        channel: &Channel,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) -> Option<Result<(), BrokerError>> {
        self.now = self.now.max(Time::from(now));
        let result = self.hear(conn, out).then(|| self.take_in(channel, message, out));
        self.deliver_stirred(out);
        self.sweep_timers();
        result
    }

    /// As a step with [`Input::Settle`](crate::engine::Input::Settle), with its answer returned and
    /// not given under a ticket. None if the connection is unknown.
    pub fn settle_now(
        &mut self,
        now: Duration,
        conn: Conn,
        lease: Lease,
        settle: Settle<M>,
        out: &mut Vec<Output<M>>,
    ) -> Option<Result<(), BrokerError>> {
        self.now = self.now.max(Time::from(now));
        let result = self.hear(conn, out).then(|| self.settle(conn, lease, settle, out));
        self.deliver_stirred(out);
        self.sweep_timers();
        result
    }
}
