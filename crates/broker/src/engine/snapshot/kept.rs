//! An engine at rest: no slots, no moments, only what can be written down.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use skyloom_core::{
    Channel, Guid,
    broker::{BrokerError, ConsumeOptions},
    contract::Contract,
    registry::Instance,
};

use crate::engine::state::{Counters, JobFacts, Name, News};

/// Everything that a planned restart must keep. Times are what is left, so that the time in which
/// no broker runs does not count. Serializable if `M` is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exported<M> {
    pub(crate) channels: Vec<KeptChannel<M>>,
    pub(crate) consumers: Vec<KeptConsumer>,
    pub(crate) inboxes: Vec<KeptInbox<M>>,
    pub(crate) instances: Vec<(Guid, Arc<Instance>)>,
    pub(crate) contracts: Vec<Arc<Contract>>,
    /// How long those are still remembered that belong to services without an instance.
    #[serde(default)]
    pub(crate) forgotten_after: Vec<(String, Duration)>,
    pub(crate) next_lease: u64,
    pub(crate) next_seq: u64,
    pub(crate) next_dead: u64,
    pub(crate) lost_replies: u64,
    /// What is known of messages as jobs; empty if nobody has spoken of jobs.
    #[serde(default)]
    pub(crate) jobs: Vec<(u64, JobFacts)>,
}

impl<M> Exported<M> {
    /// Whether nobody would miss it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let idle = |channel: &KeptChannel<M>| {
            channel.messages.is_empty()
                && !matches!(channel.name, Name::Channel(Channel::Group(..) | Channel::Instance(_)))
        };
        self.channels.iter().all(idle)
            && self.inboxes.is_empty()
            && self.instances.is_empty()
            && self.contracts.is_empty()
    }

    /// How many messages it holds.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.channels.iter().map(|channel| channel.messages.len()).sum()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptChannel<M> {
    pub(crate) name: Name,
    pub(crate) ephemeral: bool,
    pub(crate) detached: bool,
    /// What is left of its pause; none: for ever.
    pub(crate) paused: Option<Duration>,
    pub(crate) counters: Counters,
    pub(crate) messages: Vec<KeptMessage<M>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptMessage<M> {
    pub(crate) id: Guid,
    pub(crate) reply_to: Option<Guid>,
    pub(crate) priority: u32,
    pub(crate) seq: u64,
    pub(crate) size: u32,
    pub(crate) attempts: u32,
    pub(crate) age: Duration,
    pub(crate) time_to_live: Option<Duration>,
    pub(crate) place: KeptPlace,
    pub(crate) body: M,
}

/// Where in its channel a message is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeptPlace {
    Waiting,
    Delayed {
        left: Option<Duration>,
    },
    Leased(KeptLease),
    Dead {
        number: u64,
        reason: Box<str>,
        age: Duration,
        #[serde(default)]
        told: bool,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptLease {
    pub(crate) slot: u32,
    pub(crate) number: u64,
    /// Which of the kept consumers holds it.
    pub(crate) consumer: usize,
    pub(crate) left: Option<Duration>,
    pub(crate) once: bool,
    /// Its answer has begun.
    #[serde(default)]
    pub(crate) streams: bool,
}

/// A consumer that holds leases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptConsumer {
    pub(crate) session: Guid,
    pub(crate) id: u32,
    pub(crate) credit: u32,
    pub(crate) lease: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) ephemeral: bool,
}

impl KeptConsumer {
    pub(crate) const fn options(&self) -> ConsumeOptions {
        ConsumeOptions {
            credit: self.credit,
            lease: self.lease,
            max_attempts: self.max_attempts,
            ephemeral: self.ephemeral,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptInbox<M> {
    pub(crate) id: Guid,
    pub(crate) session: Guid,
    pub(crate) backlog: Vec<KeptNews<M>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeptNews<M> {
    Reply(M),
    Refused { call: Guid, error: KeptError },
}

/// The errors that an inbox may hear. Any other becomes a refusal with its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeptError {
    Full { what: String, limit: String },
    TooLarge { size: usize, limit: usize },
    Unavailable { reason: String },
    Lost { reason: String },
    Expired,
    Dead { attempts: u32, reason: String },
    Gone { instance: Guid },
    Refused { reason: String },
}

impl<M> From<News<M>> for KeptNews<M> {
    fn from(news: News<M>) -> Self {
        match news {
            News::Reply(body) => Self::Reply(body),
            News::Refused { call, error } => Self::Refused { call, error: error.into() },
        }
    }
}

impl<M> From<KeptNews<M>> for News<M> {
    fn from(news: KeptNews<M>) -> Self {
        match news {
            KeptNews::Reply(body) => Self::Reply(body),
            KeptNews::Refused { call, error } => Self::Refused { call, error: error.into() },
        }
    }
}

impl From<BrokerError> for KeptError {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Full { what, limit } => Self::Full { what, limit },
            BrokerError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            BrokerError::Unavailable { reason } => Self::Unavailable { reason },
            BrokerError::Lost { reason } => Self::Lost { reason },
            BrokerError::Expired => Self::Expired,
            BrokerError::Dead { attempts, reason } => Self::Dead { attempts, reason },
            BrokerError::Gone { instance } => Self::Gone { instance },
            BrokerError::Refused { reason } => Self::Refused { reason },
            other => Self::Refused { reason: other.to_string() },
        }
    }
}

impl From<KeptError> for BrokerError {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::Full { what, limit } => Self::Full { what, limit },
            KeptError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            KeptError::Unavailable { reason } => Self::Unavailable { reason },
            KeptError::Lost { reason } => Self::Lost { reason },
            KeptError::Expired => Self::Expired,
            KeptError::Dead { attempts, reason } => Self::Dead { attempts, reason },
            KeptError::Gone { instance } => Self::Gone { instance },
            KeptError::Refused { reason } => Self::Refused { reason },
        }
    }
}
