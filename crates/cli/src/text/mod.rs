//! Text for people: times, suggestions, commands to type.

mod duration;
mod human;
mod shell_word;
mod suggest;

pub(crate) use skyloom::system::{why, without_numbers};

pub(crate) use self::{
    duration::{parse_delay, parse_timeout},
    human::{counted, latency, printable, printable_lines, span},
    shell_word::shell_word,
    suggest::did_you_mean,
};
