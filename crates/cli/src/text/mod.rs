//! Text for people: times, suggestions.

mod duration;
mod human;
mod suggest;

pub(crate) use self::{
    duration::{parse_delay, parse_timeout},
    human::{counted, latency, printable, span},
    suggest::did_you_mean,
};
