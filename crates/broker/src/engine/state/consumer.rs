//! Somebody who takes messages from a channel.

use skyloom_core::{Guid, broker::ConsumeOptions};

use crate::engine::{Conn, ConsumerId};

/// A consumer, for as long as it is active or holds leases.
#[derive(Debug)]
pub(crate) struct ConsumerState {
    /// None: its client has not come back after a planned restart.
    pub(crate) conn: Option<Conn>,
    pub(crate) session: Guid,
    pub(crate) id: ConsumerId,
    /// The channel it takes from, for as long as it is active.
    pub(crate) channel: u32,
    pub(crate) options: ConsumeOptions,
    /// The slots of its leases, in no order.
    pub(crate) held: Vec<u32>,
    /// How many of them stream their answers.
    pub(crate) streams: usize,
    /// It wants more.
    pub(crate) active: bool,
    /// It is in its channel's rotation.
    pub(crate) queued: bool,
    /// It takes messages one by one, when it asks.
    pub(crate) pulls: bool,
    /// A lease of it has run out, and its connection has not been heard since.
    pub(crate) hung: bool,
}

impl ConsumerState {
    /// Whether it may be handed another message; where the channel is wary, one at a time. Streams are not counted then:
    /// some never end, and the channel would stand still.
    pub(crate) fn has_credit(&self, wary: bool) -> bool {
        let held = self.held.len();
        self.active && !self.hung && held < self.options.credit as usize && (!wary || held == self.streams)
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        !self.active && !self.pulls && self.held.is_empty() && self.conn.is_some()
    }
}
