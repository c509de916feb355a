//! What all lanes of one instance share.

use std::sync::{Arc, OnceLock};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{LogControl, WorkerOptions, in_flight::InFlight, running::Streams, stats::Stats};
use crate::{Guid, client::Client};

pub(super) struct Shared {
    pub(super) instance: Guid,
    pub(super) client: Client,
    pub(super) options: WorkerOptions,
    pub(super) started: Instant,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) streams: Arc<Streams>,
    pub(super) stats: Stats,
    /// True once the lanes are to stop.
    pub(super) draining: watch::Sender<bool>,
    /// True once the drain time is over and what is not finished ends.
    pub(super) given_up: watch::Sender<bool>,
    /// An operator asks for a drain.
    pub(super) drain_requested: Notify,
    /// What can change what this process logs, if something can.
    pub(super) log: OnceLock<LogControl>,
}

impl Shared {
    pub(super) fn new(client: Client, options: WorkerOptions) -> Arc<Self> {
        Arc::new(Self {
            instance: Guid::private(),
            client,
            options,
            started: Instant::now(),
            in_flight: Arc::default(),
            streams: Arc::default(),
            stats: Stats::default(),
            draining: watch::Sender::new(false),
            given_up: watch::Sender::new(false),
            drain_requested: Notify::new(),
            log: OnceLock::new(),
        })
    }
}
