//! Jobs and tubes: the engine's messages and channels in beanstalkd's words.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::Message;

/// The longest name of a tube, in bytes.
pub const MAX_TUBE_NAME: usize = 200;

/// The tube that every connection uses and watches at first.
pub const DEFAULT_TUBE: &str = "default";

/// Jobs with a priority below this count as urgent.
pub(crate) const URGENT: u32 = 1024;

/// The name of a tube: 1 to 200 of `A-Za-z0-9-+/;.$_()`, not beginning with a hyphen. One that is a
/// channel's text (`greeter.v1`, `links.visited/audit`) means that channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TubeName(Arc<str>);

impl TubeName {
    /// The name with these bytes; none if they break the rules.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+/;.$_()".contains(byte);
        let first = *name.first()?;
        if first == b'-' || name.len() > MAX_TUBE_NAME || !name.iter().all(allowed) {
            return None;
        }
        std::str::from_utf8(name).ok().map(|name| Self(name.into()))
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tube called `default`.
    pub(crate) fn default_tube() -> Self {
        Self(DEFAULT_TUBE.into())
    }
}

impl fmt::Display for TubeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for TubeName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::new(name.as_bytes()).ok_or_else(|| format!("{name:?} is not a tube's name"))
    }
}

impl From<TubeName> for String {
    fn from(name: TubeName) -> Self {
        name.as_str().to_owned()
    }
}

/// What a connection that speaks of jobs and tubes asks or orders. Each is answered by exactly one
/// [`JobAnswer`], at once except for [`JobCommand::Reserve`], but for those that say otherwise.
#[derive(Clone, Debug)]
pub enum JobCommand<M> {
    /// The connection's first: it uses and watches the tube `default` from now on. Not answered.
    Begin,
    /// Put jobs into this tube from now on.
    Use(TubeName),
    /// Which tube is used.
    Used,
    /// Take jobs from this tube, too.
    Watch(TubeName),
    /// Take jobs from this tube no more.
    Ignore(TubeName),
    /// Which tubes are watched.
    Watched,
    /// Put a job into the tube that is used. If that is an inbox, it is a reply.
    Put {
        /// How long a worker may have it; at least a second.
        ttr: u32,
        /// Whether, as a reply, it is the last one.
        last: bool,
        /// The job. Its delay is in whole seconds.
        message: Message<M>,
    },
    /// A job was announced and came to nothing: its number is used up. Not answered.
    Waste,
    /// What an inbox of this connection hears becomes a job in the inbox's tube. Not answered.
    Deposit(Message<M>),
    /// Take the first job of the watched tubes, or wait for one; none: for ever.
    Reserve(Option<Duration>),
    /// Wait no more: a waiting `Reserve` is answered as if its time were over, nothing else.
    GiveUp,
    /// Take this job, unless somebody has it.
    ReserveJob(u64),
    /// Remove a job that is this connection's or nobody's.
    Delete(u64),
    /// Give a job back.
    Release {
        /// Which.
        job: u64,
        /// Its new priority.
        priority: u32,
        /// How long to hold it back, in seconds.
        delay: u32,
    },
    /// Set a job aside.
    Bury {
        /// Which.
        job: u64,
        /// Its new priority.
        priority: u32,
    },
    /// Start a job's time anew.
    Touch(u64),
    /// Look at a job.
    Peek(Peek),
    /// Make up to so many buried jobs of the used tube ready or, if there is none, delayed ones.
    Kick(u32),
    /// Make this job ready.
    KickJob(u64),
    /// A job's figures.
    StatsJob(u64),
    /// A tube's figures.
    StatsTube(TubeName),
    /// The figures of all jobs.
    Stats,
    /// All tubes.
    Tubes,
    /// Hand out nothing of this tube for so long.
    Pause(TubeName, Duration),
}

/// Which job to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek {
    /// This one.
    Job(u64),
    /// The next one of the used tube.
    Ready,
    /// The delayed one of the used tube that will be ready first.
    Delayed,
    /// The buried one of the used tube that would be kicked first.
    Buried,
}

