//! A listening socket that outlives the programs behind it: each is handed it, and says when it is ready.

mod notice;
mod hand_down;

pub(crate) use self::{
    hand_down::hand_down,
    notice::{Notice, is_ready, more_time, section},
};
