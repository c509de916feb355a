//! What the engine remembers: one kind of thing for each file, none of which knows the rules.

mod time;
mod table;
mod timers;
mod message;
mod lease;
mod consumer;
mod waiting;
mod name;
mod tube;
mod letters;
mod puller;
mod jobs;
mod channel;
mod inbox;
mod connection;
mod directory;

pub(crate) use self::{
    channel::{ChannelState, Counters},
    connection::Connection,
    consumer::ConsumerState,
    directory::{Directory, Registered},
    inbox::{InboxState, News},
    jobs::{JobFacts, JobPlace, Jobs},
    lease::{Held, Leases},
    letters::{Dead, Letters},
    message::Stored,
    name::Name,
    puller::{Puller, Wait},
    table::Table,
    time::Time,
    timers::{Due, Timers},
    tube::{Private, TubeState},
    waiting::{Place, Waiting},
};
