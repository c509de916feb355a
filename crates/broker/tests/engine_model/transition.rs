//! What can happen, by numbers that mean the same to engine and model.

/// One of the few channels of this world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Where {
    Queue(u8),
    Group(u8),
    Instance,
}

/// The `nth` lease that this consumer of this connection was ever granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label {
    pub(crate) conn: u64,
    pub(crate) consumer: u32,
    pub(crate) nth: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) reply_to: Option<u8>,
    pub(crate) priority: u32,
    pub(crate) delay: u64,
    pub(crate) time_to_live: Option<u64>,
    pub(crate) size: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Reply,
    Done,
    Retry(u64),
    Release,
    Bury,
}

#[derive(Clone, Debug)]
pub(crate) enum Transition {
    Connect {
        session: u8,
    },
    Disconnect {
        conn: u64,
    },
    /// A sign of life and nothing else.
    Heard {
        conn: u64,
    },
    OpenInbox {
        conn: u64,
        inbox: u8,
    },
    CloseInbox {
        conn: u64,
        inbox: u8,
    },
    Enqueue {
        conn: u64,
        to: Where,
        sent: Sent,
    },
    Publish {
        conn: u64,
        sent: Sent,
    },
    Consume {
        conn: u64,
        consumer: u32,
        from: Where,
        credit: u32,
        lease: u64,
        ephemeral: bool,
    },
    Stop {
        conn: u64,
        consumer: u32,
    },
    Unsubscribe {
        conn: u64,
        group: u8,
    },
    Settle {
        conn: u64,
        label: Label,
        how: How,
    },
    Partial {
        conn: u64,
        label: Label,
    },
    Extend {
        conn: u64,
        label: Label,
    },
    Once {
        conn: u64,
        label: Label,
    },
    Kick {
        conn: u64,
        channel: Where,
    },
    DropDead {
        conn: u64,
        channel: Where,
    },
    Pause {
        conn: u64,
        channel: Where,
        time: u64,
    },
    /// Time passes and the driver ticks.
    Pass(u64),
    /// Time passes and the driver is late with its tick.
    Lag(u64),
    /// The engine is written down and read into a new one.
    Restart,
}

impl Transition {
    /// The connection that gives a sign of life by it.
    pub(crate) const fn speaker(&self) -> Option<u64> {
        match *self {
            Self::Heard { conn }
            | Self::OpenInbox { conn, .. }
            | Self::CloseInbox { conn, .. }
            | Self::Enqueue { conn, .. }
            | Self::Publish { conn, .. }
            | Self::Consume { conn, .. }
            | Self::Stop { conn, .. }
            | Self::Unsubscribe { conn, .. }
            | Self::Settle { conn, .. }
            | Self::Partial { conn, .. }
            | Self::Extend { conn, .. }
            | Self::Once { conn, .. }
            | Self::Kick { conn, .. }
            | Self::DropDead { conn, .. }
            | Self::Pause { conn, .. } => Some(conn),
            Self::Connect { .. } | Self::Disconnect { .. } | Self::Pass(_) | Self::Lag(_) | Self::Restart => None,
        }
    }
}
