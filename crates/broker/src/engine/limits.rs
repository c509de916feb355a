//! A limit on everything the engine holds.

use std::time::Duration;

/// The most messages or dead letters that one answer to an operator lists: an answer is built in
/// one step, and nobody reads more at once.
pub const LISTED: u32 = 1_000;

/// The longest reason that is kept with a dead letter, in bytes: a reason is a sentence, and a
/// queue full of dead letters must not weigh more than its messages.
pub(crate) const REASON_BYTES: usize = 512;

/// How many waiting messages one search for expired ones looks at: a tenth of a millisecond, so
/// that a long queue does not stall everybody else.
pub(crate) const PURGE_BATCH: usize = 1_000;

/// How long to let others have a turn between two such searches.
pub(crate) const PURGE_TURN: Duration = Duration::from_millis(1);

/// How long a queue that took more than one search is left alone afterwards.
pub(crate) const PURGE_REST: Duration = Duration::from_secs(1);

/// A message that so many workers in a row have not survived, or said nothing about, may be why. Once is what happens when
/// a worker is killed, and no reason to hold up the rest.
pub(crate) const SUSPECT_LOSSES: u8 = 2;

/// Cancelled timers that are tolerated before they are swept out.
pub(crate) const CANCELLED_TIMERS: usize = 1_024;

/// The engine's bounds. Reaching one is an error to whoever wants more, never a silent drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages in one channel, dead letters included. Those whose callers have been told give way to new messages.
    pub channel_messages: usize,
    /// Bytes in one channel, dead letters included.
    pub channel_bytes: usize,
    /// Bytes in all channels together.
    pub total_bytes: usize,
    /// The largest message in bytes.
    pub message_bytes: usize,
    /// Channels (queues, groups and instances together).
    pub channels: usize,
    /// Inboxes, abandoned ones included.
    pub inboxes: usize,
    /// Connections.
    pub connections: usize,
    /// Consumers of one connection.
    pub consumers_per_connection: usize,
    /// The credit of one consumer.
    pub credit: u32,
    /// Registered instances.
    pub instances: usize,
    /// Contracts that are remembered.
    pub contracts: usize,
    /// How long the contract of a service without an instance is remembered.
    pub contract_idle: Duration,
    /// Replies kept for an inbox whose client is away. A call whose reply finds no room ends with an error, as soon as its
    /// client is back: a stream must not have a gap that nobody sees.
    pub inbox_backlog: usize,
    /// Bytes of such replies, as the driver weighs them.
    pub inbox_backlog_bytes: usize,
    /// How long an inbox whose client is away is kept.
    pub inbox_grace: Duration,
    /// How long an empty channel without a consumer is kept.
    pub channel_idle: Duration,
    /// How long a silent connection's instances stay registered. [`Duration::MAX`] for a driver
    /// whose connections cannot fall silent, such as one within the process.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channel_messages: 1_000_000,
            channel_bytes: 1 << 30,
            total_bytes: 4 << 30,
            message_bytes: 8 << 20,
            channels: 10_000,
            inboxes: 100_000,
            connections: 10_000,
            consumers_per_connection: 1_000,
            credit: 65_536,
            instances: 10_000,
            contracts: 10_000,
            // Longer than a service is away that runs once a day, or rests over a weekend; then it is known no more.
            contract_idle: Duration::from_secs(7 * 24 * 3600),
            inbox_backlog: 10_000,
            inbox_backlog_bytes: 64 << 20,
            inbox_grace: Duration::from_secs(10),
            channel_idle: Duration::from_secs(600),
            silence: Duration::from_millis(2_500),
        }
    }
}
