//! Serves a gateway on a TCP port.

mod socket;
mod alarm;
mod protocol;
mod linger;
mod refusal;
mod unread;
mod streams;
mod drained;
mod http1_socket;
mod connection;
mod bound;
mod inherited;

pub(crate) use self::bound::check;
pub use self::{
    bound::{Bound, Draining},
    inherited::inherited_listener,
};