/// The answer to a [`JobCommand`].
#[derive(Clone, Debug)]
pub enum JobAnswer<M> {
    /// The job was put, and this is its number.
    Inserted(u64),
    /// The bounds of the tube or of the broker leave no room.
    Full,
    /// The job is larger than the broker takes.
    TooBig,
    /// This tube is used.
    Using(TubeName),
    /// So many tubes are watched.
    Watching(usize),
    /// The last tube cannot be ignored.
    NotIgnored,
    /// A job, which the connection has now.
    Reserved(u64, M),
    /// Nothing is ready, and the time of a job that the connection has is nearly over.
    DeadlineSoon,
    /// Nothing came in time.
    TimedOut,
    /// A job to look at.
    Found(u64, M),
    /// There is no such job or tube, or it is not in a state in which this can be done.
    NotFound,
    /// The job is gone.
    Deleted,
    /// The job is given back.
    Released,
    /// The job is set aside.
    Buried,
    /// The job's time has begun anew.
    Touched,
    /// So many jobs are ready now.
    Kicked(u32),
    /// The job is ready now.
    KickedJob,
    /// The tube is paused.
    Paused,
    /// A job's figures.
    Job(Box<JobStats>),
    /// A tube's figures.
    Tube(Box<TubeStats>),
    /// The figures of all jobs.
    Totals(Box<JobTotals>),
    /// Tubes, in the order in which beanstalkd lists them.
    Tubes(Vec<TubeName>),
}

/// What state a job is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a worker.
    Ready,
    /// It is held back.
    Delayed,
    /// A worker has it.
    Reserved,
    /// It is set aside.
    Buried,
}

/// A job's figures; times in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStats {
    /// Its number.
    pub id: u64,
    /// Its tube.
    pub tube: TubeName,
    /// Its state.
    pub state: JobState,
    /// Its priority.
    pub priority: u32,
    /// How long it has existed.
    pub age: u64,
    /// How long it was held back, as it was put or released last.
    pub delay: u32,
    /// How long a worker may have it.
    pub ttr: u32,
    /// What is left of its delay, or of the time that its worker has.
    pub left: u64,
    /// How often it was reserved, ...
    pub reserves: u32,
    /// ... how often its worker's time ran out, ...
    pub timeouts: u32,
    /// ... how often it was released, ...
    pub releases: u32,
    /// ... buried, ...
    pub buries: u32,
    /// ... and kicked.
    pub kicks: u32,
}

/// A tube's figures; times in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TubeStats {
    /// Its name.
    pub tube: TubeName,
    /// Ready jobs that are urgent, ...
    pub urgent: u64,
    /// ... all ready ones, ...
    pub ready: u64,
    /// ... reserved, ...
    pub reserved: u64,
    /// ... delayed, ...
    pub delayed: u64,
    /// ... and buried ones.
    pub buried: u64,
    /// Jobs that were put into it in all.
    pub total: u64,
    /// Connections that use it, ...
    pub using: u64,
    /// ... that take jobs from it, ...
    pub watching: u64,
    /// ... and that wait for one just now.
    pub waiting: u64,
    /// How often a job in it was deleted, ...
    pub deletes: u64,
    /// ... and how often it was paused.
    pub pauses: u64,
    /// For how long it was paused, if it is, ...
    pub pause: u64,
    /// ... and what is left of that.
    pub pause_left: u64,
}

/// The figures of all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobTotals {
    /// Ready jobs that are urgent.
    pub urgent: u64,
    /// All ready jobs.
    pub ready: u64,
    /// Jobs that a worker has.
    pub reserved: u64,
    /// Jobs that are held back.
    pub delayed: u64,
    /// Jobs that are set aside.
    pub buried: u64,
    /// How often a worker's time ran out.
    pub timeouts: u64,
    /// Jobs that were ever put.
    pub total: u64,
    /// Tubes.
    pub tubes: u64,
    /// Connections that wait for a job.
    pub waiting: u64,
}

#[cfg(test)]
mod tests {
    use super::TubeName;

    #[test]
    fn names_keep_to_the_alphabet() {
        let long = [b'a'; 201];
        for good in [&b"a"[..], b"A-b", b"jobs/high;1.$(x)_+", &long[..200]] {
            assert_eq!(TubeName::new(good).unwrap().as_str().as_bytes(), good);
        }
        for bad in [&b""[..], b"-a", b"a b", b"a\0", b"a*", "ä".as_bytes(), &long] {
            assert!(TubeName::new(bad).is_none(), "{bad:?}");
        }
    }
}
