//! What a consumer has to say to the server.

use std::sync::Arc;

use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError},
};

/// Something to say.
#[derive(Debug)]
pub(super) enum Todo {
    /// A reply, whether it is the only one there will ever be, and the job that ends with it.
    Reply { inbox: Guid, envelope: Arc<Envelope>, only: bool, ends: Option<u64>, ack: Option<AckSender> },
    /// A job of its own for what cannot stay in the one it came in, or a dead letter. Once it is kept, the
    /// envelope is settled in the job that it came in.
    Put { tube: Option<String>, priority: u32, delay: u32, body: Bytes, came_in: Option<u64>, ack: Option<AckSender> },
    /// The end of a job.
    End { job: u64, how: How, ack: Option<AckSender> },
    /// The delivery of this number is the last.
    Claim { number: u64, ack: AckSender },
    /// The rest of a job is now another: `new` is to be taken and `old` to be deleted.
    Exchange { old: u64, new: u64, claims: Vec<Claim> },
}

/// A delivery that asks to be the last.
pub(super) type Claim = (u64, AckSender);

/// What is done with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Delete,
    Release {
        priority: u32,
        delay: u32,
    },
    /// Puts it back without counting: what is buried and kicked is told apart from what is released.
    GiveBack {
        priority: u32,
    },
    /// Puts it aside for ever.
    Bury,
}

impl Todo {
    /// The connection is gone, and with it the lease.
    pub(super) fn fail(self) {
        let error = || BrokerError::lost("the connection to beanstalkd broke before it could be settled");
        match self {
            Self::Reply { ack, .. } | Self::Put { ack, .. } | Self::End { ack, .. } => {
                ack.into_iter().for_each(|ack| ack.send(Err(error())));
            }
            Self::Claim { ack, .. } => ack.send(Err(BrokerError::Stale)),
            Self::Exchange { claims, .. } => claims.into_iter().for_each(|(_, ack)| ack.send(Err(BrokerError::Stale))),
        }
    }
}
